-- Locked payments with what is needed to decide about them. A statement of its own after the lock, so that it sees what
-- was committed while the lock was waited for. (An invoice is always there; LEFT keeps the joins in this order.)
-- $1 tenants, $2 payments (arrays), $3 since when attempts count → one row for each, in the order given (rows.c)
SELECT p.tenant_id, p.id, p.customer_id, p.invoice_id, p.currency, p.amount_minor, p.status, p.payment_method_id,
  p.attempts, p.cycle, p.cycle_attempts, p.first_failure_at, p.next_attempt_at, p.gateway_intent_id, p.failure_code,
  p.failure_message, p.decline_class, p.dead_letter_id, p.succeeded_at, p.version, p.test_clock_id,
  v.status IN ('open', 'uncollectible') AS is_collectable, v.status = 'uncollectible' AS is_given_up,
  v.total_minor - v.credit_applied_minor - v.amount_credited_minor - v.amount_paid_minor AS due_minor,
  m.id, m.type, m.gateway_method_id, m.barred_code,
  (SELECT count(*) FROM payment_attempts x
   WHERE x.tenant_id = p.tenant_id AND x.payment_id = p.id AND x.payment_method_id = m.id AND x.started_at > $3::timestamptz),
  g.gateway_customer_id,
  a.attempt, a.cycle, a.payment_method_id, am.type, am.gateway_method_id, a.amount_minor, a.idempotency_key,
  a.started_at, a.sent_at, a.asked_at, a.asked, a.gateway_intent_id, a.decline_code, a.message
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS wanted(tenant_id, payment_id, ordinal)
JOIN payments p ON p.tenant_id = wanted.tenant_id AND p.id = wanted.payment_id
LEFT JOIN invoices v ON v.tenant_id = p.tenant_id AND v.id = p.invoice_id
LEFT JOIN payment_methods m ON m.tenant_id = p.tenant_id AND m.customer_id = p.customer_id AND m.status = 'active'
  AND CASE WHEN p.wanted_method_id IS NULL THEN m.is_default ELSE m.id = p.wanted_method_id END
LEFT JOIN gateway_customers g ON g.tenant_id = p.tenant_id AND g.customer_id = p.customer_id
LEFT JOIN payment_attempts a ON a.tenant_id = p.tenant_id AND a.payment_id = p.id AND a.attempt = p.attempts AND a.finished_at IS NULL
LEFT JOIN payment_methods am ON am.tenant_id = a.tenant_id AND am.id = a.payment_method_id
ORDER BY wanted.ordinal
