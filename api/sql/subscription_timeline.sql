-- What happened to a subscription, when, by whom, and which invoice came of it: its commands, its changes of state, its
-- scheduled changes, its invoices and what became of them. The newest 1,000, oldest first. $1 id. Result: a JSON array; no
-- row when there is no such subscription.
WITH s AS (
  SELECT * FROM subscriptions WHERE tenant_id = current_tenant() AND id = $1::uuid
), bill AS (
  SELECT DISTINCT v.id, v.invoice_number, v.status, v.currency, v.total_minor, v.created_at, v.paid_at, v.run_id
  FROM s JOIN invoice_items i ON i.tenant_id = s.tenant_id AND i.subscription_id = s.id
  JOIN invoices v ON v.tenant_id = i.tenant_id AND v.id = i.invoice_id
), happening AS (
  SELECT a.at, 'command' AS type, a.action AS what, a.actor AS by, a.outcome AS outcome, NULL::uuid AS invoice_id,
         NULL::text AS invoice_number, NULL::numeric AS amount, NULL::text AS currency
  FROM s JOIN audit_log a ON a.tenant_id = s.tenant_id AND a.resource_type = 'subscription' AND a.resource_id = s.id::text
  WHERE a.action <> 'subscription.preview'
  UNION ALL
  SELECT f.at, 'state', f.what, NULL, NULL, NULL, NULL, NULL, NULL
  FROM s, LATERAL (VALUES (s.created_at, 'created'), (s.started_at, 'started'), (s.trial_ends_at, 'trial_ends'),
                          (s.suspended_at, 'suspended'), (s.parked_at, 'parked'), (s.cancelled_at, 'cancelled'),
                          (CASE WHEN s.cancel_at_period_end THEN s.cancel_at END, 'ends'), (s.expires_at, 'expired')) AS f (at, what)
  WHERE f.at IS NOT NULL
  UNION ALL
  SELECT c.at, 'state', c.what, NULL, NULL, c.invoice_id, v.invoice_number, NULL, NULL
  FROM s JOIN collection_changes c ON c.tenant_id = s.tenant_id AND c.subscription_id = s.id
  JOIN invoices v ON v.tenant_id = c.tenant_id AND v.id = c.invoice_id
  UNION ALL
  SELECT c.created_at, 'scheduled_change', 'scheduled', c.requested_by, NULL, NULL, NULL, NULL, NULL
  FROM s JOIN scheduled_changes c ON c.tenant_id = s.tenant_id AND c.subscription_id = s.id
  UNION ALL
  SELECT COALESCE(c.resolved_at, c.effective_at), 'scheduled_change', c.status, NULL, NULL, NULL, NULL, NULL, NULL
  FROM s JOIN scheduled_changes c ON c.tenant_id = s.tenant_id AND c.subscription_id = s.id
  UNION ALL
  SELECT b.created_at, 'invoice', 'invoiced', CASE WHEN b.run_id IS NOT NULL THEN 'billing-run:' || b.run_id END, NULL, b.id, b.invoice_number,
         units(b.total_minor, b.currency), b.currency
  FROM bill b
  UNION ALL
  SELECT b.paid_at, 'invoice', 'paid', NULL, NULL, b.id, b.invoice_number, units(b.total_minor, b.currency), b.currency
  FROM bill b WHERE b.paid_at IS NOT NULL
), newest AS (
  SELECT * FROM happening ORDER BY at DESC LIMIT 1000
)
SELECT COALESCE((SELECT json_agg(json_strip_nulls(json_build_object(
         'at', iso(at), 'type', type, 'what', what, 'by', by, 'outcome', outcome, 'invoiceId', invoice_id,
         'invoiceNumber', invoice_number, 'amount', amount, 'currency', currency)) ORDER BY at, type, what) FROM newest), '[]')
FROM s;
