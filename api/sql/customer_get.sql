-- One customer; a deleted one as well: its documents name it. $1 id. Result: the JSON, its version.
SELECT resource, resource->>'version' FROM customer_resource WHERE tenant_id = current_tenant() AND id = $1::uuid;
