-- Holds the fixed coupons of the subscriptions on an invoice, so that what is left of one in a period is given once. $1 tenant, $2 invoice.
SELECT 1 FROM subscription_coupons s
WHERE s.tenant_id = $1::uuid
  AND s.subscription_id IN (SELECT i.subscription_id FROM invoice_items i WHERE i.tenant_id = $1::uuid AND i.invoice_id = $2::uuid)
  AND EXISTS (SELECT FROM coupons c WHERE c.tenant_id = s.tenant_id AND c.id = s.coupon_id AND c.amount_off_minor IS NOT NULL)
ORDER BY s.subscription_id, s.position FOR UPDATE OF s;
