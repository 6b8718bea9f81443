-- To whom and about what: the customers, sellers, invoices and cards of a batch of events, in its order.
-- $1 uuid[] tenants, $2 uuid[] customers, $3 uuid[] invoices, $4 uuid[] payment methods (NULL: none)
-- One row for each element; customer_name NULL: no such customer, invoice_number NULL: no such invoice.
SELECT c.name AS customer_name, c.email, c.locale, c.time_zone, c.deleted_at IS NOT NULL AS deleted,
       COALESCE(NULLIF(t.seller ->> 'name', ''), t.name) AS seller_name, t.seller ->> 'email' AS seller_email,
       v.invoice_number, m.brand, m.last4
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[])
     WITH ORDINALITY AS asked (tenant_id, customer_id, invoice_id, payment_method_id, place)
LEFT JOIN tenants t ON t.id = asked.tenant_id
LEFT JOIN customers c ON c.tenant_id = asked.tenant_id AND c.id = asked.customer_id
LEFT JOIN invoices v ON v.tenant_id = asked.tenant_id AND v.id = asked.invoice_id
LEFT JOIN payment_methods m ON m.tenant_id = asked.tenant_id AND m.id = asked.payment_method_id
ORDER BY asked.place;
