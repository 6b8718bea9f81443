-- Account credit that is given by hand. $1 tenant, $2 id, $3 customer, $4 currency, $5 amount, $6 reason, $7 when it expires, $8 now.
INSERT INTO credit_grants (tenant_id, id, customer_id, currency, amount_minor, remaining_minor, source, reason, expires_at,
                           granted_at)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4, $5::bigint, $5::bigint, 'grant', $6, $7::timestamptz, $8::timestamptz);
