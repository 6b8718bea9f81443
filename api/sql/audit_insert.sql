-- An act on identity. $1 tenant, $2 id, $3 at, $4 actor, $5 action, $6 outcome, $7 resource type, $8 resource id,
-- $9 request id, $10 client's address.
INSERT INTO audit_log (tenant_id, id, at, actor, action, outcome, resource_type, resource_id, request_id, address)
VALUES ($1::uuid, $2::uuid, $3::timestamptz, $4, $5, $6, $7, $8, $9, $10);
