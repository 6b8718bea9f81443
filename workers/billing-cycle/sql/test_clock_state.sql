-- What a test clock waits for. $1 tenant, $2 clock, $3 its time, $4 the task that bills.
-- Result: something is under way, or due and somebody else's; something is due to be billed; the next due time after this.
SELECT EXISTS (SELECT FROM test_clock_messages m WHERE m.tenant_id = $1::uuid AND m.test_clock_id = $2::uuid)
         OR EXISTS (SELECT FROM billing_runs r
                    WHERE r.tenant_id = $1::uuid AND r.test_clock_id = $2::uuid AND r.status = 'running' AND r.claimed_at IS NULL)
         OR COALESCE(bool_or(d.due_at IS NULL OR d.due_at <= $3::timestamptz AND d.task <> $4), false),
       COALESCE(bool_or(d.due_at <= $3::timestamptz AND d.task = $4), false),
       min(d.due_at) FILTER (WHERE d.due_at > $3::timestamptz)
FROM test_clock_due d WHERE d.tenant_id = $1::uuid AND d.test_clock_id = $2::uuid;
