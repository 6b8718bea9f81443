-- Ledger entries. Arrays: $1 tenants, $2 documents, $3 facts, $4 lines, $5 accounts, $6 currencies, $7 amounts,
-- $8 customers; $9 now.
INSERT INTO ledger_entries (tenant_id, document_id, fact, line, account, currency, amount_minor, customer_id, posted_at)
SELECT e.*, $9::timestamptz
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::smallint[], $5::text[], $6::text[], $7::bigint[], $8::uuid[]) AS e;
