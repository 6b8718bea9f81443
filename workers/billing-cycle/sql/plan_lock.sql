-- A plan, locked, with what its current version says. $1 tenant, $2 id.
-- Result: code, status, version; name, description, metadata (JSON); the version's number; its interval unit, interval
-- count, proration basis, features (JSON), limits (JSON), tier, prices (JSON array, its own first).
SELECT p.code, p.status, p.version, p.name, p.description, p.metadata, p.current_version,
       v.interval_unit, v.interval_count, v.proration_basis, v.features, v.limits, v.tier,
       (SELECT json_agg(json_build_object('currency', x.currency, 'amountMinor', x.amount_minor, 'components', x.components,
                                          'setupFeeMinor', x.setup_fee_minor, 'minimumMinor', x.minimum_minor)
                        ORDER BY x.currency <> v.currency, x.currency COLLATE "C")
        FROM plan_prices x
        WHERE x.tenant_id = v.tenant_id AND x.plan_id = v.plan_id AND x.plan_version = v.plan_version)
FROM plans p
JOIN plan_versions v ON v.tenant_id = p.tenant_id AND v.plan_id = p.id AND v.plan_version = p.current_version
WHERE p.tenant_id = $1::uuid AND p.id = $2::uuid
FOR UPDATE OF p;
