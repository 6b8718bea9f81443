-- Notes that nothing is due any more, if that is so. $1 tenant, $2 run, $3 as of, $4 now.
UPDATE billing_runs r SET claimed_at = $4::timestamptz
WHERE tenant_id = $1::uuid AND id = $2::uuid AND claimed_at IS NULL
  AND NOT EXISTS (SELECT FROM customer_billing b
                  WHERE b.tenant_id = $1::uuid AND b.test_clock_id = r.test_clock_id AND b.next_billing_at <= $3::timestamptz);
