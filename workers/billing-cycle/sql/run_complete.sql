-- Ends a run when each invoice that it asked for is finalised, or was given up by somebody. $1 tenant, $2 run, $3 now.
-- Result: due, invoiced, nothing to bill, parked, invoices, version; no row while it goes on.
WITH sums AS (
  SELECT COALESCE(sum(due), 0)::bigint AS due, COALESCE(sum(invoiced), 0)::bigint AS invoiced,
         COALESCE(sum(nothing_to_bill), 0)::bigint AS nothing, COALESCE(sum(parked), 0)::bigint AS parked,
         COALESCE(sum(invoices_requested), 0)::bigint AS requested, COALESCE(sum(invoices_finalised), 0)::bigint AS finalised,
         COALESCE(sum(invoices_dropped), 0)::bigint AS dropped
  FROM billing_run_tallies WHERE tenant_id = $1::uuid AND run_id = $2::uuid
)
UPDATE billing_runs r SET status = 'completed', finished_at = $3::timestamptz, version = version + 1
FROM sums
WHERE r.tenant_id = $1::uuid AND r.id = $2::uuid AND r.status = 'running' AND r.claimed_at IS NOT NULL
  AND (r.is_dry OR sums.requested = sums.finalised + sums.dropped)
RETURNING sums.due, sums.invoiced, sums.nothing, sums.parked, sums.finalised, r.version;
