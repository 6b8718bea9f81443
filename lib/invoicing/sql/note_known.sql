-- Whether there is such a credit note. $1 tenant, $2 id.
SELECT EXISTS (SELECT FROM credit_notes WHERE tenant_id = $1::uuid AND id = $2::uuid);
