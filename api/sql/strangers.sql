-- A tenant that the transaction, which named none, sees all the same. Result: must be empty, or the role may see too much.
SELECT id FROM tenants LIMIT 1;
