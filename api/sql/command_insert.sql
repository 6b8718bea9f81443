-- What became of a write that the API made itself; the key may come again. $1 tenant, $2 id, $3 type, $4 caller, $5 body hash,
-- $6 status of the answer, $7 its resource (JSON), $8 request id, $9 client's address, $10 now.
INSERT INTO commands (tenant_id, id, type, caller, body_hash, status, http_status, result, request_id, address, completed_at)
VALUES ($1::uuid, $2::uuid, $3, $4, $5, 'succeeded', $6::integer, $7, $8, $9, $10::timestamptz);
