-- The lines that credits take back, with what has been taken of each: by credits on invoices that are not void, less what notes gave back
-- of these, and by credit notes; notes count in the proportion in which they gave it back. Arrays: $1 tenants, $2 subscriptions, $3 items, $4 components, $5 periods, $6 kinds,
-- $7 revisions; $8 invoices whose lines do not count. Result: place (from 0), line id, listed, listed discount, taken, its discount taken, millionths of a percent,
-- category, is it inclusive, discounts, tax rate, is its invoice void, is it a draft.
SELECT w.place - 1, i.id, l.listed, l.discount,
       COALESCE(c.listed, 0) + COALESCE(round(l.listed * n.share), 0)::bigint,
       COALESCE(c.discount, 0) + COALESCE(round(l.discount * n.share), 0)::bigint,
       (i.tax_rate * 1000000)::bigint, i.tax_category, i.tax_inclusive, i.discounts, i.tax_rate_id, v.status = 'void',
       v.status = 'draft'
FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[], $5::bigint[], $6::text[], $7::integer[]) WITH ORDINALITY
  AS w (tenant_id, subscription_id, item, component, period_index, kind, revision, place)
JOIN invoice_items i USING (tenant_id, subscription_id, item, component, period_index, kind, revision)
JOIN invoices v ON v.tenant_id = i.tenant_id AND v.id = i.invoice_id
CROSS JOIN LATERAL (SELECT COALESCE(i.listed_minor, i.amount_minor) AS listed,
                           COALESCE(i.listed_discount_minor, i.discount_minor) AS discount) l
CROSS JOIN LATERAL (
  SELECT -sum(k.listed - COALESCE(round(k.listed * u.share), 0))::bigint AS listed,
         -sum(k.discount - COALESCE(round(k.discount * u.share), 0))::bigint AS discount
  FROM invoice_items x JOIN invoices y ON y.tenant_id = x.tenant_id AND y.id = x.invoice_id AND y.status <> 'void'
  CROSS JOIN LATERAL (SELECT COALESCE(x.listed_minor, x.amount_minor) AS listed,
                             COALESCE(x.listed_discount_minor, x.discount_minor) AS discount) k
  CROSS JOIN LATERAL (
    SELECT sum(z.amount_minor) / NULLIF(x.amount_minor - x.discount_minor, 0) AS share
    FROM credit_note_items z WHERE z.tenant_id = x.tenant_id AND z.invoice_id = x.invoice_id AND z.invoice_line = x.line) u
  WHERE x.tenant_id = i.tenant_id AND x.credits_item_id = i.id AND x.invoice_id <> ALL ($8::uuid[])) c
CROSS JOIN LATERAL (
  SELECT sum(x.amount_minor) / NULLIF(i.amount_minor - i.discount_minor, 0) AS share
  FROM credit_note_items x WHERE x.tenant_id = i.tenant_id AND x.invoice_id = i.invoice_id AND x.invoice_line = i.line) n
WHERE i.invoice_id <> ALL ($8::uuid[]);
