-- Account credit that invoices used. Arrays: $1 tenants, $2 invoices, $3 grants, $4 amounts; $5 now.
INSERT INTO credit_uses (tenant_id, invoice_id, grant_id, amount_minor, used_at)
SELECT n.*, $5::timestamptz FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[]) AS n;
