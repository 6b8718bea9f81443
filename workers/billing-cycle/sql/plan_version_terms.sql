-- What versions of a plan cost. $1 tenant, $2 plan, $3 integer[] versions.
-- Result: version, interval unit, interval count, currency, components (JSON).
SELECT v.plan_version, v.interval_unit, v.interval_count, x.currency, x.components
FROM plan_versions v
JOIN plan_prices x ON x.tenant_id = v.tenant_id AND x.plan_id = v.plan_id AND x.plan_version = v.plan_version
WHERE v.tenant_id = $1::uuid AND v.plan_id = $2::uuid AND v.plan_version = ANY ($3::integer[]);
