-- The next living subscriptions that have a version of a plan and are not on their way to another one already.
-- $1 tenant, $2 plan, $3 version, $4 the version that they are to have, $5 after this one, $6 how many.
-- Result: id, customer, currency, quantity (micro), price overridden, ends at its next boundary, leaves the plan at one,
-- has add-ons; next period, its boundary, the customer's own time, time zone; interval unit, interval count, anchor, anchor
-- day, anchor's index.
SELECT s.id, s.customer_id, s.currency, (s.quantity * 1000000)::bigint, s.price_overridden,
       s.cancel_at_period_end OR NOT s.auto_renew, COALESCE(c.plan_id <> s.plan_id, false),
       EXISTS (SELECT FROM subscription_items i
               WHERE i.tenant_id = s.tenant_id AND i.subscription_id = s.id AND i.removed_at IS NULL),
       s.next_period_index, s.next_billing_at, customer_now(s.tenant_id, s.customer_id),
       COALESCE(s.next_time_zone, s.time_zone), s.interval_unit, s.interval_count, s.anchor_date, s.anchor_day, s.anchor_index
FROM subscriptions s
LEFT JOIN scheduled_changes c ON c.tenant_id = s.tenant_id AND c.subscription_id = s.id AND c.status = 'pending'
WHERE s.tenant_id = $1::uuid AND s.plan_id = $2::uuid AND s.plan_version = $3::integer AND s.id > $5::uuid
  AND s.status NOT IN ('cancelled', 'expired')
  AND (c.plan_id IS NULL OR c.plan_id <> s.plan_id OR c.plan_version <> $4::integer)
ORDER BY s.id LIMIT $6::integer;
