-- Whether a subscription is parked, and could be billed if it were not; locked. $1 tenant, $2 id. Result: parked, version.
SELECT parked_at IS NOT NULL AND status IN ('trialing', 'active', 'past_due'), version FROM subscriptions
WHERE tenant_id = $1::uuid AND id = $2::uuid FOR UPDATE;
