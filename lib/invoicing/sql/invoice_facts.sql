-- Where an invoice stands. $1 tenant, $2 invoice. Result: status, customer, currency, subtotal, discount, tax, total, credit applied,
-- credited, paid, version, number, subscription.
SELECT status, customer_id, currency, subtotal_minor, discount_minor, tax_minor, total_minor, credit_applied_minor,
       amount_credited_minor, amount_paid_minor, version, invoice_number, subscription_id
FROM invoices WHERE tenant_id = $1::uuid AND id = $2::uuid;
