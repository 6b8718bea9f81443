-- Subscriptions that could not be billed, and why. $1 tenant, $2 run or NULL, $3 uuid[] ids of the rows, $4 uuid[]
-- subscriptions, $5 bigint[] period indexes, $6 text[] reason codes, $7 text[] reasons, $8 now.
INSERT INTO parked_subscriptions (tenant_id, id, subscription_id, run_id, period_index, reason_code, reason, parked_at)
SELECT $1::uuid, p.id, p.subscription_id, $2::uuid, p.period_index, p.reason_code, p.reason, $8::timestamptz
FROM unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::text[])
  AS p (id, subscription_id, period_index, reason_code, reason);
