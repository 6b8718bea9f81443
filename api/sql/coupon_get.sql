-- One coupon. $1 id. Result: the JSON, version.
SELECT resource, version FROM coupon_resource WHERE tenant_id = current_tenant() AND id = $1::uuid;
