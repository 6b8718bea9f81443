-- A billing run. $1 tenant, $2 id, $3 as of, $4 who asked for it, $5 now, $6 whose customers: the clock, $7 dry.
INSERT INTO billing_runs (tenant_id, id, as_of, status, requested_by, started_at, test_clock_id, is_dry)
VALUES ($1::uuid, $2::uuid, $3::timestamptz, 'running', $4, $5::timestamptz, $6::uuid, $7::boolean);
