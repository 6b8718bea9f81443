-- A new plan with its first version and its prices; nothing when the code is taken. $1 tenant, $2 id, $3 code, $4 name,
-- $5 description, $6 tier, $7 features (JSON), $8 limits (JSON), $9 metadata (JSON), $10 interval unit, $11 interval count,
-- $12 main currency, $13 text[] currencies, $14 bigint[] amounts, $15 now. Result: id.
WITH plan AS (
  INSERT INTO plans (tenant_id, id, code, name, description, tier, features, limits, metadata, created_at, updated_at)
  VALUES ($1::uuid, $2::uuid, $3, $4, $5, $6, COALESCE($7::jsonb, '[]'), COALESCE($8::jsonb, '{}'),
          COALESCE($9::jsonb, '{}'), $15::timestamptz, $15::timestamptz)
  ON CONFLICT (tenant_id, code) DO NOTHING RETURNING tenant_id, id
), version AS (
  INSERT INTO plan_versions (tenant_id, plan_id, plan_version, interval_unit, interval_count, currency, created_at)
  SELECT tenant_id, id, 1, $10, $11::integer, $12, $15::timestamptz FROM plan
), price AS (
  INSERT INTO plan_prices (tenant_id, plan_id, plan_version, currency, amount_minor)
  SELECT tenant_id, id, 1, p.currency, p.amount FROM plan, unnest($13::text[], $14::bigint[]) AS p (currency, amount)
)
SELECT id FROM plan;
