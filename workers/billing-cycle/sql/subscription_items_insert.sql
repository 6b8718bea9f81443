-- Add-ons of a new subscription. $1 tenant, $2 subscription, $3 now; arrays: $4 plans, $5 versions, $6 quantities.
INSERT INTO subscription_items (tenant_id, subscription_id, item, plan_id, plan_version, quantity, created_at)
SELECT $1::uuid, $2::uuid, i.place, i.plan_id, i.plan_version, i.quantity, $3::timestamptz
FROM unnest($4::uuid[], $5::integer[], $6::numeric[]) WITH ORDINALITY AS i (plan_id, plan_version, quantity, place);
