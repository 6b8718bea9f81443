-- A tenant with its first administrator. $1 tenant id, $2 name, $3 currency, $4 time zone, $5 mode, $6 user id, $7 e-mail,
-- $8 bcrypt hash, $9 billing runs start by themselves, $10 at this hour of the day (NULL: every hour).
WITH tenant AS (
  INSERT INTO tenants (id, name, currency, time_zone, mode) VALUES ($1::uuid, $2, $3, $4, $5) RETURNING id, time_zone
), schedule AS (
  INSERT INTO billing_schedules (tenant_id, is_enabled, hour_of_day, next_due_at)
  SELECT id, $9::boolean, $10::smallint, billing_schedule_next($10::smallint, time_zone, now()) FROM tenant
)
INSERT INTO users (tenant_id, id, email, password_hash, role, email_verified_at)
SELECT id, $6::uuid, $7, $8, 'ADMIN', now() FROM tenant;
