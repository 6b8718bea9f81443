-- $1 tenant, $2 customer, $3 the gateway's id of it, $4 now
INSERT INTO gateway_customers (tenant_id, customer_id, gateway_customer_id, created_at)
VALUES ($1::uuid, $2::uuid, $3::text, $4::timestamptz)
ON CONFLICT (tenant_id, customer_id) DO NOTHING
