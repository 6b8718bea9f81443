-- Locks coupons until the transaction ends: two redemptions of the last one wait for each other. $1 tenant, $2 uuid[] coupons.
SELECT FROM coupons WHERE tenant_id = $1::uuid AND id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE;
