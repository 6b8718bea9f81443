-- The plans of a subscription's items, at their current versions, in one currency: that of the first item's price.
-- $1 tenant, $2 text[] ids or codes, the subscription's own plan first, $3 currency or NULL: then $4, the customer's, if
-- the own plan has a price in it, else the plan's.
-- Result in that order: plan id (NULL: there is none), code, name, version, status, interval unit, interval count, the
-- currency, whether the plan has a price in it, and the columns of plan_billing from the proration basis on.
WITH asked AS (
  SELECT a.place, p.id, p.code, p.name, p.status, v.plan_version, v.interval_unit, v.interval_count, v.currency
  FROM unnest($2::text[]) WITH ORDINALITY AS a (key, place)
  LEFT JOIN plans p ON p.tenant_id = $1::uuid AND (p.id::text = lower(a.key) OR p.code = a.key)
  LEFT JOIN plan_versions v ON v.tenant_id = p.tenant_id AND v.plan_id = p.id AND v.plan_version = p.current_version
), own AS (
  SELECT x.currency FROM asked a
  JOIN plan_prices x ON x.tenant_id = $1::uuid AND x.plan_id = a.id AND x.plan_version = a.plan_version
  WHERE a.place = 1 AND x.currency IN (COALESCE($3, $4), COALESCE($3, a.currency))
  ORDER BY x.currency = COALESCE($3, $4) DESC LIMIT 1
)
SELECT a.id, a.code, a.name, a.plan_version, a.status, a.interval_unit, a.interval_count,
       COALESCE($3, own.currency, $4), b.plan_id IS NOT NULL,
       b.proration_basis, b.amount_minor, b.components, b.setup_fee_minor, b.minimum_minor
FROM asked a LEFT JOIN own ON true
LEFT JOIN plan_billing b ON b.tenant_id = $1::uuid AND b.plan_id = a.id AND b.plan_version = a.plan_version
                        AND b.currency = COALESCE($3, own.currency, $4)
ORDER BY a.place;
