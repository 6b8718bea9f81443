-- Locks invoices that nobody else holds, for who holds some already and must not wait. $1 uuid[] tenants, $2 uuid[] ids, $3 uuid[] the one
-- that each is for. Result: tenant id, id, is it a draft; each once, of those for whom all could be locked.
WITH needed AS (
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS w (tenant_id, id, root_id)
), held AS (
  SELECT i.tenant_id, i.id, i.status = 'draft' AS is_draft
  FROM invoices i WHERE (i.tenant_id, i.id) IN (SELECT n.tenant_id, n.id FROM needed n)
  FOR UPDATE OF i SKIP LOCKED
)
SELECT DISTINCT w.tenant_id, w.id, w.is_draft
FROM (SELECT n.tenant_id, n.id, h.is_draft, bool_and(h.id IS NOT NULL) OVER (PARTITION BY n.root_id) AS is_whole
      FROM needed n LEFT JOIN held h USING (tenant_id, id)) AS w
WHERE w.is_whole;
