-- A line of an invoice with all the lines that its discount and its tax were computed with. $1 invoice, $2 line. Result: is it the
-- one, listed amount and discount (minor units), amount, discount and tax, millionths of a percent, category, is it inclusive, does it
-- take another back, shares of coupons; and of the one alone: currency, tax rounding, provenance, its JSON so far, tax code, its tax
-- rate (code, country, region, tax code, millionths of a percent, category, is it inclusive; NULL: none), does it have that of a line
-- taken back, country and region of the bill. No row when there is no such line.
SELECT i.id = $2::uuid, COALESCE(i.listed_minor, i.amount_minor), COALESCE(i.listed_discount_minor, i.discount_minor),
       i.amount_minor, i.discount_minor, i.tax_minor, (i.tax_rate * 1000000)::bigint, i.tax_category, i.tax_inclusive,
       i.credits IS NOT NULL, i.discounts, v.currency, v.tax_rounding,
       CASE WHEN i.id = $2::uuid THEN i.provenance END,
       CASE WHEN i.id = $2::uuid THEN json_build_object(
         'itemId', i.id, 'invoiceId', v.id, 'invoiceNumber', v.invoice_number, 'status', v.status, 'currency', v.currency,
         'description', i.description, 'itemType', i.kind, 'subscriptionId', i.subscription_id, 'component', i.component,
         'periodIndex', i.period_index, 'periodStart', iso(i.period_start), 'periodEnd', iso(i.period_end),
         'inputs', i.provenance, 'discounts', COALESCE(i.discounts, '[]'), 'takesBack', (
           SELECT json_build_object('itemId', o.id, 'invoiceId', o.invoice_id, 'invoiceNumber', w.invoice_number,
             'description', o.description,
             'charged', COALESCE(o.provenance#>>'{change,charged}', units(COALESCE(o.listed_minor, o.amount_minor), w.currency)::text))
           FROM invoice_items o JOIN invoices w ON w.tenant_id = o.tenant_id AND w.id = o.invoice_id
           WHERE o.tenant_id = i.tenant_id AND o.subscription_id = i.subscription_id AND o.item = (i.credits->>'item')::smallint
             AND o.component = i.credits->>'component' AND o.period_index = (i.credits->>'periodIndex')::bigint
             AND o.kind = i.credits->>'kind' AND o.revision = (i.credits->>'revision')::integer)) END,
       i.tax_code, r.code, r.country, r.region, r.tax_code, (r.percentage * 1000000)::bigint, r.category, r.inclusive,
       i.credits_item_id IS NOT NULL, v.bill_to->'address'->>'country', v.bill_to->'address'->>'region'
FROM invoices v JOIN invoice_items i ON i.tenant_id = v.tenant_id AND i.invoice_id = v.id
LEFT JOIN tax_rates r ON r.tenant_id = i.tenant_id AND r.id = i.tax_rate_id
WHERE v.tenant_id = current_tenant() AND v.id = $1::uuid
  AND EXISTS (SELECT FROM invoice_items x WHERE x.tenant_id = v.tenant_id AND x.invoice_id = v.id AND x.id = $2::uuid)
ORDER BY i.line;
