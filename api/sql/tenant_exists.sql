-- Whether the transaction's tenant exists. Result: its id, or no row.
SELECT id FROM tenants WHERE id = current_tenant();
