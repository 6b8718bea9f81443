-- Which of these tenants exist. $1 uuid[]. Result: id, whether it is in test mode.
SELECT id, mode = 'test' FROM tenants WHERE id = ANY ($1::uuid[]);
