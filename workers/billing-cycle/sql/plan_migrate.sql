-- Moves subscriptions from a version of a plan to another at a boundary, each by a change that waits for it, and marks them as
-- changed. A change that waits already gets the move, and what it asks for of the old version is of the new one.
-- $1 tenant, $2 plan, $3 version before, $4 version after, $5 uuid[] subscriptions, $6 uuid[] ids of the changes,
-- $7 bigint[] first periods, $8 timestamptz[] their boundaries, $9 who asked, $10 now. Result: subscription, customer, version, change, when it takes effect, the customer's own time.
WITH waiting AS (
  INSERT INTO scheduled_changes AS c (tenant_id, id, subscription_id, period_index, effective_at, version_moves, status,
                                      requested_by, created_at)
  SELECT $1::uuid, m.id, m.subscription, m.period, m.effective_at,
         jsonb_build_array(jsonb_build_object('planId', $2::uuid, 'fromVersion', $3::integer, 'toVersion', $4::integer)),
         'pending', $9, $10::timestamptz
  FROM unnest($5::uuid[], $6::uuid[], $7::bigint[], $8::timestamptz[]) AS m (subscription, id, period, effective_at)
  ON CONFLICT (tenant_id, subscription_id) WHERE status = 'pending'
  DO UPDATE SET
    plan_version = CASE WHEN c.plan_id = $2::uuid AND c.plan_version = $3::integer THEN $4::integer ELSE c.plan_version END,
    items = CASE WHEN c.items IS NOT NULL THEN -- an empty list stays one: it removes all add-ons
              (SELECT COALESCE(jsonb_agg(CASE WHEN i @> jsonb_build_object('planId', $2::uuid, 'planVersion', $3::integer)
                                              THEN i || jsonb_build_object('planVersion', $4::integer) ELSE i END ORDER BY place), '[]')
               FROM jsonb_array_elements(c.items) WITH ORDINALITY AS e (i, place)) END,
    version_moves = (SELECT COALESCE(jsonb_agg(CASE WHEN m @> jsonb_build_object('planId', $2::uuid, 'toVersion', $3::integer)
                                                    THEN m || jsonb_build_object('toVersion', $4::integer) ELSE m END), '[]')
                     FROM jsonb_array_elements(c.version_moves) AS e (m)
                     WHERE NOT m @> jsonb_build_object('planId', $2::uuid, 'fromVersion', $3::integer)) || excluded.version_moves,
    version = c.version + 1
  RETURNING c.subscription_id, c.id, takes_effect_at(c, (SELECT s FROM subscriptions s
                                                         WHERE s.tenant_id = c.tenant_id AND s.id = c.subscription_id)) AS at
)
UPDATE subscriptions s SET version = s.version + 1, updated_at = $10::timestamptz
FROM waiting w WHERE s.tenant_id = $1::uuid AND s.id = w.subscription_id
RETURNING s.id, s.customer_id, s.version, w.id, w.at, customer_now(s.tenant_id, s.customer_id);
