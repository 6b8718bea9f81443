-- What fixed coupons have taken off by now. Arrays: $1 tenants, $2 subscriptions, $3 coupons, $4 periods, $5 used.
INSERT INTO coupon_uses AS u (tenant_id, subscription_id, coupon_id, period_index, used_minor)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[])
ON CONFLICT (tenant_id, subscription_id, coupon_id, period_index) DO UPDATE SET used_minor = excluded.used_minor;
