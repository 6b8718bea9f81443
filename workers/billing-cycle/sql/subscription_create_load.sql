-- What a new subscription stands on. $1 tenant, $2 customer, $3 the plan's id or code, $4 currency or NULL: then the
-- customer's if the plan has a price in it, else the plan's own. The customer is held against its deletion. Columns of
-- what does not exist are NULL.
-- Result: customer id, time zone; plan id, code, name, status, version, interval unit, interval count; currency, amount.
SELECT c.id, c.time_zone, p.id, p.code, p.name, p.status, v.plan_version, v.interval_unit, v.interval_count,
       COALESCE($4, price.currency), price.amount_minor
FROM (VALUES (1)) AS one
LEFT JOIN LATERAL (
  SELECT * FROM customers WHERE tenant_id = $1::uuid AND id = $2::uuid AND deleted_at IS NULL FOR KEY SHARE) c ON true
LEFT JOIN plans p ON p.tenant_id = $1::uuid AND (p.id::text = lower($3) OR p.code = $3)
LEFT JOIN plan_versions v ON v.tenant_id = p.tenant_id AND v.plan_id = p.id AND v.plan_version = p.current_version
LEFT JOIN LATERAL (
  SELECT x.currency, x.amount_minor FROM plan_prices x
  WHERE x.tenant_id = v.tenant_id AND x.plan_id = v.plan_id AND x.plan_version = v.plan_version
    AND x.currency IN (COALESCE($4, c.currency), COALESCE($4, v.currency))
  ORDER BY x.currency = COALESCE($4, c.currency) DESC LIMIT 1) price ON true;
