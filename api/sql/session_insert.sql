-- A new session. $1 id, $2 user, $3 SHA-256 of its refresh token, $4 now, $5 expires at, $6 address, $7 user agent.
INSERT INTO sessions (tenant_id, id, user_id, refresh_hash, created_at, expires_at, address, user_agent)
VALUES (current_tenant(), $1::uuid, $2::uuid, $3, $4::timestamptz, $5::timestamptz, $6, $7);
