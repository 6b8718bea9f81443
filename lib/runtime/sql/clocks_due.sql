-- Test clocks that have something due for a task. $1 the task's name, $2 how many at most.
-- Result: tenant, clock, its time.
SELECT DISTINCT k.tenant_id, k.id, k.frozen_at
FROM test_clock_due d JOIN test_clocks k ON k.tenant_id = d.tenant_id AND k.id = d.test_clock_id
WHERE d.task = $1 AND d.due_at <= k.frozen_at AND k.deleted_at IS NULL
LIMIT $2::integer;
