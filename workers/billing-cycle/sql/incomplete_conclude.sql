-- The wait is over. $1 tenant, $2 subscription, $3 now.
UPDATE subscriptions
SET incomplete_until = NULL, expires_at = CASE WHEN status = 'expired' THEN $3::timestamptz ELSE expires_at END
WHERE tenant_id = $1::uuid AND id = $2::uuid;
