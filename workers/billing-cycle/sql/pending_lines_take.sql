-- They wait no more. $1 tenant, $2 uuid[] ids.
DELETE FROM pending_lines WHERE tenant_id = $1::uuid AND id = ANY ($2::uuid[]);
