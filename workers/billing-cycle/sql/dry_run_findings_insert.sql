-- What a slice of a dry run came to. $1 tenant, $2 run; arrays: $3 subscriptions (several rows of one are added up),
-- $4 customers, $5 plans, $6 currencies, $7 periods, $8 subtotals, $9 discounts, $10 taxes, $11 reason codes, $12 reasons.
INSERT INTO billing_run_findings AS f (tenant_id, run_id, subscription_id, customer_id, plan_code, currency, periods,
                                       subtotal_minor, discount_minor, tax_minor, reason_code, reason)
SELECT $1::uuid, $2::uuid, subscription_id, min(customer_id::text)::uuid, min(plan_code), min(currency), sum(periods), sum(subtotal),
       sum(discount), sum(tax), min(reason_code), min(reason)
FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[],
            $12::text[])
  AS n (subscription_id, customer_id, plan_code, currency, periods, subtotal, discount, tax, reason_code, reason)
GROUP BY subscription_id
ON CONFLICT (tenant_id, run_id, subscription_id) DO UPDATE
SET periods = f.periods + excluded.periods, subtotal_minor = f.subtotal_minor + excluded.subtotal_minor,
    discount_minor = f.discount_minor + excluded.discount_minor, tax_minor = f.tax_minor + excluded.tax_minor,
    reason_code = COALESCE(f.reason_code, excluded.reason_code), reason = COALESCE(f.reason, excluded.reason);
