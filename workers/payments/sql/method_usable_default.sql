-- $1 tenant, $2 customer → a row if the customer's default could be charged
SELECT 1 FROM payment_methods
WHERE tenant_id = $1::uuid AND customer_id = $2::uuid AND is_default AND status = 'active' AND barred_code IS NULL
