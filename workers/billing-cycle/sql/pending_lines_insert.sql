-- Keeps lines for later invoices. $1 tenant, $2 uuid[] ids, $3 uuid[] subscriptions, $4 text[] lines (JSON), $5 now.
INSERT INTO pending_lines (tenant_id, id, subscription_id, line, created_at)
SELECT $1::uuid, l.id, l.subscription_id, l.line::jsonb, $5::timestamptz
FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS l (id, subscription_id, line);
