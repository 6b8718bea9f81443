-- Lines of drafts as they were given. $1 uuid[] tenants, $2 uuid[] invoices. Result: invoice, id, kind, subscription, item,
-- component, period, revision, description, quantity, unit price, listed amount, tax code, plan, period start and end, provenance,
-- an object with the name of the line taken back or NULL.
SELECT i.invoice_id, i.id, i.kind, i.subscription_id, i.item, i.component, i.period_index, i.revision, i.description, i.quantity,
       i.unit_price, COALESCE(i.listed_minor, i.amount_minor), i.tax_code, i.plan_id, i.period_start, i.period_end,
       i.provenance, CASE WHEN i.credits IS NOT NULL THEN jsonb_build_object('credits', i.credits) END
FROM unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, invoice_id)
JOIN invoice_items i USING (tenant_id, invoice_id)
ORDER BY i.tenant_id, i.invoice_id, i.line;
