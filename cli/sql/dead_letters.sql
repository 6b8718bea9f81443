-- The latest dead letters. $1 tenant or NULL for all. Result: id, tenant, time, worker, topic, type, status, reason.
SELECT id, tenant_id, iso(last_failure_at), worker, source_topic, message_type, status, reason
FROM dead_letters WHERE $1::uuid IS NULL OR tenant_id = $1::uuid
ORDER BY last_failure_at DESC LIMIT 200;
