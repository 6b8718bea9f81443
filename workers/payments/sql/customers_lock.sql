-- Holds the customers of invoices, together with those who share their shards, against a payment method that is being set up
-- (see open.c). Locked rows would be written rows. $1 tenants, $2 invoices (arrays)
SELECT pg_advisory_xact_lock_shared(shard)
FROM (SELECT DISTINCT payment_shard(v.tenant_id, v.customer_id) AS shard
      FROM unnest($1::uuid[], $2::uuid[]) AS wanted(tenant_id, invoice_id)
      JOIN invoices v ON v.tenant_id = wanted.tenant_id AND v.id = wanted.invoice_id
      ORDER BY shard) held
