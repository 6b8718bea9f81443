-- What versions of plans cost. $1 tenant; arrays: $2 plans, $3 versions, $4 currencies, each combination once.
-- Result: plan id, version, currency, code, name, and the columns of plan_billing from the proration basis on.
SELECT b.plan_id, b.plan_version, b.currency, b.code, b.name,
       b.proration_basis, b.amount_minor, b.components, b.setup_fee_minor, b.minimum_minor
FROM unnest($2::uuid[], $3::integer[], $4::text[]) AS k (plan_id, plan_version, currency)
JOIN plan_billing b ON b.tenant_id = $1::uuid AND b.plan_id = k.plan_id AND b.plan_version = k.plan_version
                   AND b.currency = k.currency;
