-- Schedules for tenants that have none: the default. $1 now.
INSERT INTO billing_schedules (tenant_id, next_due_at)
SELECT t.id, billing_schedule_next(NULL, t.time_zone, $1::timestamptz) FROM tenants t
WHERE NOT EXISTS (SELECT FROM billing_schedules s WHERE s.tenant_id = t.id)
ON CONFLICT (tenant_id) DO NOTHING;
