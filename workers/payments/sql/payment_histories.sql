-- All attempts of payments, as a dead letter tells them.
-- $1 tenants, $2 payments (arrays) → a JSON array for each payment, in the order given
SELECT COALESCE((
  SELECT json_agg(json_build_object(
    'attempt', a.attempt, 'cycle', a.cycle, 'startedAt', iso(a.started_at), 'finishedAt', iso(a.finished_at),
    'asked', a.asked, 'outcome', a.outcome, 'declineCode', a.decline_code, 'message', a.message,
    'paymentMethodId', a.payment_method_id, 'transactionId', a.gateway_intent_id) ORDER BY a.attempt)
  FROM payment_attempts a WHERE a.tenant_id = wanted.tenant_id AND a.payment_id = wanted.payment_id), '[]')
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS wanted(tenant_id, payment_id, ordinal)
ORDER BY wanted.ordinal
