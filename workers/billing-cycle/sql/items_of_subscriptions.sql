-- The add-ons that subscriptions have now. $1 tenant, $2 uuid[] subscriptions.
-- Result: subscription id, item, plan id, plan version, quantity (micro), added period index.
SELECT subscription_id, item, plan_id, plan_version, (quantity * 1000000)::bigint, added_period_index
FROM subscription_items
WHERE tenant_id = $1::uuid AND subscription_id = ANY ($2::uuid[]) AND removed_at IS NULL
ORDER BY subscription_id, item;
