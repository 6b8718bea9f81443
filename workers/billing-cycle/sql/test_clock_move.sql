-- Moves a test clock on, never back; $4 true: it has arrived. $1 tenant, $2 id, $3 its time from now on, $5 now.
-- Result: version.
UPDATE test_clocks
SET frozen_at = greatest(frozen_at, $3::timestamptz), status = CASE WHEN $4::boolean THEN 'ready' ELSE status END,
    target_at = CASE WHEN $4::boolean THEN NULL ELSE target_at END, updated_at = $5::timestamptz, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid
RETURNING version;
