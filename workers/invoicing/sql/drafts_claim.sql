-- Drafts whose time has come (BILL-071), locked for this transaction; what others hold is theirs, what is set aside waits.
-- $1 now, $2 at most so many, $3 by which clock. Result: tenant id, id.
SELECT v.tenant_id, v.id FROM invoices v JOIN customers c ON c.tenant_id = v.tenant_id AND c.id = v.customer_id
WHERE v.status = 'draft' AND v.auto_finalise_at <= $1::timestamptz AND (v.retry_at IS NULL OR v.retry_at <= $1::timestamptz)
  AND COALESCE(c.test_clock_id, real_time()) = $3::uuid
ORDER BY v.auto_finalise_at, v.created_at, v.period_start LIMIT $2::bigint FOR UPDATE OF v SKIP LOCKED;
