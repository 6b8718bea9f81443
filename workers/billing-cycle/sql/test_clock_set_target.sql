-- Lets a test clock go. $1 tenant, $2 id, $3 where to, $4 now.
UPDATE test_clocks SET status = 'advancing', target_at = $3::timestamptz, updated_at = $4::timestamptz, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid;
