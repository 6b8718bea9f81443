-- The next test clock on its way that nobody else moves, locked. $1 the id that was looked at last.
-- Result: tenant, id, its time, where to.
SELECT tenant_id, id, frozen_at, target_at FROM test_clocks
WHERE status = 'advancing' AND id > $1::uuid ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
