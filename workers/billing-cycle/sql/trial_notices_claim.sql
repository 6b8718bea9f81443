-- Trials whose end is to be announced; their customers' billing is locked. $1 now, $2 how many,
-- $3 the clock by which it is now.
-- Result: tenant id, subscription id.
-- (OFFSET 0, and by place: the few that are due are found first, and of them each customer by its key, not all.)
SELECT s.tenant_id, s.id
FROM (SELECT * FROM subscriptions WHERE trial_notice_at <= $1::timestamptz OFFSET 0) AS s
CROSS JOIN LATERAL (SELECT x.ctid AS place FROM customer_billing x
                    WHERE x.tenant_id = s.tenant_id AND x.customer_id = s.customer_id AND x.test_clock_id = $3::uuid OFFSET 0) AS found
JOIN customer_billing b ON b.ctid = found.place
ORDER BY s.trial_notice_at LIMIT $2::integer FOR UPDATE OF b SKIP LOCKED;
