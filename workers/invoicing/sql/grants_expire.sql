-- Ends account credit whose time is over; what others hold is left for later. $1 now, $2 at most so many. Result: tenant id, id, customer,
-- currency, what was left.
WITH due AS (
  SELECT tenant_id, id, remaining_minor FROM credit_grants
  WHERE remaining_minor > 0 AND expires_at <= $1::timestamptz
  ORDER BY expires_at LIMIT $2::bigint FOR UPDATE SKIP LOCKED
)
UPDATE credit_grants g SET remaining_minor = 0, expired_at = $1::timestamptz
FROM due d WHERE g.tenant_id = d.tenant_id AND g.id = d.id
RETURNING g.tenant_id, g.id, g.customer_id, g.currency, d.remaining_minor;
