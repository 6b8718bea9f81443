-- An invoice that a run asked for will never be: somebody dropped its dead letter. $1 tenant, $2 run, $3 tallier, $4 invoice: if it
-- is there, it is counted when it is finalised.
INSERT INTO billing_run_tallies AS t (tenant_id, run_id, tallier, invoices_dropped)
SELECT r.tenant_id, r.id, $3, 1 FROM billing_runs r WHERE r.tenant_id = $1::uuid AND r.id = $2::uuid
  AND NOT EXISTS (SELECT FROM invoices v WHERE v.tenant_id = r.tenant_id AND v.id = $4::uuid)
ON CONFLICT (tenant_id, run_id, tallier) DO UPDATE SET invoices_dropped = t.invoices_dropped + 1;
