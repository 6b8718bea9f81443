-- Account credit that an invoice used is there again as it was, as old and until the same day; what has ended stays so. $1 tenant,
-- $2 invoice; arrays: $3 grants, $4 how much, $5 is it over.
WITH back AS (SELECT * FROM unnest($3::uuid[], $4::bigint[], $5::boolean[]) AS b (grant_id, minor, is_over)),
noted AS (
  UPDATE credit_uses u SET returned_minor = u.returned_minor + b.minor FROM back b
  WHERE u.tenant_id = $1::uuid AND u.invoice_id = $2::uuid AND u.grant_id = b.grant_id
)
UPDATE credit_grants g SET remaining_minor = g.remaining_minor + b.minor FROM back b
WHERE g.tenant_id = $1::uuid AND g.id = b.grant_id AND NOT b.is_over;
