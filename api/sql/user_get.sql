-- A user as the API answers it. $1 user. Result: the JSON, its version.
SELECT json_build_object(
  'id', id, 'tenantId', tenant_id, 'email', email, 'role', role, 'status', status, 'firstName', first_name,
  'lastName', last_name, 'emailVerified', email_verified_at IS NOT NULL, 'createdAt', iso(created_at),
  'updatedAt', iso(updated_at), 'version', version), version
FROM users WHERE tenant_id = current_tenant() AND id = $1::uuid;
