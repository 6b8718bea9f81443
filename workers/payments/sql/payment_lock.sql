-- $1 tenant, $2 invoice → id of its payment through the gateway, locked
SELECT id FROM payments WHERE tenant_id = $1::uuid AND invoice_id = $2::uuid AND source = 'gateway' FOR UPDATE
