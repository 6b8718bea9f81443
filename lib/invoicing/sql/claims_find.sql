-- Where lines of a subscription were invoiced, but on the invoices $8. $1 tenant, $2 subscription; arrays: $3 items, $4 components, $5
-- periods, $6 kinds, $7 revisions. Result: place in the arrays (from 0), invoice, line, when it was made.
SELECT w.place - 1, i.invoice_id, i.line, v.created_at
FROM unnest($3::smallint[], $4::text[], $5::bigint[], $6::text[], $7::integer[]) WITH ORDINALITY
  AS w (item, component, period_index, kind, revision, place)
JOIN invoice_items i ON i.tenant_id = $1::uuid AND i.subscription_id = $2::uuid AND i.item = w.item AND i.component = w.component
  AND i.period_index = w.period_index AND i.kind = w.kind AND i.revision = w.revision
JOIN invoices v ON v.tenant_id = i.tenant_id AND v.id = i.invoice_id
WHERE v.status <> 'void' AND v.id <> ALL ($8::uuid[]);
