-- Account credit: new grants, and what is left of those that were used. Arrays: $1 tenants, $2 ids, $3 customers, $4 currencies,
-- $5 amounts, $6 remaining, $7 sources, $8 documents, $9 refundable; $10 now.
INSERT INTO credit_grants AS g (tenant_id, id, customer_id, currency, amount_minor, remaining_minor, source, document_id,
                                is_refundable, granted_at)
SELECT n.*, $10::timestamptz
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::uuid[], $9::boolean[]) AS n
ON CONFLICT (tenant_id, id) DO UPDATE SET remaining_minor = excluded.remaining_minor;
