-- The end of a trial is to be announced, unless it has been. $1 tenant, $2 subscription, $3 when.
UPDATE subscriptions s SET trial_notice_at = $3::timestamptz
WHERE s.tenant_id = $1::uuid AND s.id = $2::uuid
  AND NOT EXISTS (SELECT FROM subscription_history h
                  WHERE h.tenant_id = s.tenant_id AND h.subscription_id = s.id AND h.what = 'trial_ending');
