-- Whether there is such a billing run. $1 id. Result: its id, or no row.
SELECT id FROM billing_runs WHERE tenant_id = current_tenant() AND id = $1::uuid;
