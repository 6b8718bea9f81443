-- Takes numbers from each tenant's series; the rows stay locked until the transaction ends, so that no number is ever left
-- out. $1 uuid[] tenants, each once, $2 bigint[] how many. Result: tenant id, series, the first number.
INSERT INTO invoice_series AS s (tenant_id, series, next_number)
SELECT t.id, t.invoice_series, 1 + w.count FROM unnest($1::uuid[], $2::bigint[]) AS w (tenant_id, count)
JOIN tenants t ON t.id = w.tenant_id ORDER BY t.id
ON CONFLICT (tenant_id, series) DO UPDATE SET next_number = s.next_number + excluded.next_number - 1
RETURNING s.tenant_id, s.series, s.next_number - (SELECT w.count FROM unnest($1::uuid[], $2::bigint[]) AS w (tenant_id, count)
                                                  WHERE w.tenant_id = s.tenant_id);
