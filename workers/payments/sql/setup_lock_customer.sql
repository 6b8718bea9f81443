-- Held against payments that are being made (see open.c). $1 tenant, $2 customer
SELECT 1 FROM customers WHERE tenant_id = $1::uuid AND id = $2::uuid FOR NO KEY UPDATE
