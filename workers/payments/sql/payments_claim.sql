-- Payments whose time has come, locked for this transaction; what others hold is theirs.
-- $1 now, $2 at most so many → tenant_id, id
SELECT tenant_id, id
FROM payments
WHERE next_attempt_at <= $1::timestamptz
ORDER BY next_attempt_at
LIMIT $2::bigint
FOR UPDATE SKIP LOCKED
