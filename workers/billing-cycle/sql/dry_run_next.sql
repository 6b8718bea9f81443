-- The next due customers of a dry run in the order of a real one, not locked yet. $1 tenant, $2 as of, $3 how many, $4 the run's
-- clock, $5 and $6 the due time and customer that it has come to (NULL: none). Result: customer id, due time.
SELECT customer_id, next_billing_at FROM customer_billing
WHERE tenant_id = $1::uuid AND test_clock_id = $4::uuid AND next_billing_at <= $2::timestamptz
  AND ($5::timestamptz IS NULL OR (next_billing_at, customer_id) > ($5::timestamptz, $6::uuid))
ORDER BY next_billing_at, customer_id LIMIT $3::integer;
