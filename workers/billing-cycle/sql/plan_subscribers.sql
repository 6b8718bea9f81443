-- The next living subscriptions that have a version of a plan, themselves or as an add-on, or will have it by a change that
-- waits, and are not on their way to the other version already. Found by index, whatever the statistics say: each way to have
-- the version is one lookup. $1 tenant, $2 plan, $3 version, $4 the version that they are to have, $5 after this one, $6 how many.
-- Result: id, customer, currency, quantity (micro), whether it is the subscription's own plan, price overridden, ends at its
-- next boundary, leaves the version at one, comes to it at one, add-ons of that version (JSON array of [item, quantity (micro)]),
-- whether it will have add-ons at that boundary; next period, when it is billed, the customer's own time, time zone; interval
-- unit, interval count, anchor, anchor day, anchor's index.
WITH known AS (
  SELECT id FROM subscriptions
  WHERE tenant_id = $1::uuid AND plan_id = $2::uuid AND plan_version = $3::integer AND id > $5::uuid
    AND status NOT IN ('cancelled', 'expired')
  UNION
  SELECT subscription_id FROM subscription_items
  WHERE tenant_id = $1::uuid AND plan_id = $2::uuid AND plan_version = $3::integer AND subscription_id > $5::uuid
    AND removed_at IS NULL
  UNION
  SELECT subscription_id FROM scheduled_changes
  WHERE tenant_id = $1::uuid AND plan_id = $2::uuid AND plan_version = $3::integer AND subscription_id > $5::uuid
    AND status = 'pending'
  UNION
  SELECT subscription_id FROM (
    SELECT tenant_id, subscription_id FROM scheduled_changes WHERE resolved_at IS NULL
      AND items @> jsonb_build_array(jsonb_build_object('planId', $2::uuid, 'planVersion', $3::integer)) OFFSET 0) AS by_item
  WHERE tenant_id = $1::uuid AND subscription_id > $5::uuid
  UNION
  SELECT subscription_id FROM (
    SELECT tenant_id, subscription_id FROM scheduled_changes WHERE resolved_at IS NULL
      AND version_moves @> jsonb_build_array(jsonb_build_object('planId', $2::uuid, 'toVersion', $3::integer)) OFFSET 0) AS by_move
  WHERE tenant_id = $1::uuid AND subscription_id > $5::uuid
), candidate AS (
  SELECT s.*, c.plan_id AS next_plan, c.plan_version AS next_version,
         s.plan_id = $2::uuid AND s.plan_version = $3::integer AS is_own, i.add_ons,
         CASE WHEN c.items IS NOT NULL THEN c.items <> '[]' ELSE i.has_any END AS will_have_add_ons,
         COALESCE(c.plan_id = $2::uuid AND c.plan_version = $3::integer, false)
           OR COALESCE(c.items @> jsonb_build_array(jsonb_build_object('planId', $2::uuid, 'planVersion', $3::integer)), false)
           OR COALESCE(c.version_moves @> jsonb_build_array(jsonb_build_object('planId', $2::uuid, 'toVersion', $3::integer)), false)
           AS is_coming,
         COALESCE(c.version_moves @> jsonb_build_array(jsonb_build_object('planId', $2::uuid, 'fromVersion', $3::integer,
                                                                          'toVersion', $4::integer)), false) AS is_moved
  FROM (SELECT id FROM known ORDER BY id OFFSET 0) AS k
  CROSS JOIN LATERAL (SELECT x.*, x.next_period_at AS told_at FROM subscriptions x
                      WHERE x.tenant_id = $1::uuid AND x.id = k.id OFFSET 0) AS s
  LEFT JOIN LATERAL (SELECT x.plan_id, x.plan_version, x.items, x.version_moves FROM scheduled_changes x
                     WHERE x.tenant_id = $1::uuid AND x.subscription_id = k.id AND x.status = 'pending' OFFSET 0) AS c ON true
  CROSS JOIN LATERAL (
    SELECT count(*) > 0 AS has_any, json_agg(json_build_array(x.item, (x.quantity * 1000000)::bigint) ORDER BY x.item)
                                      FILTER (WHERE x.plan_id = $2::uuid AND x.plan_version = $3::integer) AS add_ons
    FROM subscription_items x WHERE x.tenant_id = $1::uuid AND x.subscription_id = k.id AND x.removed_at IS NULL) AS i
)
SELECT s.id, s.customer_id, s.currency, (s.quantity * 1000000)::bigint, s.is_own, s.price_overridden,
       s.cancel_at_period_end OR NOT s.auto_renew,
       COALESCE((s.next_plan, s.next_version) <> ($2::uuid, $3::integer), false), s.is_coming, s.add_ons,
       s.will_have_add_ons OR s.add_ons IS NOT NULL, s.next_period_index, s.told_at, customer_now(s.tenant_id, s.customer_id),
       COALESCE(s.next_time_zone, s.time_zone), s.interval_unit, s.interval_count, s.anchor_date, s.anchor_day, s.anchor_index
FROM candidate s
WHERE s.status NOT IN ('cancelled', 'expired') AND (s.is_coming OR ((s.is_own OR s.add_ons IS NOT NULL) AND NOT s.is_moved))
ORDER BY s.id LIMIT $6::integer;
