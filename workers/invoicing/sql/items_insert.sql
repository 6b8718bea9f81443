-- Lines of invoices. Arrays: $1 tenants, $2 invoices, $3 line numbers, $4 ids, $5 kinds, $6 subscriptions, $7 items,
-- $8 period indexes, $9 revisions, $10 descriptions, $11 quantities, $12 unit prices, $13 amounts, $14 and $15 periods,
-- $16 provenances (JSON), $17 components.
INSERT INTO invoice_items (tenant_id, invoice_id, line, id, kind, subscription_id, item, period_index, revision, description,
                           quantity, unit_price, amount_minor, period_start, period_end, provenance, component)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::uuid[], $5::text[], $6::uuid[], $7::smallint[], $8::bigint[],
                     $9::integer[], $10::text[], $11::numeric[], $12::numeric[], $13::bigint[], $14::timestamptz[],
                     $15::timestamptz[], $16::jsonb[], $17::text[]);
