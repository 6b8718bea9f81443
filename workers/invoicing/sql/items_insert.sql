-- Lines of invoices. Arrays: $1 tenants, $2 invoices, $3 line numbers, $4 ids, $5 kinds, $6 subscriptions (NULL: by hand),
-- $7 items, $8 components, $9 period indexes, $10 revisions, $11 descriptions, $12 quantities, $13 unit prices, $14 amounts,
-- $15 discounts, $16 tax rates, $17 taxes, $18 and $19 listed amounts and discounts (NULL: the same), $20 tax codes,
-- $21 tax categories, $22 inclusive, $23 plans, $24 shares of coupons (JSON), $25 lines taken back, $26 and $27 periods,
-- $28 provenances (JSON), $29 names of the lines taken back (JSON), $30 the tenant's tax rates (NULL: none applies).
INSERT INTO invoice_items (tenant_id, invoice_id, line, id, kind, subscription_id, item, component, period_index, revision,
                           description, quantity, unit_price, amount_minor, discount_minor, tax_rate, tax_minor,
                           listed_minor, listed_discount_minor, tax_code, tax_category, tax_inclusive, plan_id, discounts,
                           credits_item_id, period_start, period_end, provenance, credits, tax_rate_id)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::integer[]), unnest($4::uuid[]), unnest($5::text[]),
       unnest($6::uuid[]), unnest($7::smallint[]), unnest($8::text[]), unnest($9::bigint[]), unnest($10::integer[]),
       unnest($11::text[]), unnest($12::numeric[]), unnest($13::numeric[]), unnest($14::bigint[]), unnest($15::bigint[]),
       unnest($16::numeric[]), unnest($17::bigint[]), unnest($18::bigint[]), unnest($19::bigint[]), unnest($20::text[]),
       unnest($21::text[]), unnest($22::boolean[]), unnest($23::uuid[]), unnest($24::json[]), unnest($25::uuid[]),
       unnest($26::timestamptz[]), unnest($27::timestamptz[]), unnest($28::json[]), unnest($29::jsonb[]),
       unnest($30::uuid[]);
