-- A new subscription, before its first boundary. $1 tenant, $2 id, $3 customer, $4 plan, $5 plan version, $6 status,
-- $7 currency, $8 price or NULL, $9 price overridden, $10 plain, $11 quantity, $12 collection, $13 time zone, $14 start
-- date of the grid, $15 interval unit, $16 interval count, $17 anchor date, $18 anchor day, $19 first period index,
-- $20 started at, $21 start date of the trial, $22 its end, $23 when to say so, $24 incomplete until, $25 auto renew,
-- $26 metadata (JSON), $27 now.
INSERT INTO subscriptions (tenant_id, id, customer_id, plan_id, plan_version, status, currency, price_minor,
  price_overridden, is_plain, quantity, collection, time_zone, start_date, interval_unit, interval_count, anchor_date,
  anchor_day, first_period_index, next_period_index, started_at, trial_start_date, trial_ends_at, trial_notice_at,
  incomplete_until, auto_renew, metadata, created_at, updated_at)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::integer, $6, $7, $8::bigint, $9::boolean, $10::boolean,
  $11::numeric, $12, $13, $14::date, $15, $16::integer, $17::date, $18::integer, $19::bigint, $19::bigint,
  $20::timestamptz, $21::date, $22::timestamptz, $23::timestamptz, $24::timestamptz, $25::boolean,
  COALESCE($26::jsonb, '{}'), $27::timestamptz, $27::timestamptz);
