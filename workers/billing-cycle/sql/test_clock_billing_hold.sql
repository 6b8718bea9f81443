-- Holds the billing of a test clock's customers, which are held; the second condition on the clock is the index's. $1 tenant, $2 clock.
SELECT 1 FROM customer_billing WHERE tenant_id = $1::uuid AND test_clock_id = $2::uuid AND test_clock_id <> real_time()
ORDER BY customer_id FOR UPDATE;
