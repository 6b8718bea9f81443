-- Lays a patch over a customer; null clears, or takes the tenant's setting where a customer always has a value.
-- $1 tenant, $2 id, $3 patch (JSON, members as in the resource), $4 now. Result: version, time zone; no row
-- when nothing differs.
WITH wanted AS (
  SELECT r.resource::jsonb || $3::jsonb AS r FROM customer_resource r WHERE r.tenant_id = $1::uuid AND r.id = $2::uuid
), new AS (
  SELECT r->>'name' AS name, r->>'email' AS email, r->>'phone' AS phone, NULLIF(r->'address', 'null') AS address,
         NULLIF(r->'billingAddress', 'null') AS billing_address,
         COALESCE(NULLIF(r->'preferences', 'null'), '{}') AS preferences, COALESCE(r->>'locale', t.locale) AS locale,
         COALESCE(r->>'timeZone', t.time_zone) AS time_zone, COALESCE(r->>'currency', t.currency) AS currency,
         COALESCE(NULLIF(r->'taxIds', 'null'), '[]') AS tax_ids, COALESCE((r->>'taxExempt')::boolean, false) AS tax_exempt,
         COALESCE((r->>'netTermsDays')::numeric::integer, t.net_terms_days) AS net_terms_days,
         COALESCE(NULLIF(r->'metadata', 'null'), '{}') AS metadata
  FROM wanted JOIN tenants t ON t.id = $1::uuid
)
UPDATE customers c
SET name = n.name, email = n.email, phone = n.phone, address = n.address, billing_address = n.billing_address,
    preferences = n.preferences, locale = n.locale, time_zone = n.time_zone, currency = n.currency, tax_ids = n.tax_ids,
    tax_exempt = n.tax_exempt, net_terms_days = n.net_terms_days, metadata = n.metadata,
    updated_at = $4::timestamptz, version = c.version + 1
FROM new n
WHERE c.tenant_id = $1::uuid AND c.id = $2::uuid
  AND (c.name, c.email, c.phone, c.address, c.billing_address, c.preferences, c.locale, c.time_zone, c.currency, c.tax_ids,
       c.tax_exempt, c.net_terms_days, c.metadata) IS DISTINCT FROM
      (n.name, n.email, n.phone, n.address, n.billing_address, n.preferences, n.locale, n.time_zone, n.currency, n.tax_ids,
       n.tax_exempt, n.net_terms_days, n.metadata)
RETURNING c.version, c.time_zone;
