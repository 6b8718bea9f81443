-- A coupon, locked. $1 tenant, $2 id. Result: version, status, times redeemed, code.
SELECT version, status, times_redeemed, code FROM coupons WHERE tenant_id = $1::uuid AND id = $2::uuid FOR UPDATE;
