-- Holds the account credit that invoices used, and what else their customers have, which who gives it back may use in the same
-- transaction; in the order of grants_hold.sql. $1 tenant, $2 uuid[] invoices.
SELECT 1 FROM credit_grants g
WHERE g.tenant_id = $1::uuid AND g.id IN (
  SELECT u.grant_id FROM credit_uses u WHERE u.tenant_id = $1::uuid AND u.invoice_id = ANY ($2::uuid[])
  UNION ALL
  SELECT x.id FROM invoices v JOIN credit_grants x ON x.tenant_id = v.tenant_id AND x.customer_id = v.customer_id
  WHERE v.tenant_id = $1::uuid AND v.id = ANY ($2::uuid[]) AND x.remaining_minor > 0)
ORDER BY g.customer_id, g.granted_at, g.id FOR UPDATE OF g;
