-- An invoice that a run asked for will never be: somebody dropped its dead letter. $1 tenant, $2 run, $3 tallier.
INSERT INTO billing_run_tallies AS t (tenant_id, run_id, tallier, invoices_dropped)
SELECT tenant_id, id, $3, 1 FROM billing_runs WHERE tenant_id = $1::uuid AND id = $2::uuid
ON CONFLICT (tenant_id, run_id, tallier) DO UPDATE SET invoices_dropped = t.invoices_dropped + 1;
