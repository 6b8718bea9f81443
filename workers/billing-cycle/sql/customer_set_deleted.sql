-- Deletes a customer, or with NULL in $3 restores it. $1 tenant, $2 id, $3 since when it is deleted, $4 now.
-- Result: version.
UPDATE customers SET deleted_at = $3::timestamptz, updated_at = $4::timestamptz, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid
RETURNING version;
