-- Lines of invoices. Arrays: $1 tenants, $2 invoices, $3 line numbers, $4 ids, $5 kinds, $6 subscriptions (NULL: by hand),
-- $7 items, $8 components, $9 period indexes, $10 revisions, $11 descriptions, $12 quantities, $13 unit prices, $14 amounts,
-- $15 discounts, $16 tax rates, $17 taxes, $18 and $19 listed amounts and discounts (NULL: the same), $20 tax codes,
-- $21 tax categories, $22 inclusive, $23 plans, $24 shares of coupons (JSON), $25 lines taken back, $26 and $27 periods,
-- $28 provenances (JSON), $29 names of the lines taken back (JSON), $30 the tenant's tax rates (NULL: none applies).
INSERT INTO invoice_items (tenant_id, invoice_id, line, id, kind, subscription_id, item, component, period_index, revision,
                           description, quantity, unit_price, amount_minor, discount_minor, tax_rate, tax_minor,
                           listed_minor, listed_discount_minor, tax_code, tax_category, tax_inclusive, plan_id, discounts,
                           credits_item_id, period_start, period_end, provenance, credits, tax_rate_id)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::uuid[], $5::text[], $6::uuid[], $7::smallint[], $8::text[],
                     $9::bigint[], $10::integer[], $11::text[], $12::numeric[], $13::numeric[], $14::bigint[], $15::bigint[],
                     $16::numeric[], $17::bigint[], $18::bigint[], $19::bigint[], $20::text[], $21::text[], $22::boolean[],
                     $23::uuid[], $24::json[], $25::uuid[], $26::timestamptz[], $27::timestamptz[], $28::json[], $29::jsonb[],
                     $30::uuid[]);
