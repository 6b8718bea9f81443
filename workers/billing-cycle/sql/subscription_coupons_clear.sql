-- Coupons cover no period from the next one on. $1 tenant, $2 subscription.
WITH reach AS (
  SELECT c.tenant_id, c.subscription_id, c.position, s.next_period_index - c.from_period_index AS covered
  FROM subscription_coupons c
  JOIN subscriptions s ON s.tenant_id = c.tenant_id AND s.id = c.subscription_id
  WHERE c.tenant_id = $1::uuid AND c.subscription_id = $2::uuid
), unused AS (
  DELETE FROM subscription_coupons c USING reach r
  WHERE c.tenant_id = r.tenant_id AND c.subscription_id = r.subscription_id AND c.position = r.position AND r.covered < 1
)
UPDATE subscription_coupons c SET periods = least(c.periods, r.covered) FROM reach r
WHERE c.tenant_id = r.tenant_id AND c.subscription_id = r.subscription_id AND c.position = r.position AND r.covered >= 1;
