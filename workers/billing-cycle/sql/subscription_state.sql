-- What a decision about a subscription's life needs. $1 tenant, $2 id. Result: status, cancel_at_period_end,
-- current_period_end, version.
SELECT status, cancel_at_period_end, current_period_end, version FROM subscriptions
WHERE tenant_id = $1::uuid AND id = $2::uuid FOR UPDATE;
