-- The events of a transaction that are about subscriptions. $1 uuid[] tenants, $2 uuid[] event ids, $3 uuid[] subscriptions,
-- $4 timestamptz[] when, $5 text[] types, $6 text[] actors, $7 jsonb[] data. An event that was sent again is there already.
INSERT INTO subscription_history (tenant_id, id, subscription_id, at, version, what, actor, data)
SELECT tenant, event, subscription, at, (data ->> 'version')::bigint, substr(type, length('subscription.') + 1), actor,
       data - '{subscriptionId,customerId,version}'::text[]
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::jsonb[])
       AS e (tenant, event, subscription, at, type, actor, data)
ON CONFLICT DO NOTHING;
