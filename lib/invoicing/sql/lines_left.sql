-- What may still be given back of a subscription's lines, as listed: less by the share that credit notes gave back, nothing on a void
-- invoice. $1 tenant, $2 subscription; arrays: $3 items, $4 components, $5 periods, $6 kinds, $7 revisions.
-- Result: place in the arrays (from 0), minor units; no row for what is on no invoice yet.
SELECT w.place - 1,
       CASE WHEN v.status = 'void' THEN 0 ELSE l.listed - COALESCE(round(l.listed * n.share), 0)::bigint END
FROM unnest($3::smallint[], $4::text[], $5::bigint[], $6::text[], $7::integer[]) WITH ORDINALITY
  AS w (item, component, period_index, kind, revision, place)
JOIN invoice_items i ON i.tenant_id = $1::uuid AND i.subscription_id = $2::uuid AND i.item = w.item AND i.component = w.component
  AND i.period_index = w.period_index AND i.kind = w.kind AND i.revision = w.revision
JOIN invoices v ON v.tenant_id = i.tenant_id AND v.id = i.invoice_id
CROSS JOIN LATERAL (SELECT COALESCE(i.listed_minor, i.amount_minor) AS listed) l
CROSS JOIN LATERAL (
  SELECT sum(x.amount_minor) / NULLIF(i.amount_minor - i.discount_minor, 0) AS share FROM credit_note_items x
  WHERE x.tenant_id = i.tenant_id AND x.invoice_id = i.invoice_id AND x.invoice_line = i.line) n;
