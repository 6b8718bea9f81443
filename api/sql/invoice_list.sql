-- A page of invoices. $1 sort, $2 limit, $3 offset, $4 after;
-- $5 status, $6 customer, $7 subscription, $8 run, $9 currency, $10 issued on or after, $11 issued on or before, $12 number; each may be NULL.
-- Result: total, id to go on after (NULL at the end, or in another order), JSON array, whether $4 is there.
WITH filtered AS NOT MATERIALIZED (
  SELECT id, created_at, issue_date, due_date, total_minor, invoice_number FROM invoices
  WHERE tenant_id = (SELECT current_tenant())
    AND ($5::text IS NULL OR status = $5)
    AND ($6::text IS NULL OR customer_id = $6::uuid)
    AND ($7::text IS NULL OR (subscription_id = $7::uuid OR EXISTS (SELECT FROM invoice_items i WHERE i.tenant_id = (SELECT current_tenant()) AND i.subscription_id = $7::uuid AND i.invoice_id = invoices.id)))
    AND ($8::text IS NULL OR run_id = $8::uuid)
    AND ($9::text IS NULL OR currency = $9)
    AND ($10::text IS NULL OR issue_date >= $10::date)
    AND ($11::text IS NULL OR issue_date <= $11::date)
    AND ($12::text IS NULL OR invoice_number = $12)
), page AS (
  SELECT id, row_number() OVER () AS place
  FROM (
    SELECT id FROM filtered
    WHERE $4::uuid IS NULL
       OR CASE WHEN $1 = 'createdAt' THEN (created_at, id) > (SELECT p.created_at, p.id FROM invoices p WHERE p.tenant_id = (SELECT current_tenant()) AND p.id = $4::uuid)
               ELSE (created_at, id) < (SELECT p.created_at, p.id FROM invoices p WHERE p.tenant_id = (SELECT current_tenant()) AND p.id = $4::uuid) END
    ORDER BY
    CASE WHEN $1 = 'createdAt' THEN created_at END, CASE WHEN $1 = '-createdAt' THEN created_at END DESC,
    CASE WHEN $1 = 'issueDate' THEN issue_date END, CASE WHEN $1 = '-issueDate' THEN issue_date END DESC,
    CASE WHEN $1 = 'dueDate' THEN due_date END, CASE WHEN $1 = '-dueDate' THEN due_date END DESC,
    CASE WHEN $1 = 'totalAmount' THEN total_minor END, CASE WHEN $1 = '-totalAmount' THEN total_minor END DESC,
    CASE WHEN $1 = 'invoiceNumber' THEN invoice_number END, CASE WHEN $1 = '-invoiceNumber' THEN invoice_number END DESC,
    CASE WHEN $1 = 'createdAt' THEN id END, id DESC
    LIMIT $2::bigint + 1 OFFSET $3::bigint) AS ordered
), shown AS (
  SELECT * FROM page WHERE place <= $2::bigint
)
SELECT (SELECT count(*) FROM filtered),
       (SELECT id FROM shown WHERE place = $2::bigint AND $1 IN ('createdAt', '-createdAt')
          AND EXISTS (SELECT FROM page WHERE place > $2::bigint)),
       COALESCE((SELECT json_agg(r.resource ORDER BY s.place)
                 FROM shown s JOIN invoice_resource r ON r.tenant_id = (SELECT current_tenant()) AND r.id = s.id), '[]'),
       $4::uuid IS NULL OR EXISTS (SELECT FROM invoices p WHERE p.tenant_id = (SELECT current_tenant()) AND p.id = $4::uuid);
