-- A test clock that a customer may be put on, held against its deletion. $1 tenant, $2 id. Result: its time.
SELECT frozen_at FROM test_clocks
WHERE tenant_id = $1::uuid AND id = $2::uuid AND deleted_at IS NULL FOR SHARE;
