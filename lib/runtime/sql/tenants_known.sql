-- Which of these tenants exist. $1 uuid[]. Result: id.
SELECT id FROM tenants WHERE id = ANY ($1::uuid[]);
