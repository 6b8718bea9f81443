-- A new subscription, before its first boundary. $1 tenant, $2 id, $3 customer, $4 plan, $5 plan version, $6 status,
-- $7 currency, $8 price, $9 price overridden, $10 quantity, $11 collection, $12 time zone, $13 start date, $14 interval
-- unit, $15 interval count, $16 anchor date, $17 anchor day, $18 started at, $19 auto renew, $20 metadata (JSON), $21 now.
INSERT INTO subscriptions (tenant_id, id, customer_id, plan_id, plan_version, status, currency, price_minor,
  price_overridden, quantity, collection, time_zone, start_date, interval_unit, interval_count, anchor_date, anchor_day,
  next_period_index, started_at, auto_renew, metadata, created_at, updated_at)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::integer, $6, $7, $8::bigint, $9::boolean, $10::numeric, $11, $12,
  $13::date, $14, $15::integer, $16::date, $17::integer, 0, $18::timestamptz, $19::boolean, COALESCE($20::jsonb, '{}'),
  $21::timestamptz, $21::timestamptz);
