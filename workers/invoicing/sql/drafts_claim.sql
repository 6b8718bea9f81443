-- Drafts whose time has come (BILL-071), locked for this transaction; what others hold is theirs. $1 now, $2 at most so many.
-- Result: tenant id, id.
SELECT tenant_id, id FROM invoices
WHERE status = 'draft' AND auto_finalise_at <= $1::timestamptz
ORDER BY auto_finalise_at LIMIT $2::bigint FOR UPDATE SKIP LOCKED;
