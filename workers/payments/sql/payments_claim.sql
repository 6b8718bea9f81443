-- Payments whose time has come, locked for this transaction; what others hold is theirs.
-- $1 now, $2 at most so many, $3 by which clock → tenant_id, id
SELECT tenant_id, id
FROM payments
WHERE due_clock_id = $3::uuid AND next_attempt_at <= $1::timestamptz
ORDER BY next_attempt_at
LIMIT $2::bigint
FOR UPDATE SKIP LOCKED
