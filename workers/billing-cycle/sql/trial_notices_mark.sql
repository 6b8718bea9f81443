-- Takes the notices off the schedule. Arrays: $1 tenants, $2 subscriptions; $3 now. Result: tenant id, id, customer id,
-- trial's end, version, whether there is anything to announce: a trial that goes over into a paid period.
UPDATE subscriptions s
SET trial_notice_at = NULL, updated_at = $3::timestamptz,
    version = s.version + (s.status = 'trialing' AND NOT s.cancel_at_period_end)::integer
FROM unnest($1::uuid[], $2::uuid[]) AS a (tenant_id, id)
WHERE s.tenant_id = a.tenant_id AND s.id = a.id AND s.trial_notice_at <= $3::timestamptz
RETURNING s.tenant_id, s.id, s.customer_id, s.trial_ends_at, s.version, s.status = 'trialing' AND NOT s.cancel_at_period_end;
