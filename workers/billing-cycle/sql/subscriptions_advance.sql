-- Where subscriptions stand after they were billed. Arrays: $2 ids, $3 statuses, $4 next period indexes, $5 next billing
-- times (NULL: never again), $6 and $7 current periods (NULL: as before), $8 parked; $1 tenant, $9 now. Each period and
-- the end is a version of its own, as in the events.
UPDATE subscriptions s
SET status = a.status, next_period_index = a.next_period_index, next_billing_at = a.next_billing_at,
    current_period_start = COALESCE(a.period_start, s.current_period_start),
    current_period_end = COALESCE(a.period_end, s.current_period_end),
    cancelled_at = CASE WHEN a.status = 'cancelled' THEN COALESCE(s.cancelled_at, s.cancel_at) ELSE s.cancelled_at END,
    expires_at = CASE WHEN a.status = 'expired' THEN s.current_period_end ELSE s.expires_at END,
    parked_at = CASE WHEN a.parked THEN $9::timestamptz ELSE s.parked_at END,
    updated_at = $9::timestamptz,
    version = s.version + greatest(1, a.next_period_index - s.next_period_index + (a.parked OR a.status <> s.status)::integer)
FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[], $8::boolean[])
  AS a (id, status, next_period_index, next_billing_at, period_start, period_end, parked)
WHERE s.tenant_id = $1::uuid AND s.id = a.id;
