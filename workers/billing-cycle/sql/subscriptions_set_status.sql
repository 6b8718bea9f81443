-- Subscriptions become past due, or are no more (BILL-084). $1 tenant, $2 uuid[] ids, $3 text[] statuses, $4 now.
UPDATE subscriptions s SET status = a.status, updated_at = $4::timestamptz, version = s.version + 1
FROM unnest($2::uuid[], $3::text[]) AS a (id, status)
WHERE s.tenant_id = $1::uuid AND s.id = a.id;
