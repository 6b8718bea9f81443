-- The refresh token that is good from now on. $1 session, $2 SHA-256 of the token, $3 expires at.
UPDATE sessions SET refresh_hash = $2, expires_at = $3::timestamptz
WHERE tenant_id = current_tenant() AND id = $1::uuid AND ended_at IS NULL;
