-- One billing run. $1 id. Result: the JSON; no version: its counts change without one.
SELECT resource FROM billing_run_resource WHERE tenant_id = current_tenant() AND id = $1::uuid;
