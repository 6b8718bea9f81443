-- Where subscriptions stand after they were billed. Arrays: $2 ids, $3 statuses (NULL: as before), $4 next period indexes, $5 next billing
-- times (NULL: never again), $6 and $7 current periods (NULL: as before), $8 parked, $9 charges (JSON; NULL: as before),
-- $10 charged since arrears were billed last, $11 versions, $12 time zones, $13 periods that were renewed early (JSON), $14
-- arrears from; $1 tenant, $15 now.
UPDATE subscriptions s
SET status = COALESCE(a.status, s.status), next_period_index = a.next_period_index, next_billing_at = a.next_billing_at,
    current_period_start = COALESCE(a.period_start, s.current_period_start),
    current_period_end = COALESCE(a.period_end, s.current_period_end),
    charges = COALESCE(a.charges, s.charges), charged_minor = a.charged_minor,
    arrears_from = a.arrears_from, renewed_periods = a.renewed_periods,
    time_zone = a.time_zone, next_time_zone = CASE WHEN a.time_zone = s.time_zone THEN s.next_time_zone END,
    next_time_zone_at = CASE WHEN a.time_zone = s.time_zone THEN s.next_time_zone_at END,
    cancelled_at = CASE WHEN a.status = 'cancelled' THEN COALESCE(s.cancelled_at, s.cancel_at) ELSE s.cancelled_at END,
    expires_at = CASE WHEN a.status = 'expired' THEN COALESCE(a.period_end, s.current_period_end) ELSE s.expires_at END,
    parked_at = CASE WHEN a.parked THEN $15::timestamptz ELSE s.parked_at END,
    updated_at = $15::timestamptz, version = a.version
FROM (SELECT unnest($2::uuid[]) AS id, unnest($3::text[]) AS status, unnest($4::bigint[]) AS next_period_index,
             unnest($5::timestamptz[]) AS next_billing_at, unnest($6::timestamptz[]) AS period_start,
             unnest($7::timestamptz[]) AS period_end, unnest($8::boolean[]) AS parked, unnest($9::json[]) AS charges,
             unnest($10::bigint[]) AS charged_minor, unnest($11::bigint[]) AS version, unnest($12::text[]) AS time_zone,
             unnest($13::jsonb[]) AS renewed_periods, unnest($14::date[]) AS arrears_from) AS a
CROSS JOIN LATERAL (SELECT x.ctid AS place FROM subscriptions x WHERE x.tenant_id = $1::uuid AND x.id = a.id OFFSET 0) AS found
WHERE s.ctid = found.place;
