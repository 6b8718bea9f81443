-- Where a subscription stands after a command about its life. $1 tenant, $2 id, $3 status, $4 plan, $5 plan version,
-- $6 quantity of item 0, $7 interval unit, $8 interval count, $9 anchor, $10 anchor day, $11 anchor index, $12 next period
-- index, $13 next billing at (NULL: none), $14 and $15 current period, $16 charges (JSON), $17 cuts, $18 charged since
-- arrears were billed last, $19 arrears from, $20 the boundary at which it ends, $21 cancelled at, $22 reason (NULL: as
-- before), $23 suspended at, $24 version, $25 time zone, $26 next time zone, $27 now, $28 periods that were renewed early (JSON), $29 the
-- version in which service stopped last. What is cancelled while it waits for its first payment has an invoice that is to be withdrawn.
UPDATE subscriptions
SET status = $3, plan_id = $4::uuid, plan_version = $5::integer, quantity = $6::numeric, interval_unit = $7,
    interval_count = $8::integer, anchor_date = $9::date, anchor_day = $10::integer, anchor_index = $11::bigint,
    next_period_index = $12::bigint, next_billing_at = $13::timestamptz, current_period_start = $14::timestamptz,
    current_period_end = $15::timestamptz, charges = $16::json, charge_cuts = $17::timestamptz[],
    charged_minor = $18::bigint, arrears_from = $19::date, cancel_at_period_end = $20::timestamptz IS NOT NULL,
    cancel_at = $20::timestamptz, cancelled_at = $21::timestamptz, cancel_reason = COALESCE($22, cancel_reason),
    suspended_at = $23::timestamptz, version = $24::bigint, time_zone = $25, next_time_zone = $26, renewed_periods = $28::jsonb,
    settled_version = $29::bigint,
    next_time_zone_at = CASE WHEN $26::text IS NOT NULL THEN next_time_zone_at END,
    incomplete_until = CASE WHEN status = 'incomplete' AND $3 IN ('incomplete', 'cancelled') THEN incomplete_until END, updated_at = $27::timestamptz
WHERE tenant_id = $1::uuid AND id = $2::uuid;
