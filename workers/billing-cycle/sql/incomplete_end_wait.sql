-- A subscription that waits for its first payment has waited long enough: its invoice will never be. One that was given up so before
-- stays as it is. $1 tenant, $2 subscription.
UPDATE subscriptions s SET incomplete_until = '-infinity'
WHERE s.tenant_id = $1::uuid AND s.id = $2::uuid AND s.incomplete_until <> 'infinity'
  AND NOT EXISTS (SELECT FROM invoice_items i WHERE i.tenant_id = s.tenant_id AND i.subscription_id = s.id);
