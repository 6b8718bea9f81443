-- The worker pools by the heartbeats of the last day. A pool is up when one of its processes was seen in the last 15 s.
-- Result: worker, is_up, version, uptime in seconds, memory in bytes, instances that are up, last progress.
SELECT h.worker, count(alive) > 0, max(h.version),
       COALESCE(max(extract(epoch FROM now() - h.started_at)) FILTER (WHERE alive), 0)::bigint,
       COALESCE(sum(h.memory_bytes) FILTER (WHERE alive), 0)::bigint, count(alive), iso(max(h.progress_at))
FROM worker_heartbeats h
CROSS JOIN LATERAL (SELECT NULLIF(h.seen_at > now() - interval '15 seconds', false)) a (alive)
GROUP BY h.worker ORDER BY h.worker;
