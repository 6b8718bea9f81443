-- The session of a refresh token, locked, with what a new access token says. $1 session, $2 user.
-- Result: refresh_hash, is_open, email, role; no row when there is none.
SELECT s.refresh_hash,
       s.ended_at IS NULL AND s.expires_at > now() AND u.status = 'ACTIVE' AND t.status = 'ACTIVE' AS is_open,
       u.email, u.role
FROM sessions s
JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
JOIN tenants t ON t.id = s.tenant_id
WHERE s.tenant_id = current_tenant() AND s.id = $1::uuid AND s.user_id = $2::uuid
FOR UPDATE OF s;
