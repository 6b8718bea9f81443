-- Takes due mails, the longest due first, for one attempt each: those that wait, and those whose sender died.
-- $1 now, $2 until when they are ours, $3 how many at most
WITH due AS (
  SELECT tenant_id, id
  FROM notifications
  WHERE next_attempt_at <= $1::timestamptz
  ORDER BY next_attempt_at
  LIMIT $3::bigint
  FOR UPDATE SKIP LOCKED
), claimed AS (
  UPDATE notifications n
  SET status = 'sending', attempts = n.attempts + 1, next_attempt_at = $2::timestamptz, updated_at = $1::timestamptz,
      version = n.version + 1
  FROM due
  WHERE n.tenant_id = due.tenant_id AND n.id = due.id
  RETURNING n.tenant_id, n.id, n.template, n.locale, n.recipient, n.variables, n.attempts, n.deferrals, n.created_at
), logged AS (
  INSERT INTO notification_attempts (tenant_id, notification_id, attempt, started_at)
  SELECT tenant_id, id, attempts, $1::timestamptz
  FROM claimed)
SELECT tenant_id, id, template, locale, recipient, variables, attempts, deferrals, created_at
FROM claimed;
