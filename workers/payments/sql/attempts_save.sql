-- Attempts as they have become: begun, asked once more, or closed. What is closed stays as it is. One array for each column.
-- $1 tenants, $2 payments, $3 attempts, $4 cycles, $5 methods, $6 amounts, $7 keys, $8 started at, $9 sent at, $10 asked,
-- $11 asked at, $12 finished at, $13 outcomes, $14 codes, $15 messages, $16 intents, $17 charges
INSERT INTO payment_attempts AS a (tenant_id, payment_id, attempt, cycle, payment_method_id, amount_minor, idempotency_key,
  started_at, sent_at, asked, asked_at, finished_at, outcome, decline_code, message, gateway_intent_id, gateway_charge_id)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::integer[], $5::uuid[], $6::bigint[], $7::text[],
  $8::timestamptz[], $9::timestamptz[], $10::integer[], $11::timestamptz[], $12::timestamptz[], $13::text[], $14::text[],
  $15::text[], $16::text[], $17::text[])
ON CONFLICT (tenant_id, payment_id, attempt) DO UPDATE SET
  asked = EXCLUDED.asked, asked_at = EXCLUDED.asked_at, finished_at = EXCLUDED.finished_at, outcome = EXCLUDED.outcome,
  decline_code = EXCLUDED.decline_code, message = EXCLUDED.message, gateway_intent_id = EXCLUDED.gateway_intent_id,
  gateway_charge_id = EXCLUDED.gateway_charge_id
WHERE a.finished_at IS NULL
