-- Subscriptions whose wait for their first payment is over, because it came or because it did not, and those that ended while
-- they waited and whose invoice is there by now, or never will be; their customers' billing is locked. $1 now, $2 how many, $3 the
-- clock by which it is now. Result: tenant id, subscription id, customer id, will there never be an invoice. (OFFSET 0, and by place:
-- the few that wait are found first, and of them each customer by its key, not all.)
SELECT s.tenant_id, s.id, s.customer_id, s.incomplete_until = '-infinity'
FROM (SELECT * FROM subscriptions WHERE incomplete_until IS NOT NULL OFFSET 0) AS s
CROSS JOIN LATERAL (SELECT x.ctid AS place FROM customer_billing x
                    WHERE x.tenant_id = s.tenant_id AND x.customer_id = s.customer_id AND x.test_clock_id = $3::uuid OFFSET 0) AS found
JOIN customer_billing b ON b.ctid = found.place
WHERE s.status = 'incomplete' AND s.incomplete_until <= $1::timestamptz OR s.incomplete_until = '-infinity'
   OR EXISTS (SELECT FROM invoice_items i JOIN invoices v ON v.tenant_id = i.tenant_id AND v.id = i.invoice_id
              WHERE i.tenant_id = s.tenant_id AND i.subscription_id = s.id AND (v.status = 'paid' OR s.status <> 'incomplete'))
ORDER BY s.incomplete_until LIMIT $2::integer FOR UPDATE OF b SKIP LOCKED;
