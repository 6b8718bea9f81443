-- $1 tenant, $2 customer → a row if there is one, held against its deletion
SELECT 1 FROM customers WHERE tenant_id = $1::uuid AND id = $2::uuid AND deleted_at IS NULL FOR KEY SHARE
