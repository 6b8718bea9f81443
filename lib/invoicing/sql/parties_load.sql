-- Customers as taxes see them. $1 uuid[] tenants, $2 uuid[] customers, each once. Result: customer id, country, region, is it
-- exempt, has it a tax id.
SELECT c.id, COALESCE(c.billing_address ->> 'country', c.address ->> 'country'),
       CASE WHEN c.billing_address ->> 'country' IS NULL THEN c.address ->> 'region' ELSE c.billing_address ->> 'region' END,
       c.tax_exempt, jsonb_array_length(c.tax_ids) > 0
FROM unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, id) JOIN customers c USING (tenant_id, id);
