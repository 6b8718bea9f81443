-- $1 tenant, $2 method → if it still waits for the gateway's word: its command, is it to be the default
SELECT command_id, set_default FROM payment_methods
WHERE tenant_id = $1::uuid AND id = $2::uuid AND status = 'pending'
FOR UPDATE
