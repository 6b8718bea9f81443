-- A locked invoice's new status. $1 tenant, $2 invoice, $3 status, $4 now.
UPDATE invoices SET status = $3, updated_at = $4::timestamptz, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid;
