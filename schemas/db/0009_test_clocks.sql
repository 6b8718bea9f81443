-- What test clocks look at: whose each thing is, and what falls due when.

-- The customer behind an id that a message may name. A table of things that a command can be about has a row here.
CREATE VIEW customer_of WITH (security_invoker = true) AS
SELECT tenant_id, id, id AS customer_id FROM customers
UNION ALL SELECT tenant_id, id, customer_id FROM subscriptions
UNION ALL SELECT tenant_id, id, customer_id FROM invoices
UNION ALL SELECT tenant_id, id, customer_id FROM payments
UNION ALL SELECT tenant_id, id, customer_id FROM payment_methods;

-- What falls due on test clocks, and the task that works it off then; without a time: it is under way now. One SELECT for
-- each table with due times; a new one is added here and nowhere else. An advancing clock stops at each of these times.
CREATE VIEW test_clock_due WITH (security_invoker = true) AS
SELECT tenant_id, test_clock_id, 'billing-run' AS task, next_billing_at AS due_at FROM customer_billing
WHERE test_clock_id <> real_time() AND next_billing_at IS NOT NULL
UNION ALL
SELECT s.tenant_id, b.test_clock_id, 'trial-notice', s.trial_notice_at
FROM subscriptions s JOIN customer_billing b ON b.tenant_id = s.tenant_id AND b.customer_id = s.customer_id
WHERE b.test_clock_id <> real_time() AND s.trial_notice_at IS NOT NULL
UNION ALL
SELECT s.tenant_id, b.test_clock_id, 'incomplete', CASE WHEN x.is_over THEN s.created_at ELSE s.incomplete_until END
FROM subscriptions s JOIN customer_billing b ON b.tenant_id = s.tenant_id AND b.customer_id = s.customer_id
CROSS JOIN LATERAL (
  SELECT s.incomplete_until = '-infinity' OR
         EXISTS (SELECT FROM invoice_items i JOIN invoices v ON v.tenant_id = i.tenant_id AND v.id = i.invoice_id
                 WHERE i.tenant_id = s.tenant_id AND i.subscription_id = s.id AND (v.status = 'paid' OR s.status <> 'incomplete'))
) AS x (is_over)
WHERE b.test_clock_id <> real_time() AND s.incomplete_until IS NOT NULL AND (s.status = 'incomplete' OR x.is_over)
UNION ALL
SELECT tenant_id, test_clock_id, 'charge', CASE WHEN status NOT IN ('processing', 'unknown') THEN next_attempt_at END FROM payments
WHERE test_clock_id <> real_time() AND next_attempt_at IS NOT NULL
UNION ALL
SELECT c.tenant_id, c.test_clock_id, 'finalise', greatest(v.auto_finalise_at, v.retry_at)
FROM customers c JOIN invoices v ON v.tenant_id = c.tenant_id AND v.customer_id = c.id
WHERE c.test_clock_id IS NOT NULL AND v.status = 'draft' AND v.auto_finalise_at IS NOT NULL
UNION ALL
SELECT c.tenant_id, c.test_clock_id, 'expire-credit', g.expires_at
FROM customers c JOIN credit_grants g ON g.tenant_id = c.tenant_id AND g.customer_id = c.id
WHERE c.test_clock_id IS NOT NULL AND g.remaining_minor > 0 AND g.expires_at IS NOT NULL;

-- A customer's own time: its test clock's, or the real one.
CREATE FUNCTION customer_now(tenant uuid, customer uuid) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
RETURN COALESCE((SELECT k.frozen_at FROM customers c JOIN test_clocks k ON k.tenant_id = c.tenant_id AND k.id = c.test_clock_id
                 WHERE c.tenant_id = tenant AND c.id = customer), now());

CREATE VIEW test_clock_resource WITH (security_invoker = true) AS
SELECT tenant_id, id, status, created_at, json_build_object(
  'id', id, 'tenantId', tenant_id, 'name', name, 'status', status, 'frozenTime', iso(frozen_at), 'targetTime', iso(target_at),
  'createdAt', iso(created_at), 'updatedAt', iso(updated_at), 'version', version) AS resource
FROM test_clocks WHERE deleted_at IS NULL;

GRANT SELECT ON customer_of, test_clock_due, test_clock_resource TO cloudbill_api, cloudbill_worker;

-- BILL-065: both must be empty. What is parked is due to nobody and counted where it is shown. The next step of an invoice that
-- is charged is its payment's, or its dead letter's, in which a payment that was given up waits for somebody to decide; one that
-- the customer is to pay by himself has taken its last step when it was sent: until a mail is out, or on its way, nobody knows.
CREATE VIEW invariant_subscriptions_without_boundary WITH (security_invoker = true) AS
SELECT tenant_id, id, customer_id, status FROM subscriptions
WHERE status IN ('trialing', 'active', 'past_due') AND next_billing_at IS NULL AND parked_at IS NULL;

-- Open past their due date, wherever that day ends last, by real time and by their customers' clocks: two looks, each by an
-- index.
CREATE VIEW overdue_invoices WITH (security_invoker = true) AS
SELECT v.tenant_id, v.id, v.customer_id, v.due_date, v.collection FROM invoices v
JOIN customers c ON c.tenant_id = v.tenant_id AND c.id = v.customer_id
WHERE v.status = 'open' AND v.due_date < (now() AT TIME ZONE 'UTC')::date - 1 AND c.test_clock_id IS NULL AND c.deleted_at IS NULL
  AND v.total_minor > v.credit_applied_minor + v.amount_credited_minor + v.amount_paid_minor
UNION ALL
SELECT v.tenant_id, v.id, v.customer_id, v.due_date, v.collection FROM test_clocks k
JOIN customers c ON c.tenant_id = k.tenant_id AND c.test_clock_id = k.id
JOIN invoices v ON v.tenant_id = c.tenant_id AND v.customer_id = c.id
WHERE v.status = 'open' AND v.due_date < (k.frozen_at AT TIME ZONE 'UTC')::date - 1 AND c.deleted_at IS NULL
  AND v.total_minor > v.credit_applied_minor + v.amount_credited_minor + v.amount_paid_minor;

CREATE VIEW invariant_invoices_without_next_step WITH (security_invoker = true) AS
SELECT v.tenant_id, v.id, v.customer_id, v.due_date FROM overdue_invoices v
WHERE CASE v.collection WHEN 'automatic' THEN NOT EXISTS (
    SELECT FROM payments p WHERE p.tenant_id = v.tenant_id AND p.invoice_id = v.id
    AND (p.next_attempt_at IS NOT NULL
         OR EXISTS (SELECT FROM dead_letters d WHERE d.tenant_id = p.tenant_id AND d.id = p.dead_letter_id AND d.status = 'dead')))
  ELSE NOT EXISTS (SELECT FROM notifications n WHERE n.tenant_id = v.tenant_id AND n.invoice_id = v.id
                   AND n.template = 'invoice' AND n.status <> 'failed') END;

GRANT SELECT ON overdue_invoices, invariant_subscriptions_without_boundary, invariant_invoices_without_next_step TO cloudbill_api, cloudbill_worker;
