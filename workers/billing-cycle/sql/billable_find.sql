-- One subscription, its customer being locked. $1 tenant, $2 id. Result: the columns of the view subscription_billing.
SELECT * FROM subscription_billing WHERE tenant_id = $1::uuid AND id = $2::uuid;
