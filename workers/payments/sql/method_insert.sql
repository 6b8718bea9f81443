-- A payment method that the gateway has not seen yet.
-- $1 tenant, $2 id, $3 customer, $4 token, $5 is it to be the default, $6 command, $7 now, $8 when the gateway is asked
INSERT INTO payment_methods (tenant_id, id, customer_id, status, token, set_default, command_id, setup_due_at, created_at, updated_at)
VALUES ($1::uuid, $2::uuid, $3::uuid, 'pending', $4::text, $5::boolean, $6::uuid, $8::timestamptz, $7::timestamptz, $7::timestamptz)
ON CONFLICT (tenant_id, id) DO NOTHING
