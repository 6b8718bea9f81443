-- An operation as the API answers it. $1 id. Result: the JSON, its caller.
SELECT o.resource, c.caller
FROM operation_resource o JOIN commands c USING (tenant_id, id)
WHERE o.tenant_id = current_tenant() AND o.id = $1::uuid;
