-- What tenants have set, and what of theirs is worth asking for. $1 uuid[] tenants, each once. Result: tenant id, tax
-- rounding, draft hours, country; has it tax rates, coupons in use, account credit, drafts.
SELECT t.id, t.tax_rounding, t.draft_hours, t.tax_country,
       EXISTS (SELECT FROM tax_rates r WHERE r.tenant_id = t.id AND r.status = 'active'),
       EXISTS (SELECT FROM subscription_coupons s WHERE s.tenant_id = t.id),
       EXISTS (SELECT FROM credit_grants g WHERE g.tenant_id = t.id AND g.remaining_minor > 0),
       EXISTS (SELECT FROM invoices v WHERE v.tenant_id = t.id AND v.status = 'draft')
FROM tenants t WHERE t.id = ANY ($1::uuid[]);
