-- The subscriptions that these invoices bill, and whether any open invoice of each could not be collected: looked for once for each
-- customer, among the payments that failed, which are few whatever the history. (OFFSET 0:
-- in this order, each by its key.)
-- $1 tenant, $2 uuid[] invoices. Result: invoice id (such a one, if there is one), subscription id, customer id, status, failing,
-- version.
WITH billed AS (
  SELECT DISTINCT ON (i.subscription_id) i.subscription_id, w.id AS invoice_id
  FROM unnest($2::uuid[]) AS w (id)
  CROSS JOIN LATERAL (SELECT x.subscription_id FROM invoice_items x
                      WHERE x.tenant_id = $1::uuid AND x.invoice_id = w.id OFFSET 0) i
  WHERE i.subscription_id IS NOT NULL
  ORDER BY i.subscription_id, w.id
), failing AS (
  SELECT DISTINCT ON (i.subscription_id) i.subscription_id, i.invoice_id
  FROM (SELECT DISTINCT v.customer_id FROM unnest($2::uuid[]) AS w (id)
        CROSS JOIN LATERAL (SELECT customer_id FROM invoices WHERE tenant_id = $1::uuid AND id = w.id OFFSET 0) v) c
  CROSS JOIN LATERAL (SELECT p.invoice_id FROM payments p
                      WHERE p.tenant_id = $1::uuid AND p.customer_id = c.customer_id AND p.source = 'gateway'
                        AND (p.status IN ('failed', 'requires_action') OR p.failure_code IS NOT NULL) OFFSET 0) p
  CROSS JOIN LATERAL (SELECT FROM invoices v WHERE v.tenant_id = $1::uuid AND v.id = p.invoice_id AND v.status = 'open' OFFSET 0) v
  CROSS JOIN LATERAL (SELECT x.subscription_id, x.invoice_id FROM invoice_items x
                      WHERE x.tenant_id = $1::uuid AND x.invoice_id = p.invoice_id OFFSET 0) i
  ORDER BY i.subscription_id, i.invoice_id
)
SELECT COALESCE(f.invoice_id, b.invoice_id), s.id, s.customer_id, s.status, f.invoice_id IS NOT NULL, s.version
FROM billed b
CROSS JOIN LATERAL (SELECT * FROM subscriptions WHERE tenant_id = $1::uuid AND id = b.subscription_id OFFSET 0) s
LEFT JOIN failing f ON f.subscription_id = s.id
ORDER BY s.id;
