-- Schedules another version of their plan for subscriptions; a change of quantity or items that waits already gets it too.
-- $1 tenant, $2 plan, $3 version, $4 uuid[] subscriptions, $5 uuid[] ids of the changes, $6 bigint[] first periods,
-- $7 timestamptz[] their boundaries, $8 who asked, $9 now.
INSERT INTO scheduled_changes AS c (tenant_id, id, subscription_id, period_index, effective_at, plan_id, plan_version, status,
                                    requested_by, created_at)
SELECT $1::uuid, m.id, m.subscription, m.period, m.effective_at, $2::uuid, $3::integer, 'pending', $8, $9::timestamptz
FROM unnest($4::uuid[], $5::uuid[], $6::bigint[], $7::timestamptz[]) AS m (subscription, id, period, effective_at)
ON CONFLICT (tenant_id, subscription_id) WHERE status = 'pending'
DO UPDATE SET plan_id = excluded.plan_id, plan_version = excluded.plan_version, version = c.version + 1;
