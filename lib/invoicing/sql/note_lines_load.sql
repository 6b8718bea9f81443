-- An invoice's lines as credit notes see them. $1 tenant, $2 invoice. Result in the order of the lines: id, amount after discount,
-- tax, what notes have given back, its tax, listed amount, description, what lines of later invoices (but those of $3, and void ones)
-- have taken back, less what notes gave back of these, its tax, subscription.
SELECT i.id, i.amount_minor - i.discount_minor, i.tax_minor, COALESCE(n.amount, 0), COALESCE(n.tax, 0),
       COALESCE(i.listed_minor, i.amount_minor), i.description, COALESCE(c.amount, 0), COALESCE(c.tax, 0),
       i.subscription_id
FROM invoice_items i
CROSS JOIN LATERAL (
  SELECT sum(x.amount_minor)::bigint AS amount, sum(x.tax_minor)::bigint AS tax FROM credit_note_items x
  WHERE x.tenant_id = i.tenant_id AND x.invoice_id = i.invoice_id AND x.invoice_line = i.line) n
CROSS JOIN LATERAL (
  SELECT -sum(x.amount_minor - x.discount_minor - COALESCE(u.amount, 0))::bigint AS amount,
         -sum(x.tax_minor - COALESCE(u.tax, 0))::bigint AS tax
  FROM invoice_items x JOIN invoices v ON v.tenant_id = x.tenant_id AND v.id = x.invoice_id
  CROSS JOIN LATERAL (
    SELECT sum(y.amount_minor) AS amount, sum(y.tax_minor) AS tax FROM credit_note_items y
    WHERE y.tenant_id = x.tenant_id AND y.invoice_id = x.invoice_id AND y.invoice_line = x.line) u
  WHERE x.tenant_id = i.tenant_id AND x.credits_item_id = i.id AND v.status <> 'void' AND x.invoice_id <> ALL ($3::uuid[])) c
WHERE i.tenant_id = $1::uuid AND i.invoice_id = $2::uuid ORDER BY i.line;
