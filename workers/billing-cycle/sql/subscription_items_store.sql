-- The add-ons that a subscription has from now on; the others are removed. $1 tenant, $2 subscription; arrays: $3 items,
-- $4 plans, $5 versions, $6 quantities, $7 first periods; $8 now.
WITH kept AS (
  INSERT INTO subscription_items AS s (tenant_id, subscription_id, item, plan_id, plan_version, quantity, added_period_index, created_at)
  SELECT $1::uuid, $2::uuid, i.item, i.plan_id, i.plan_version, i.quantity, i.added, $8::timestamptz
  FROM unnest($3::smallint[], $4::uuid[], $5::integer[], $6::numeric[], $7::bigint[]) AS i (item, plan_id, plan_version, quantity, added)
  ON CONFLICT (tenant_id, subscription_id, item) DO UPDATE SET quantity = excluded.quantity, plan_version = excluded.plan_version
  RETURNING s.item
)
UPDATE subscription_items SET removed_at = $8::timestamptz
WHERE tenant_id = $1::uuid AND subscription_id = $2::uuid AND removed_at IS NULL AND item <> ALL ($3::smallint[]);
