-- What a decision about a subscription's life needs. $1 tenant, $2 id. Result: status, cancel_at_period_end, parked, time zone,
-- start date, interval unit, interval count, anchor date, anchor day, the period that is billed next, version.
SELECT status, cancel_at_period_end, parked_at IS NOT NULL, time_zone, start_date, interval_unit, interval_count, anchor_date,
       anchor_day, next_period_index, version
FROM subscriptions WHERE tenant_id = $1::uuid AND id = $2::uuid FOR UPDATE;
