-- One test clock. $1 id. Result: the JSON, its version.
SELECT resource, resource->>'version' FROM test_clock_resource WHERE tenant_id = current_tenant() AND id = $1::uuid;
