-- A version of a plan, with its prices. $1 tenant, $2 plan, $3 version, $4 interval unit, $5 interval count,
-- $6 proration basis, $7 main currency, $8 features (JSON), $9 limits (JSON), $10 tier, $11 text[] currencies,
-- $12 bigint[] bare prices or NULL, $13 text[] components (JSON), $14 bigint[] setup fees, $15 bigint[] minimum commitments,
-- $16 now.
WITH version AS (
  INSERT INTO plan_versions (tenant_id, plan_id, plan_version, interval_unit, interval_count, proration_basis, currency,
                             features, limits, tier, created_at)
  VALUES ($1::uuid, $2::uuid, $3::integer, $4, $5::integer, $6, $7, $8::jsonb, $9::jsonb, $10, $16::timestamptz)
  RETURNING tenant_id, plan_id, plan_version
)
INSERT INTO plan_prices (tenant_id, plan_id, plan_version, currency, amount_minor, components, setup_fee_minor, minimum_minor)
SELECT tenant_id, plan_id, plan_version, p.currency, p.amount, p.components::jsonb, p.setup_fee, p.minimum
FROM version, unnest($11::text[], $12::bigint[], $13::text[], $14::bigint[], $15::bigint[])
  AS p (currency, amount, components, setup_fee, minimum);
