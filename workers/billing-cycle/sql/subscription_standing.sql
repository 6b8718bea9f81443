-- What a decision about a subscription's life needs beside subscription_billing; the row is locked. $1 tenant, $2 id.
-- Result: parked, charges (JSON), cuts (JSON array of seconds since 1970), cancelled at, suspended at,
-- trial ends at.
SELECT parked_at IS NOT NULL, charges,
       array_to_json(ARRAY(SELECT extract(epoch FROM c)::bigint FROM unnest(charge_cuts) AS c ORDER BY c)), cancelled_at, suspended_at,
       trial_ends_at
FROM subscriptions WHERE tenant_id = $1::uuid AND id = $2::uuid FOR UPDATE;
