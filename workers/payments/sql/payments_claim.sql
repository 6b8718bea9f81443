-- Payments whose time has come, locked for this transaction; what others hold is theirs. Of a customer's new attempts one at a time: the
-- first is asked about before the next begins, so that a card that must never be charged again is tried once (BILL-081). A bank
-- that thinks it over, or a gateway that does not answer in time, holds up no other.
-- $1 now, $2 at most so many, $3 by which clock → tenant_id, id
SELECT p.tenant_id, p.id
FROM payments p
WHERE p.due_clock_id = $3::uuid AND p.next_attempt_at <= $1::timestamptz
  AND (p.status <> 'pending' OR NOT EXISTS (
    SELECT FROM payments o
    LEFT JOIN payment_attempts a ON a.tenant_id = o.tenant_id AND a.payment_id = o.id AND a.attempt = o.attempts
    WHERE o.tenant_id = p.tenant_id AND o.customer_id = p.customer_id AND o.id <> p.id
      AND CASE o.status
          WHEN 'pending' THEN o.due_clock_id = p.due_clock_id AND o.next_attempt_at <= $1::timestamptz
                              AND (o.next_attempt_at, o.id) < (p.next_attempt_at, p.id)
          WHEN 'processing' THEN a.finished_at IS NULL AND a.asked = 1 AND a.gateway_intent_id IS NULL
          ELSE false END))
ORDER BY p.next_attempt_at
LIMIT $2::bigint
FOR UPDATE OF p SKIP LOCKED
