-- Takes a scheduled change back. What came with it of moves to other versions, of what the subscription has, goes on to wait
-- as a change of its own (BILL-035). $1 tenant, $2 id, $3 subscription, $4 the id of what goes on, $5 now.
-- Result: that id; no row when nothing goes on.
WITH withdrawn AS (
  UPDATE scheduled_changes SET status = 'withdrawn', resolved_at = $5::timestamptz, version = version + 1
  WHERE tenant_id = $1::uuid AND id = $2::uuid AND subscription_id = $3::uuid AND status = 'pending'
  RETURNING *
), owned AS (
  SELECT plan_id, plan_version FROM subscriptions WHERE tenant_id = $1::uuid AND id = $3::uuid AND NOT price_overridden
  UNION ALL
  SELECT plan_id, plan_version FROM subscription_items
  WHERE tenant_id = $1::uuid AND subscription_id = $3::uuid AND removed_at IS NULL
), moves AS (
  SELECT jsonb_agg(m) AS all_of FROM withdrawn w, jsonb_array_elements(w.version_moves) AS e (m)
  WHERE num_nonnulls(w.plan_id, w.quantity, w.items) > 0
    AND EXISTS (SELECT FROM owned o WHERE m @> jsonb_build_object('planId', o.plan_id, 'fromVersion', o.plan_version))
)
INSERT INTO scheduled_changes (tenant_id, id, subscription_id, period_index, effective_at, version_moves, status, requested_by,
                               created_at)
SELECT w.tenant_id, $4::uuid, w.subscription_id, w.period_index, w.effective_at, m.all_of, 'pending', w.requested_by, $5::timestamptz
FROM withdrawn w, moves m WHERE m.all_of IS NOT NULL
RETURNING id;
