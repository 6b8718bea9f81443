-- A customer that is not deleted, held so that it is not meanwhile. $1 tenant, $2 customer. Result: its version.
SELECT version FROM customers WHERE tenant_id = $1::uuid AND id = $2::uuid AND deleted_at IS NULL FOR KEY SHARE;
