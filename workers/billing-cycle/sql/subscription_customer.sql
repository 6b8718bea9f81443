-- Whose it is. $1 tenant, $2 id. Result: customer id.
SELECT customer_id FROM subscriptions WHERE tenant_id = $1::uuid AND id = $2::uuid;
