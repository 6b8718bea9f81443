-- Drafts. $1 uuid[] tenants, $2 uuid[] ids, $3 now. Result: tenant id, id, customer, run, collection, notes, currency, the due date
-- that was asked for, when it was made, version, the day that it is for the customer, when a task finalises it.
SELECT i.tenant_id, i.id, i.customer_id, i.run_id, i.collection, i.notes, i.currency, i.asked_due_date, i.created_at,
       i.version, ($3::timestamptz AT TIME ZONE c.time_zone)::date, i.auto_finalise_at
FROM unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, id)
JOIN invoices i USING (tenant_id, id)
JOIN customers c ON c.tenant_id = i.tenant_id AND c.id = i.customer_id
WHERE i.status = 'draft' ORDER BY i.tenant_id, i.id;
