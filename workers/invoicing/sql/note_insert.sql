-- A credit note with the next number of its series; that of invoices is locked before, for a batch with notes may take numbers of
-- both, in any order. $1 tenant, $2 id, $3 invoice, $4 reason, $5 disposition, $6 net, $7 tax, $8 what it
-- reduces of what is due, $9 what is left, $10 now, $11 how it came about (JSON), $12 what of the rest
-- went back to credit, $13 what of that is over. Result: number.
WITH invoices_series AS (
  SELECT s.series FROM invoice_series s JOIN tenants t ON t.id = s.tenant_id AND t.invoice_series = s.series
  WHERE s.tenant_id = $1::uuid FOR NO KEY UPDATE OF s
), series AS (
  INSERT INTO invoice_series AS s (tenant_id, series, next_number)
  SELECT t.id, t.credit_note_series, 2 FROM tenants t, (SELECT count(*) FROM invoices_series) AS held WHERE t.id = $1::uuid
  ON CONFLICT (tenant_id, series) DO UPDATE SET next_number = s.next_number + 1
  RETURNING s.series, s.next_number - 1 AS number
)
INSERT INTO credit_notes (tenant_id, id, series, number, invoice_id, customer_id, currency, reason, disposition, amount_minor,
                          tax_minor, total_minor, applied_minor, left_minor, issue_date, created_at, provenance, returned_minor,
                          expired_minor)
SELECT v.tenant_id, $2::uuid, s.series, s.number, v.id, v.customer_id, v.currency, $4, $5, $6::bigint, $7::bigint,
       $6::bigint + $7::bigint, $8::bigint, $9::bigint, ($10::timestamptz AT TIME ZONE c.time_zone)::date, $10::timestamptz, $11::jsonb,
       $12::bigint, $13::bigint
FROM series s, invoices v JOIN customers c ON c.tenant_id = v.tenant_id AND c.id = v.customer_id
WHERE v.tenant_id = $1::uuid AND v.id = $3::uuid
RETURNING credit_note_number;
