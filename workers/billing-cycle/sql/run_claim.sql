-- The next due customers of a run, longest due first, locked; those that another worker has are left to it.
-- $1 tenant, $2 as of, $3 how many, $4 the run's clock. Result: customer id.
SELECT customer_id FROM customer_billing
WHERE tenant_id = $1::uuid AND test_clock_id = $4::uuid AND next_billing_at <= $2::timestamptz
ORDER BY next_billing_at, customer_id LIMIT $3::integer FOR UPDATE SKIP LOCKED;
