-- The due subscriptions of customers that are locked, customer by customer. $1 tenant, $2 uuid[] customers, $3 as of.
-- Result: id, customer id, plan code, plan name, plan version, status, currency, price, quantity, collection, time zone,
-- start date, interval unit, interval count, anchor date, anchor day, next period index, cancel at period end, auto renew,
-- version, cancel at.
SELECT s.id, s.customer_id, p.code, p.name, s.plan_version, s.status, s.currency, s.price_minor, s.quantity, s.collection,
       s.time_zone, s.start_date, s.interval_unit, s.interval_count, s.anchor_date, s.anchor_day, s.next_period_index,
       s.cancel_at_period_end, s.auto_renew, s.version, s.cancel_at
FROM subscriptions s JOIN plans p ON p.tenant_id = s.tenant_id AND p.id = s.plan_id
WHERE s.tenant_id = $1::uuid AND s.customer_id = ANY ($2::uuid[]) AND s.next_billing_at <= $3::timestamptz
ORDER BY s.customer_id, s.id;
