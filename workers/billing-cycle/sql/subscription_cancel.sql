-- Cancels, at once ($3 true) or at the boundary $7. $1 tenant, $2 id, $4 the new status, $5 reason, $6 now. Result: version.
UPDATE subscriptions
SET status = $4, cancel_reason = COALESCE($5, cancel_reason), cancel_at_period_end = NOT $3::boolean,
    cancelled_at = CASE WHEN $3::boolean THEN $6::timestamptz END, cancel_at = $7::timestamptz,
    next_billing_at = CASE WHEN $3::boolean THEN NULL ELSE next_billing_at END,
    updated_at = $6::timestamptz, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid
RETURNING version;
