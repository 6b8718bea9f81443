-- What credit notes have given back of an invoice. $1 tenant, $2 invoice. Result: net, tax.
SELECT COALESCE(sum(amount_minor), 0)::bigint, COALESCE(sum(tax_minor), 0)::bigint FROM credit_notes
WHERE tenant_id = $1::uuid AND invoice_id = $2::uuid;
