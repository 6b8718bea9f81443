-- The zone in which a customer's subscriptions have their boundaries from the next one on. $1 tenant, $2 customer, $3 zone,
-- $4 now.
UPDATE subscriptions
SET next_time_zone = NULLIF($3::text, time_zone), next_time_zone_at = CASE WHEN time_zone <> $3::text THEN $4::timestamptz END
WHERE tenant_id = $1::uuid AND customer_id = $2::uuid AND status NOT IN ('cancelled', 'expired');
