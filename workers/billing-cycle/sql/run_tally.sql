-- Adds to the run's counts, in this process's own row. $1 tenant, $2 run, $3 tallier, $4 due, $5 invoiced,
-- $6 nothing to bill, $7 parked, $8 invoices requested.
INSERT INTO billing_run_tallies AS t (tenant_id, run_id, tallier, due, invoiced, nothing_to_bill, parked, invoices_requested)
VALUES ($1::uuid, $2::uuid, $3, $4::bigint, $5::bigint, $6::bigint, $7::bigint, $8::bigint)
ON CONFLICT (tenant_id, run_id, tallier) DO UPDATE
SET due = t.due + excluded.due, invoiced = t.invoiced + excluded.invoiced,
    nothing_to_bill = t.nothing_to_bill + excluded.nothing_to_bill, parked = t.parked + excluded.parked,
    invoices_requested = t.invoices_requested + excluded.invoices_requested;
