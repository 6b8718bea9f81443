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
FROM (SELECT unnest($1::uuid[]) AS tenant_id, unnest($2::uuid[]) AS id, unnest($3::uuid[]) AS customer_id,
             unnest($4::uuid[]) AS subscription_id, unnest($5::uuid[]) AS run_id, unnest($6::text[]) AS series,
             unnest($7::bigint[]) AS number, unnest($8::text[]) AS status, unnest($9::text[]) AS currency,
             unnest($10::bigint[]) AS subtotal, unnest($11::bigint[]) AS discount, unnest($12::bigint[]) AS tax,
             unnest($13::bigint[]) AS total, unnest($14::bigint[]) AS applied, unnest($15::text[]) AS tax_rounding,
             unnest($16::text[]) AS collection, unnest($17::timestamptz[]) AS period_start,
             unnest($18::timestamptz[]) AS period_end, unnest($19::date[]) AS issue_date,
             unnest($20::date[]) AS asked_due_date, unnest($21::timestamptz[]) AS auto_finalise_at,
             unnest($22::text[]) AS notes, unnest($23::timestamptz[]) AS created_at, unnest($24::bigint[]) AS version) AS i
JOIN customers c ON c.tenant_id = i.tenant_id AND c.id = i.customer_id
JOIN tenants t ON t.id = i.tenant_id
RETURNING id, due_date;
