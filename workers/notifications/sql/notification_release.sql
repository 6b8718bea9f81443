-- Gives back mails whose attempt never began: as if they had not been claimed.
-- $1 now, $2 uuid[] tenants, $3 uuid[] ids, $4 integer[] attempts
WITH given AS (
  SELECT *
  FROM unnest($2::uuid[], $3::uuid[], $4::integer[]) AS g (tenant_id, id, attempt)
), forgotten AS (
  DELETE FROM notification_attempts a
  USING given g
  WHERE a.tenant_id = g.tenant_id AND a.notification_id = g.id AND a.attempt = g.attempt AND a.delivered IS NULL)
UPDATE notifications n
SET status = 'pending', attempts = n.attempts - 1, next_attempt_at = $1::timestamptz, updated_at = $1::timestamptz,
    version = n.version + 1
FROM given g
WHERE n.tenant_id = g.tenant_id AND n.id = g.id AND n.attempts = g.attempt AND n.status = 'sending';
