-- A test clock goes, its customers with it, and their subscriptions end where it stood. $1 tenant, $2 id, $3 now.
WITH clock AS (
  UPDATE test_clocks SET deleted_at = $3::timestamptz, updated_at = $3::timestamptz, version = version + 1
  WHERE tenant_id = $1::uuid AND id = $2::uuid
  RETURNING tenant_id, id, frozen_at
), gone AS (
  UPDATE customers c SET deleted_at = COALESCE(c.deleted_at, $3::timestamptz), updated_at = $3::timestamptz, version = c.version + 1
  FROM clock k WHERE c.tenant_id = k.tenant_id AND c.test_clock_id = k.id
  RETURNING c.tenant_id, c.id, k.frozen_at
), ended AS (
  UPDATE subscriptions s
  SET status = 'cancelled', cancelled_at = g.frozen_at, cancel_reason = 'the test clock was deleted', next_billing_at = NULL,
      incomplete_until = NULL, updated_at = $3::timestamptz, version = s.version + 1
  FROM gone g WHERE s.tenant_id = g.tenant_id AND s.customer_id = g.id AND s.status NOT IN ('cancelled', 'expired')
)
UPDATE customer_billing b SET next_billing_at = NULL
FROM gone g WHERE b.tenant_id = g.tenant_id AND b.customer_id = g.id;
