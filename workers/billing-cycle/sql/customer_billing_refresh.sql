-- When each of these customers is due next: with its earliest subscription. $1 tenant, $2 uuid[] customers.
UPDATE customer_billing b SET next_billing_at = (
  SELECT min(s.next_billing_at) FROM subscriptions s
  WHERE s.tenant_id = b.tenant_id AND s.customer_id = b.customer_id)
WHERE b.tenant_id = $1::uuid AND b.customer_id = ANY ($2::uuid[]);
