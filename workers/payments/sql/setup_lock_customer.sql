-- Held against payments that are being made (see open.c). $1 tenant, $2 customer
SELECT pg_advisory_xact_lock(payment_shard($1::uuid, $2::uuid))
