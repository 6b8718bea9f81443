-- Ledger entries. Arrays: $1 tenants, $2 documents, $3 facts, $4 lines, $5 accounts, $6 currencies, $7 amounts,
-- $8 customers; $9 now.
INSERT INTO ledger_entries (tenant_id, document_id, fact, line, account, currency, amount_minor, customer_id, posted_at)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::text[]), unnest($4::smallint[]), unnest($5::text[]),
       unnest($6::text[]), unnest($7::bigint[]), unnest($8::uuid[]), $9::timestamptz;
