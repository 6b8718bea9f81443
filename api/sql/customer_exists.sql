-- Whether there is such a customer, deleted or not. $1 id. Result: its id, or no row.
SELECT id FROM customers WHERE tenant_id = current_tenant() AND id = $1::uuid;
