-- Ends account credit whose time is over; what others hold is left for later. $1 now, $2 at most so many,
-- $3 by which clock. Result: tenant id, id, customer, currency, what was left.
WITH due AS (
  SELECT g.tenant_id, g.id, g.remaining_minor
  FROM credit_grants g JOIN customers c ON c.tenant_id = g.tenant_id AND c.id = g.customer_id
  WHERE g.remaining_minor > 0 AND g.expires_at <= $1::timestamptz AND COALESCE(c.test_clock_id, real_time()) = $3::uuid
  ORDER BY g.expires_at LIMIT $2::bigint FOR UPDATE OF g SKIP LOCKED
)
UPDATE credit_grants g SET remaining_minor = 0, expired_at = $1::timestamptz
FROM due d WHERE g.tenant_id = d.tenant_id AND g.id = d.id
RETURNING g.tenant_id, g.id, g.customer_id, g.currency, d.remaining_minor;
