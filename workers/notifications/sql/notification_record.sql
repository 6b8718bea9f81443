-- Records how attempts went. A delivered mail is sent, whoever holds it now; anything else counts only for the attempt that
-- still holds it.
-- $1 now; arrays: $2 uuid tenants, $3 uuid ids, $4 integer attempts, $5 text new status (sent, pending, failed, dropped),
-- $6 timestamptz next attempts, $7 integer deferrals, $8 text last errors, $9 text responses, $10 bigint durations in ms
-- One row for each mail that is not tried any more.
WITH outcome AS (
  SELECT *
  FROM unnest($2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::timestamptz[], $7::integer[], $8::text[], $9::text[],
              $10::bigint[])
       AS o (tenant_id, id, attempt, status, next_attempt_at, deferrals, last_error, response, duration_ms)
), logged AS (
  UPDATE notification_attempts a
  SET duration_ms = o.duration_ms, response = o.response, delivered = o.status = 'sent'
  FROM outcome o
  WHERE a.tenant_id = o.tenant_id AND a.notification_id = o.id AND a.attempt = o.attempt
), recorded AS (
  UPDATE notifications n
  SET status = o.status, next_attempt_at = o.next_attempt_at, deferrals = o.deferrals, last_error = o.last_error,
      sent_at = CASE WHEN o.status = 'sent' THEN $1::timestamptz END, updated_at = $1::timestamptz, version = n.version + 1
  FROM outcome o
  WHERE n.tenant_id = o.tenant_id AND n.id = o.id
    AND (o.status = 'sent' AND n.status IN ('sending', 'pending') OR n.status = 'sending' AND n.attempts = o.attempt)
  RETURNING n.tenant_id, n.id, n.event_id, n.template, n.customer_id, n.version, n.status, n.last_error)
SELECT tenant_id, id, event_id, template, customer_id, version, status, last_error
FROM recorded
WHERE status <> 'pending';
