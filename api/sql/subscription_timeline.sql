-- What happened to a subscription, when, by whom, and which invoice came of it: its history, its invoices and what became of
-- them, their credit notes. The newest 1,000, oldest first. $1 id. Result: a JSON array; no row when there is no such
-- subscription.
WITH s AS (
  SELECT tenant_id, id FROM subscriptions WHERE tenant_id = current_tenant() AND id = $1::uuid
), bill AS (
  SELECT DISTINCT v.tenant_id, v.id, v.invoice_number, v.status, v.currency, v.total_minor, v.created_at, v.paid_at,
         v.updated_at, v.run_id
  FROM s JOIN invoice_items i ON i.tenant_id = s.tenant_id AND i.subscription_id = s.id
  JOIN invoices v ON v.tenant_id = i.tenant_id AND v.id = i.invoice_id
), happening AS (
  SELECT h.at, h.version, 'subscription' AS type, h.what, h.actor AS by, v.id AS invoice_id, v.invoice_number, NULL::numeric AS amount,
         NULL::text AS currency, h.data - 'invoiceId' AS details
  FROM s JOIN subscription_history h ON h.tenant_id = s.tenant_id AND h.subscription_id = s.id
  LEFT JOIN invoices v ON v.tenant_id = h.tenant_id AND v.id = (h.data ->> 'invoiceId')::uuid
  UNION ALL
  SELECT b.created_at, NULL, 'invoice', 'invoiced', 'billing-run:' || b.run_id, b.id, b.invoice_number,
         units(b.total_minor, b.currency), b.currency, NULL
  FROM bill b
  UNION ALL
  SELECT b.paid_at, NULL, 'invoice', 'paid', NULL, b.id, b.invoice_number, units(b.total_minor, b.currency), b.currency, NULL
  FROM bill b WHERE b.paid_at IS NOT NULL
  UNION ALL
  SELECT b.updated_at, NULL, 'invoice', b.status, NULL, b.id, b.invoice_number, units(b.total_minor, b.currency), b.currency, NULL
  FROM bill b WHERE b.status IN ('void', 'uncollectible')
  UNION ALL
  SELECT n.created_at, NULL, 'creditNote', 'issued', NULL, b.id, b.invoice_number, units(n.total_minor, n.currency), n.currency,
         jsonb_build_object('creditNoteId', n.id, 'creditNoteNumber', n.credit_note_number)
  FROM bill b JOIN credit_notes n ON n.tenant_id = b.tenant_id AND n.invoice_id = b.id
), newest AS (
  SELECT * FROM happening ORDER BY at DESC LIMIT 1000
)
SELECT COALESCE((SELECT json_agg(json_strip_nulls(json_build_object(
         'at', iso(at), 'type', type, 'what', what, 'by', by, 'invoiceId', invoice_id, 'invoiceNumber', invoice_number,
         'amount', amount, 'currency', currency, 'details', NULLIF(details, '{}'))) ORDER BY at, type DESC, version, what)
       FROM newest), '[]')
FROM s;
