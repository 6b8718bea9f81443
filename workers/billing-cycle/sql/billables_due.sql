-- The due subscriptions of customers that are locked, customer by customer, longest due first. $1 tenant, $2 uuid[] customers,
-- $3 as of, $4 how many. Result: the columns of the view subscription_billing.
SELECT * FROM subscription_billing
WHERE tenant_id = $1::uuid AND customer_id = ANY ($2::uuid[]) AND next_billing_at <= $3::timestamptz
ORDER BY customer_id, next_billing_at, id LIMIT $4::bigint;
