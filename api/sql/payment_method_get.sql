-- One payment method. $1 id. Result: the JSON, its version.
SELECT resource, resource->>'version' FROM payment_method_resource WHERE tenant_id = current_tenant() AND id = $1::uuid;
