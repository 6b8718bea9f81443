-- One customer. $1 id. Result: the JSON, its version.
SELECT resource, resource->>'version' FROM customer_resource WHERE tenant_id = current_tenant() AND id = $1::uuid
  AND EXISTS (SELECT FROM customers c WHERE c.tenant_id = current_tenant() AND c.id = $1::uuid AND c.deleted_at IS NULL);
