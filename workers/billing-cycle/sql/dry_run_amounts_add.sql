-- What a slice of a dry run would invoice, as invoicing counts it for a real one. $1 tenant, $2 run, $3 tallier; arrays: $4
-- currencies (several rows of one are added up), $5 invoices, $6 totals.
INSERT INTO billing_run_amounts AS a (tenant_id, run_id, tallier, currency, invoices, total_minor)
SELECT $1::uuid, $2::uuid, $3, currency, sum(invoices), sum(total)
FROM unnest($4::text[], $5::bigint[], $6::bigint[]) AS n (currency, invoices, total) GROUP BY currency ORDER BY currency
ON CONFLICT (tenant_id, run_id, tallier, currency) DO UPDATE
SET invoices = a.invoices + excluded.invoices, total_minor = a.total_minor + excluded.total_minor;
