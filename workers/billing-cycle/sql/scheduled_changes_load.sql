-- The changes that wait for a boundary of these subscriptions. $1 tenant, $2 uuid[] subscriptions.
-- Result: subscription id, id, first period, plan id, plan version, quantity (micro), items (JSON), moves of versions (JSON).
SELECT subscription_id, id, period_index, plan_id, plan_version, (quantity * 1000000)::bigint, items, version_moves
FROM scheduled_changes
WHERE tenant_id = $1::uuid AND subscription_id = ANY ($2::uuid[]) AND status = 'pending';
