-- A new coupon; nothing when the code is taken. $1 tenant, $2 id, $3 code, $4 name, $5 percentage, $6 amount, $7 its currency, $8
-- duration, $9 periods, $10 redemptions, $11 last moment, $12 uuid[] plans, $13 metadata (JSON), $14 now. Result: id.
INSERT INTO coupons (tenant_id, id, code, name, percent_off, amount_off_minor, currency, duration, duration_in_periods,
                     max_redemptions, redeem_by, plan_ids, metadata, created_at, updated_at)
VALUES ($1::uuid, $2::uuid, $3, $4, $5::numeric, $6::bigint, $7, $8, $9::integer, $10::integer, $11::timestamptz, $12::uuid[],
        COALESCE($13::jsonb, '{}'), $14::timestamptz, $14::timestamptz)
ON CONFLICT (tenant_id, code) DO NOTHING RETURNING id;
