-- What a subscription is, after a change. $1 tenant, $2 id, $3 plan, $4 plan version, $5 whether it is another one than
-- before, $6 its bare price or NULL, $7 plain, $8 quantity, $9 interval unit, $10 interval count, $11 anchor, $12 anchor
-- day, $13 anchor index.
UPDATE subscriptions
SET plan_id = $3::uuid, plan_version = $4::integer,
    price_minor = CASE WHEN $5::boolean THEN $6::bigint ELSE price_minor END,
    price_overridden = price_overridden AND NOT $5::boolean, is_plain = $7::boolean, quantity = $8::numeric,
    interval_unit = $9, interval_count = $10::integer, anchor_date = $11::date, anchor_day = $12::integer,
    anchor_index = $13::bigint
WHERE tenant_id = $1::uuid AND id = $2::uuid;
