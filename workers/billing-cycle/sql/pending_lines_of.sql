-- What waits for the next invoices of these subscriptions. $1 tenant, $2 uuid[] subscriptions. Result: subscription id, line (JSON),
-- in the order in which they were kept.
SELECT subscription_id, line FROM pending_lines WHERE tenant_id = $1::uuid AND subscription_id = ANY ($2::uuid[]) ORDER BY id;
