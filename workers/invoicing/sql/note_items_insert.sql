-- Lines of a credit note. $1 tenant, $2 note, $3 invoice; arrays: $4 line numbers, $5 the invoice's lines, $6 net, $7 tax.
INSERT INTO credit_note_items (tenant_id, credit_note_id, line, invoice_id, invoice_line, amount_minor, tax_minor)
SELECT $1::uuid, $2::uuid, n.line, $3::uuid, n.invoice_line, n.amount, n.tax
FROM unnest($4::integer[], $5::integer[], $6::bigint[], $7::bigint[]) AS n (line, invoice_line, amount, tax);
