-- Trials whose end is to be announced; their customers' billing is locked. $1 now, $2 how many,
-- $3 the clock by which it is now.
-- Result: tenant id, subscription id.
-- (OFFSET 0: the few that are due are found first, not all customers.)
SELECT s.tenant_id, s.id
FROM (SELECT * FROM subscriptions WHERE trial_notice_at <= $1::timestamptz OFFSET 0) AS s
JOIN customer_billing b ON b.tenant_id = s.tenant_id AND b.customer_id = s.customer_id
WHERE b.test_clock_id = $3::uuid
ORDER BY s.trial_notice_at LIMIT $2::integer FOR UPDATE OF b SKIP LOCKED;
