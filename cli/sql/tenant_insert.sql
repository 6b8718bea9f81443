-- A tenant with its first administrator. $1 tenant id, $2 name, $3 currency, $4 time zone, $5 mode, $6 user id, $7 e-mail,
-- $8 bcrypt hash.
WITH tenant AS (
  INSERT INTO tenants (id, name, currency, time_zone, mode) VALUES ($1::uuid, $2, $3, $4, $5) RETURNING id
)
INSERT INTO users (tenant_id, id, email, password_hash, role, email_verified_at)
SELECT id, $6::uuid, $7, $8, 'ADMIN', now() FROM tenant;
