-- Changes a locked coupon. $1 tenant, $2 id, $3 a JSON object with the members that change (null clears), $4 new status or
-- NULL, $5 now.
UPDATE coupons SET
  name = CASE WHEN $3::jsonb ? 'name' THEN $3::jsonb ->> 'name' ELSE name END,
  max_redemptions = CASE WHEN $3::jsonb ? 'maxRedemptions' THEN ($3::jsonb ->> 'maxRedemptions')::integer ELSE max_redemptions END,
  redeem_by = CASE WHEN $3::jsonb ? 'redeemBy' THEN ($3::jsonb ->> 'redeemBy')::timestamptz ELSE redeem_by END,
  metadata = CASE WHEN $3::jsonb ? 'metadata' THEN $3::jsonb -> 'metadata' ELSE metadata END,
  status = COALESCE($4, status), updated_at = $5::timestamptz, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid;
