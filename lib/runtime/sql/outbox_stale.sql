-- Rows that nobody has delivered in time, oldest first, locked against other sweepers. $1 int age in ms, $2 int how many.
-- Result: id.
SELECT id FROM outbox
WHERE created_at < clock_timestamp() - $1::integer * interval '1 millisecond'
ORDER BY created_at, id LIMIT $2::integer FOR UPDATE SKIP LOCKED;
