-- The plans that a change asks for, in the subscription's currency. $1 tenant; arrays: $2 ids or codes, $3 versions (0: the
-- current one); $4 currency. Result in that order: plan id (NULL: there is none), code, name, version (NULL: no such one),
-- status, interval unit, interval count, whether it has a price in the currency, and the columns of plan_billing from
-- the proration basis on.
SELECT p.id, p.code, p.name, v.plan_version, p.status, v.interval_unit, v.interval_count, b.plan_id IS NOT NULL,
       b.proration_basis, b.amount_minor, b.components, b.setup_fee_minor, b.minimum_minor
FROM unnest($2::text[], $3::integer[]) WITH ORDINALITY AS a (key, plan_version, place)
LEFT JOIN plans p ON p.tenant_id = $1::uuid AND (p.id::text = lower(a.key) OR p.code = a.key)
LEFT JOIN plan_versions v ON v.tenant_id = p.tenant_id AND v.plan_id = p.id
                         AND v.plan_version = COALESCE(NULLIF(a.plan_version, 0), p.current_version)
LEFT JOIN plan_billing b ON b.tenant_id = v.tenant_id AND b.plan_id = v.plan_id AND b.plan_version = v.plan_version
                        AND b.currency = $4
ORDER BY a.place;
