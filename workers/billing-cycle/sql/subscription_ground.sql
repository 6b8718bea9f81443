-- Whose a new subscription is. $1 tenant, $2 customer; NULL: the tenant's default customer. The customer is held against
-- its deletion.
-- Result: customer id, time zone, currency; no row when there is none.
SELECT c.id, c.time_zone, c.currency FROM tenants t
JOIN customers c ON c.tenant_id = t.id AND c.id = COALESCE($2::uuid, t.default_customer_id) AND c.deleted_at IS NULL
WHERE t.id = $1::uuid
FOR KEY SHARE OF c;
