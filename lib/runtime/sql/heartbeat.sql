-- "I live." $1 worker, $2 instance, $3 version, $4 started, $5 last progress, $6 resident bytes.
INSERT INTO worker_heartbeats (worker, instance, version, started_at, seen_at, progress_at, memory_bytes)
VALUES ($1, $2, $3, $4::timestamptz, clock_timestamp(), $5::timestamptz, $6::bigint)
ON CONFLICT (worker, instance) DO UPDATE
SET version = excluded.version, started_at = excluded.started_at, seen_at = excluded.seen_at,
    progress_at = excluded.progress_at, memory_bytes = excluded.memory_bytes;
