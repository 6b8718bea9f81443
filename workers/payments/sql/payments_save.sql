-- Writes locked payments back as they have become; a method that was named for one attempt is forgotten after it. One array for each column.
-- $1 tenants, $2 ids, $3 amounts, $4 statuses, $5 methods, $6 attempts, $7 cycles, $8 attempts of the cycle, $9 first failures,
-- $10 due times, $11 intents, $12 failure codes, $13 messages, $14 classes, $15 dead letters, $16 successes, $17 versions, $18 now
UPDATE payments p SET
  amount_minor = n.amount_minor, status = n.status, payment_method_id = n.payment_method_id, attempts = n.attempts,
  cycle = n.cycle, cycle_attempts = n.cycle_attempts, first_failure_at = n.first_failure_at,
  next_attempt_at = n.next_attempt_at, gateway_intent_id = n.gateway_intent_id, failure_code = n.failure_code,
  failure_message = n.failure_message, decline_class = n.decline_class, dead_letter_id = n.dead_letter_id,
  succeeded_at = n.succeeded_at,
  wanted_method_id = CASE WHEN n.status IN ('processing', 'unknown') THEN p.wanted_method_id END, version = n.version, updated_at = $18::timestamptz
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::uuid[], $6::integer[], $7::integer[], $8::integer[],
            $9::timestamptz[], $10::timestamptz[], $11::text[], $12::text[], $13::text[], $14::text[], $15::uuid[],
            $16::timestamptz[], $17::bigint[])
  AS n(tenant_id, id, amount_minor, status, payment_method_id, attempts, cycle, cycle_attempts, first_failure_at,
       next_attempt_at, gateway_intent_id, failure_code, failure_message, decline_class, dead_letter_id, succeeded_at, version)
WHERE p.tenant_id = n.tenant_id AND p.id = n.id
