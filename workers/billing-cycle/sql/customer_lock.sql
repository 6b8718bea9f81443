-- Takes a customer for a change, against those who make something for it as well (they hold FOR KEY SHARE, by hand or by
-- a foreign key). $1 tenant, $2 id. Result: version, deleted, time zone,
-- whether its test clock is gone.
SELECT version, deleted_at IS NOT NULL, time_zone,
       EXISTS (SELECT FROM test_clocks k WHERE k.tenant_id = c.tenant_id AND k.id = c.test_clock_id AND k.deleted_at IS NOT NULL)
FROM customers c WHERE tenant_id = $1::uuid AND id = $2::uuid FOR UPDATE OF c;
