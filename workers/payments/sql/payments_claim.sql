-- Payments whose time has come, locked for this transaction; what others hold is theirs. Of a customer's new attempts one at a time: the
-- first is asked about before the next begins, so that a card that must never be charged again is tried once (BILL-081). A bank
-- that thinks it over, or a gateway that does not answer in time, holds up no other. (Each look is by payments_in_turn: a customer
-- may have thousands of payments, due and done. OFFSET 0: the attempt is found by its key, whatever the statistics say.)
-- $1 now, $2 at most so many, $3 by which clock → tenant_id, id
SELECT p.tenant_id, p.id
FROM payments p
WHERE p.due_clock_id = $3::uuid AND p.next_attempt_at <= $1::timestamptz
  AND (p.status <> 'pending' OR NOT EXISTS (
    SELECT FROM payments o
    WHERE o.tenant_id = p.tenant_id AND o.customer_id = p.customer_id AND o.status = 'pending'
      AND o.due_clock_id = p.due_clock_id AND (o.next_attempt_at, o.id) < (p.next_attempt_at, p.id)
  ) AND NOT EXISTS (
    SELECT FROM payments o
    CROSS JOIN LATERAL (SELECT * FROM payment_attempts
                        WHERE tenant_id = o.tenant_id AND payment_id = o.id AND attempt = o.attempts OFFSET 0) a
    WHERE o.tenant_id = p.tenant_id AND o.customer_id = p.customer_id AND o.status = 'processing'
      AND a.finished_at IS NULL AND a.asked = 1 AND a.gateway_intent_id IS NULL OFFSET 0))
ORDER BY p.next_attempt_at
LIMIT $2::bigint
FOR UPDATE OF p SKIP LOCKED
