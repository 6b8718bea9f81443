-- The number of a subscription's next add-on: none is used twice. $1 tenant, $2 subscription. Result: number.
SELECT COALESCE(max(item), 0)::bigint + 1 FROM subscription_items WHERE tenant_id = $1::uuid AND subscription_id = $2::uuid;
