-- The first invoice of what never began is being withdrawn. $1 tenant, $2 subscription.
UPDATE subscriptions SET incomplete_until = NULL WHERE tenant_id = $1::uuid AND id = $2::uuid;
