-- What stands in the way of deleting a customer: subscriptions that are not over, invoices that are not settled; a few of
-- each by id. $1 tenant, $2 customer. Result: subscriptions, invoices, both as JSON.
WITH living AS (
  SELECT id FROM subscriptions
  WHERE tenant_id = $1::uuid AND customer_id = $2::uuid AND status NOT IN ('cancelled', 'expired')
), unsettled AS (
  SELECT id FROM invoices WHERE tenant_id = $1::uuid AND customer_id = $2::uuid AND status IN ('draft', 'open')
), ties AS (
  SELECT (SELECT count(*) FROM living) AS subscriptions, (SELECT count(*) FROM unsettled) AS invoices
)
SELECT subscriptions, invoices, json_build_object(
  'subscriptions', json_build_object('count', subscriptions, 'ids', ARRAY(SELECT id FROM living ORDER BY id LIMIT 5)),
  'invoices', json_build_object('count', invoices, 'ids', ARRAY(SELECT id FROM unsettled ORDER BY id LIMIT 5)))
FROM ties;
