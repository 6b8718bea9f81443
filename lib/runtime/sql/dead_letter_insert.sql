-- A message that could not be processed. $1 tenant (nil when unknown), $2 id, $3 worker, $4 topic, $5 partition, $6 offset,
-- $7 message id, $8 type, $9 key, $10 headers (JSON), $11 value (bytea), $12 reason, $13 error code, $14 attempts,
-- $15 history (JSON array), $16 first failure, $17 last failure,
-- $18 billing run or NULL.
INSERT INTO dead_letters (tenant_id, id, worker, source_topic, source_partition, source_offset, message_id, message_type,
                          message_key, headers, value, reason, error_code, attempts, history, first_failure_at, last_failure_at,
                          run_id)
VALUES ($1::uuid, $2::uuid, $3, $4, $5::integer, $6::bigint, $7, $8, $9, $10::jsonb, $11::bytea, $12, $13, $14::integer,
        $15::jsonb, $16::timestamptz, $17::timestamptz, $18::uuid)
ON CONFLICT (tenant_id, id) DO NOTHING;
