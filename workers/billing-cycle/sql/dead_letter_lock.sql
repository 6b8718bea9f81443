-- A dead letter, locked. $1 tenant, $2 id. Result: status, source topic, key, headers (JSON), value (hex),
-- version, the billing run that waits for it.
SELECT status, source_topic, message_key, headers, encode(value, 'hex'), version, run_id
FROM dead_letters
WHERE tenant_id = $1::uuid AND id = $2::uuid FOR UPDATE;
