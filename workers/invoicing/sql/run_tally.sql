-- Adds finalised invoices to the counts of their runs, in this process's own rows. Arrays: $1 tenants, $2 runs,
-- $3 currencies, $4 invoices, $5 totals, one row for each run and currency; $6 tallier.
WITH added AS (
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[])
    AS a (tenant_id, run_id, currency, invoices, total)
), amounts AS (
  INSERT INTO billing_run_amounts AS a (tenant_id, run_id, tallier, currency, invoices, total_minor)
  SELECT tenant_id, run_id, $6, currency, invoices, total FROM added ORDER BY tenant_id, run_id, currency
  ON CONFLICT (tenant_id, run_id, tallier, currency) DO UPDATE
  SET invoices = a.invoices + excluded.invoices, total_minor = a.total_minor + excluded.total_minor
)
INSERT INTO billing_run_tallies AS t (tenant_id, run_id, tallier, invoices_finalised)
SELECT tenant_id, run_id, $6, sum(invoices) FROM added GROUP BY tenant_id, run_id ORDER BY tenant_id, run_id
ON CONFLICT (tenant_id, run_id, tallier) DO UPDATE
SET invoices_finalised = t.invoices_finalised + excluded.invoices_finalised;
