-- $1 tenant, $2 customer, $3 payment method → status, the code with which it was barred or NULL
SELECT status, barred_code FROM payment_methods
WHERE tenant_id = $1::uuid AND customer_id = $2::uuid AND id = $3::uuid
