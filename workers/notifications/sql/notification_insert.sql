-- Writes the notifications of a batch of events; those that are there already stay as they are.
-- $1 now; arrays: $2 uuid tenants, $3 uuid ids, $4 uuid events, $5 text templates, $6 text locales, $7 text recipients,
-- $8 uuid customers, $9 uuid invoices, $10 uuid payments, $11 text variables (JSON), $12 text why it cannot be sent (NULL: it can)
-- One row for each new one that cannot be sent.
WITH added AS (
  INSERT INTO notifications (tenant_id, id, event_id, template, locale, recipient, customer_id, invoice_id, payment_id,
                             variables, status, last_error, next_attempt_at, created_at, updated_at)
  SELECT n.tenant_id, n.id, n.event_id, n.template, n.locale, n.recipient, n.customer_id, n.invoice_id, n.payment_id,
         n.variables::jsonb, CASE WHEN n.refusal IS NULL THEN 'pending' ELSE 'failed' END, n.refusal,
         CASE WHEN n.refusal IS NULL THEN $1::timestamptz END, $1::timestamptz, $1::timestamptz
  FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::uuid[], $10::uuid[],
              $11::text[], $12::text[])
       AS n (tenant_id, id, event_id, template, locale, recipient, customer_id, invoice_id, payment_id, variables, refusal)
  ON CONFLICT (tenant_id, id) DO NOTHING
  RETURNING tenant_id, id, event_id, template, customer_id, version, last_error)
SELECT tenant_id, id, event_id, template, customer_id, version, last_error
FROM added
WHERE last_error IS NOT NULL;
