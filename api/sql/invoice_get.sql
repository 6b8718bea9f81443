-- One invoice. $1 id. Result: the JSON, its version.
SELECT resource, resource->>'version' FROM invoice_resource WHERE tenant_id = current_tenant() AND id = $1::uuid;
