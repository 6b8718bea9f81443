-- A parked subscription is due again. $1 tenant, $2 id, $3 its boundary, $4 now.
WITH resolved AS (
  UPDATE parked_subscriptions SET resolved_at = $4::timestamptz
  WHERE tenant_id = $1::uuid AND subscription_id = $2::uuid AND resolved_at IS NULL
)
UPDATE subscriptions SET parked_at = NULL, next_billing_at = $3::timestamptz, updated_at = $4::timestamptz, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid;
