-- Schedules whose time has come, moved on; those that another process has are left to it. $1 now, $2 how many.
-- Result: tenant, the time that had come, whether a run is to be started: something is due, and no run is at it or paused.
WITH due AS MATERIALIZED (
  SELECT s.tenant_id, s.next_due_at, t.time_zone FROM billing_schedules s JOIN tenants t ON t.id = s.tenant_id
  WHERE s.is_enabled AND s.next_due_at <= $1::timestamptz AND t.status = 'ACTIVE'
  ORDER BY s.next_due_at LIMIT $2::integer FOR UPDATE OF s SKIP LOCKED
), moved AS (
  UPDATE billing_schedules s SET next_due_at = billing_schedule_next(s.hour_of_day, d.time_zone, $1::timestamptz)
  FROM due d WHERE s.tenant_id = d.tenant_id
)
SELECT d.tenant_id, d.next_due_at,
       EXISTS (SELECT FROM customer_billing b WHERE b.tenant_id = d.tenant_id AND b.test_clock_id = real_time()
                 AND b.next_billing_at <= $1::timestamptz)
       AND NOT EXISTS (SELECT FROM billing_runs r WHERE r.tenant_id = d.tenant_id AND r.test_clock_id = real_time()
                         AND NOT r.is_dry AND (r.status = 'paused' OR r.status = 'running' AND r.claimed_at IS NULL))
FROM due d ORDER BY d.next_due_at;
