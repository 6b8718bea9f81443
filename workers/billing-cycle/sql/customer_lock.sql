-- Takes a customer for a change, against those who make something for it as well (they hold FOR KEY SHARE, by hand or by
-- a foreign key). $1 tenant, $2 id. Result: version, deleted.
SELECT version, deleted_at IS NOT NULL FROM customers WHERE tenant_id = $1::uuid AND id = $2::uuid FOR UPDATE;
