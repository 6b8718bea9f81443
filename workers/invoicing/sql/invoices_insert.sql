-- Invoices, drafts and finalised ones. Terms and the particulars that a document keeps are those of this moment. Arrays: $1
-- tenants, $2 ids, $3 customers, $4 subscriptions (NULL: several or none), $5 runs (NULL: none), $6 series and $7 numbers (NULL: a
-- draft), $8 statuses, $9 currencies, $10 subtotals, $11 discounts, $12 taxes, $13 totals, $14 credit applied, $15 tax roundings, $16
-- collections, $17 and $18 periods, $19 issue dates, $20 due dates that were asked for, $21 when a task finalises them, $22
-- notes, $23 creation times (NULL: now), $24 versions; $25 now. Result: id, due date.
INSERT INTO invoices (tenant_id, id, customer_id, subscription_id, run_id, series, number, status, currency, subtotal_minor,
                      discount_minor, tax_minor, total_minor, credit_applied_minor, tax_rounding, collection, period_start,
                      period_end, issue_date, due_date, asked_due_date, auto_finalise_at, notes, bill_to, seller,
                      finalised_at, finalised_xact, paid_at, created_at, updated_at, version)
SELECT i.tenant_id, i.id, i.customer_id, i.subscription_id, i.run_id, i.series, i.number, i.status, i.currency, i.subtotal,
       i.discount, i.tax, i.total, i.applied, i.tax_rounding, i.collection, i.period_start, i.period_end, i.issue_date,
       greatest(COALESCE(i.asked_due_date, i.issue_date + c.net_terms_days), i.issue_date), i.asked_due_date,
       i.auto_finalise_at, i.notes,
       c.bill_to, t.seller, CASE WHEN i.status <> 'draft' THEN $25::timestamptz END,
       CASE WHEN i.status <> 'draft' THEN pg_current_xact_id() END, CASE WHEN i.status = 'paid' THEN $25::timestamptz END,
       COALESCE(i.created_at, $25::timestamptz), $25::timestamptz, i.version
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::bigint[], $8::text[], $9::text[],
            $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::text[], $16::text[],
            $17::timestamptz[], $18::timestamptz[], $19::date[], $20::date[], $21::timestamptz[], $22::text[],
            $23::timestamptz[], $24::bigint[])
  AS i (tenant_id, id, customer_id, subscription_id, run_id, series, number, status, currency, subtotal, discount, tax, total,
        applied, tax_rounding, collection, period_start, period_end, issue_date, asked_due_date, auto_finalise_at, notes,
        created_at, version)
JOIN customers c ON c.tenant_id = i.tenant_id AND c.id = i.customer_id
JOIN tenants t ON t.id = i.tenant_id
RETURNING id, due_date;
