-- What a customer may use of a subscription now (BILL-036): the features of its plans, and their limits: the own plan's,
-- and for each unit of an add-on its own on top; null, without limit, wins. $1 id.
-- Result: the JSON.
WITH s AS (
  SELECT * FROM subscriptions WHERE tenant_id = current_tenant() AND id = $1::uuid
), item AS (
  SELECT 0 AS item, plan_id, plan_version, quantity FROM s
  UNION ALL
  SELECT i.item, i.plan_id, i.plan_version, i.quantity FROM s
  JOIN subscription_items i ON i.tenant_id = s.tenant_id AND i.subscription_id = s.id AND i.removed_at IS NULL
), plan AS (
  SELECT i.item, i.quantity, p.id, p.code, p.name, v.plan_version, v.features, v.limits, v.tier
  FROM item i
  JOIN plans p ON p.tenant_id = current_tenant() AND p.id = i.plan_id
  JOIN plan_versions v ON v.tenant_id = p.tenant_id AND v.plan_id = p.id AND v.plan_version = i.plan_version
), bound AS (
  SELECT l.key, CASE WHEN bool_or(jsonb_typeof(l.value) = 'null') THEN 'null'::jsonb
                     ELSE to_jsonb(trim_scale(sum((l.value #>> '{}')::numeric * CASE item WHEN 0 THEN 1 ELSE quantity END))) END AS value
  FROM plan, jsonb_each(plan.limits) AS l GROUP BY l.key
)
SELECT json_build_object(
  'subscriptionId', s.id, 'customerId', s.customer_id, 'status', s.status,
  'isUsable', s.status IN ('trialing', 'active', 'past_due') AND s.started_at <= customer_now(s.tenant_id, s.customer_id),
  'tier', (SELECT tier FROM plan WHERE item = 0),
  'features', COALESCE((SELECT json_agg(DISTINCT f.value) FROM plan, jsonb_array_elements(plan.features) AS f), '[]'),
  'limits', COALESCE((SELECT json_object_agg(key, value ORDER BY key) FROM bound), '{}'),
  'items', (SELECT json_agg(json_build_object('item', item, 'planId', id, 'planCode', code, 'planVersion', plan_version, 'name', name,
                     'quantity', trim_scale(quantity), 'features', features, 'limits', limits) ORDER BY item) FROM plan))
FROM s;
