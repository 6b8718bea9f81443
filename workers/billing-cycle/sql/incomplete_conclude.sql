-- The wait is over: it was paid, or it has expired, and its invoice is to be withdrawn. $1 tenant, $2 subscription, $3 now.
UPDATE subscriptions
SET incomplete_until = CASE WHEN status = 'expired' THEN incomplete_until END,
    expires_at = CASE WHEN status = 'expired' THEN $3::timestamptz ELSE expires_at END
WHERE tenant_id = $1::uuid AND id = $2::uuid;
