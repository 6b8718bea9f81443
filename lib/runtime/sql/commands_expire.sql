-- Idempotency keys are kept for a day, and heartbeats of the dead not longer. Bounded, so that it never holds anything up.
WITH old_heartbeats AS (
  DELETE FROM worker_heartbeats WHERE seen_at < now() - interval '1 day'
)
DELETE FROM commands WHERE ctid IN (
  SELECT ctid FROM commands WHERE created_at < now() - interval '24 hours' AND status <> 'pending' LIMIT 5000);
