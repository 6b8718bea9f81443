-- Whether a session still counts: open, and of an active user in an active tenant. $1 session, $2 user.
-- Result: role; no row when it does not.
SELECT u.role
FROM sessions s
JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
JOIN tenants t ON t.id = s.tenant_id
WHERE s.tenant_id = current_tenant() AND s.id = $1::uuid AND s.user_id = $2::uuid
  AND s.ended_at IS NULL AND s.expires_at > now() AND u.status = 'ACTIVE' AND t.status = 'ACTIVE';
