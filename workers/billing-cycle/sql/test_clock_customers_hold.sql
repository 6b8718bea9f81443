-- Holds the customers of a test clock, against whoever makes something for them as well. $1 tenant, $2 clock.
SELECT 1 FROM customers WHERE tenant_id = $1::uuid AND test_clock_id = $2::uuid ORDER BY id FOR UPDATE;
