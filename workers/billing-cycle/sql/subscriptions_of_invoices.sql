-- The subscriptions that these invoices bill, and whether any open invoice of each could not be collected.
-- $1 tenant, $2 uuid[] invoices. Result: invoice id (such a one, if there is one), subscription id, customer id, status, failing,
-- version.
SELECT DISTINCT ON (s.id) COALESCE(failing.invoice_id, t.invoice_id), s.id, s.customer_id, s.status,
  failing.invoice_id IS NOT NULL, s.version
FROM (SELECT DISTINCT tenant_id, invoice_id, subscription_id FROM invoice_items
      WHERE tenant_id = $1::uuid AND invoice_id = ANY ($2::uuid[]) AND subscription_id IS NOT NULL) t
JOIN subscriptions s ON s.tenant_id = t.tenant_id AND s.id = t.subscription_id
LEFT JOIN LATERAL (
  SELECT v.id AS invoice_id FROM invoice_items i
  JOIN invoices v ON v.tenant_id = i.tenant_id AND v.id = i.invoice_id AND v.status = 'open'
  JOIN payments p ON p.tenant_id = v.tenant_id AND p.invoice_id = v.id AND p.source = 'gateway'
  WHERE i.tenant_id = s.tenant_id AND i.subscription_id = s.id
    AND (p.status IN ('failed', 'requires_action') OR p.failure_code IS NOT NULL) LIMIT 1) failing ON true
ORDER BY s.id;
