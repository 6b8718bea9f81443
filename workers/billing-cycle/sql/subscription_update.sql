-- What does not touch the price; NULL: as it is. $1 tenant, $2 id, $3 auto renew, $4 collection, $5 metadata (JSON), $6 now.
-- Result: version, auto renew, collection.
UPDATE subscriptions
SET auto_renew = COALESCE($3::boolean, auto_renew), collection = COALESCE($4, collection),
    metadata = COALESCE($5::jsonb, metadata), updated_at = $6::timestamptz, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid
RETURNING version, auto_renew, collection;
