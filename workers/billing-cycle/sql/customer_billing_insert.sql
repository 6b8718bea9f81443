-- The row that all work on a customer's billing locks first, if it is missing. $1 tenant, $2 customer.
INSERT INTO customer_billing (tenant_id, customer_id, test_clock_id)
SELECT tenant_id, id, COALESCE(test_clock_id, real_time()) FROM customers WHERE tenant_id = $1::uuid AND id = $2::uuid
ON CONFLICT (tenant_id, customer_id) DO NOTHING;
