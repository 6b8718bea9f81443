-- The account credit that an invoice used is there again as it was, as old and until the same day: if that has passed, the task
-- ends it, which it has not yet, for an invoice that is still owed has used all of each. $1 tenant, $2 invoice.
UPDATE credit_grants g SET remaining_minor = g.remaining_minor + u.amount_minor
FROM credit_uses u
WHERE u.tenant_id = $1::uuid AND u.invoice_id = $2::uuid AND g.tenant_id = u.tenant_id AND g.id = u.grant_id;
