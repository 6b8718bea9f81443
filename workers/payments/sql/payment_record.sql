-- A payment that was made outside. $1 tenant, $2 id, $3 customer, $4 invoice, $5 currency, $6 amount, $7 method, $8 reference, $9 now
INSERT INTO payments (tenant_id, id, customer_id, invoice_id, currency, amount_minor, status, source, outside_method,
                      outside_reference, succeeded_at, created_at, updated_at)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5, $6::bigint, 'succeeded', 'outside', $7, $8, $9::timestamptz, $9::timestamptz,
        $9::timestamptz)
