-- The next living subscriptions that have a version of a plan, themselves or as an add-on, or will have it by a change that
-- waits, and are not on their way to the other version already. $1 tenant, $2 plan, $3 version, $4 the version that they are to
-- have, $5 after this one, $6 how many.
-- Result: id, customer, currency, quantity (micro), whether it is the subscription's own plan, price overridden, ends at its
-- next boundary, leaves the version at one, comes to it at one, add-ons of that version (JSON array of [item, quantity (micro)]),
-- has add-ons; next period, when it is billed, the customer's own time, time zone; interval unit, interval count, anchor, anchor
-- day, anchor's index.
WITH candidate AS (
  SELECT s.*, c.id AS change_id, c.plan_id AS next_plan, c.plan_version AS next_version, s.next_period_at AS told_at,
         s.plan_id = $2::uuid AND s.plan_version = $3::integer AS is_own,
         (SELECT json_agg(json_build_array(i.item, (i.quantity * 1000000)::bigint) ORDER BY i.item) FROM subscription_items i
          WHERE i.tenant_id = s.tenant_id AND i.subscription_id = s.id AND i.removed_at IS NULL
            AND i.plan_id = $2::uuid AND i.plan_version = $3::integer) AS add_ons,
         COALESCE(c.plan_id = $2::uuid AND c.plan_version = $3::integer, false)
           OR COALESCE(c.items @> jsonb_build_array(jsonb_build_object('planId', $2::uuid, 'planVersion', $3::integer)), false)
           OR COALESCE(c.version_moves @> jsonb_build_array(jsonb_build_object('planId', $2::uuid, 'toVersion', $3::integer)), false)
           AS is_coming,
         COALESCE(c.version_moves @> jsonb_build_array(jsonb_build_object('planId', $2::uuid, 'fromVersion', $3::integer,
                                                                          'toVersion', $4::integer)), false) AS is_moved
  FROM subscriptions s
  LEFT JOIN scheduled_changes c ON c.tenant_id = s.tenant_id AND c.subscription_id = s.id AND c.status = 'pending'
  WHERE s.tenant_id = $1::uuid AND s.id > $5::uuid AND s.status NOT IN ('cancelled', 'expired')
)
SELECT s.id, s.customer_id, s.currency, (s.quantity * 1000000)::bigint, s.is_own, s.price_overridden,
       s.cancel_at_period_end OR NOT s.auto_renew,
       COALESCE((s.next_plan, s.next_version) <> ($2::uuid, $3::integer), false), s.is_coming, s.add_ons,
       EXISTS (SELECT FROM subscription_items i
               WHERE i.tenant_id = s.tenant_id AND i.subscription_id = s.id AND i.removed_at IS NULL),
       s.next_period_index, s.told_at, customer_now(s.tenant_id, s.customer_id),
       COALESCE(s.next_time_zone, s.time_zone), s.interval_unit, s.interval_count, s.anchor_date, s.anchor_day, s.anchor_index
FROM candidate s
WHERE s.is_coming OR ((s.is_own OR s.add_ons IS NOT NULL) AND NOT s.is_moved)
ORDER BY s.id LIMIT $6::integer;
