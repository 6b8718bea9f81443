-- Takes due mails, the longest due first, for one attempt each: those that wait, and those whose sender died.
-- $1 now, $2 until when they are ours, $3 how many at most
-- The last column of the result: whether the mail is about an invoice that is void by now, and no receipt.
-- The locked rows are found again by where they are: a join by key, planned for a limit that is not known, reads all rows.
WITH claimed AS (
  UPDATE notifications n
  SET status = 'sending', attempts = n.attempts + 1, next_attempt_at = $2::timestamptz, updated_at = $1::timestamptz,
      version = n.version + 1
  WHERE n.ctid = ANY (ARRAY(
    SELECT ctid FROM notifications WHERE next_attempt_at <= $1::timestamptz
    ORDER BY next_attempt_at LIMIT $3::bigint FOR UPDATE SKIP LOCKED))
  RETURNING n.tenant_id, n.id, n.template, n.locale, n.recipient, n.variables, n.attempts, n.deferrals, n.created_at, n.invoice_id
), logged AS (
  INSERT INTO notification_attempts (tenant_id, notification_id, attempt, started_at)
  SELECT tenant_id, id, attempts, $1::timestamptz
  FROM claimed)
SELECT c.tenant_id, c.id, c.template, c.locale, c.recipient, c.variables, c.attempts, c.deferrals, c.created_at,
       c.template <> 'receipt' AND COALESCE((SELECT v.status = 'void' FROM invoices v
                                             WHERE v.tenant_id = c.tenant_id AND v.id = c.invoice_id OFFSET 0), false)
FROM claimed c;
