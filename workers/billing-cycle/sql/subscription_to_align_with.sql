-- The grid to align with (BILL-014): of the customer's oldest active subscription with that interval. $1 tenant,
-- $2 customer, $3 interval unit, $4 interval count. Result: anchor date, anchor day; no row when there is none.
SELECT anchor_date, anchor_day FROM subscriptions
WHERE tenant_id = $1::uuid AND customer_id = $2::uuid AND interval_unit = $3 AND interval_count = $4::integer
  AND status IN ('active', 'past_due')
ORDER BY started_at, id LIMIT 1;
