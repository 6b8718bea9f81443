-- Finalised invoices. Terms and the particulars that a document keeps are the customer's at this moment. Arrays: $1 tenants,
-- $2 ids, $3 customers, $4 subscriptions (NULL: several), $5 runs (NULL: none), $6 series, $7 numbers, $8 statuses,
-- $9 currencies, $10 subtotals, $11 totals, $12 collections, $13 and $14 periods, $15 issue dates; $16 now.
-- Result: id, due date.
INSERT INTO invoices (tenant_id, id, customer_id, subscription_id, run_id, series, number, status, currency, subtotal_minor,
                      total_minor, collection, period_start, period_end, issue_date, due_date, bill_to, finalised_at,
                      finalised_xact, paid_at, created_at, updated_at)
SELECT i.tenant_id, i.id, i.customer_id, i.subscription_id, i.run_id, i.series, i.number, i.status, i.currency, i.subtotal,
       i.total, i.collection, i.period_start, i.period_end, i.issue_date, i.issue_date + c.net_terms_days,
       jsonb_build_object('name', c.name, 'email', c.email, 'address', COALESCE(c.billing_address, c.address),
                          'taxIds', c.tax_ids, 'locale', c.locale),
       $16::timestamptz, pg_current_xact_id(), CASE WHEN i.status = 'paid' THEN $16::timestamptz END,
       $16::timestamptz, $16::timestamptz
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::bigint[], $8::text[], $9::text[],
            $10::bigint[], $11::bigint[], $12::text[], $13::timestamptz[], $14::timestamptz[], $15::date[])
  AS i (tenant_id, id, customer_id, subscription_id, run_id, series, number, status, currency, subtotal, total, collection,
        period_start, period_end, issue_date)
JOIN customers c ON c.tenant_id = i.tenant_id AND c.id = i.customer_id
RETURNING id, due_date;
