-- One whose tenant nobody knows: no command can name it. $1 id, $2 by whom.
UPDATE dead_letters SET status = 'dropped', resolved_by = $2::text, resolved_at = now(), version = version + 1
WHERE id = $1::uuid AND tenant_id = '00000000-0000-0000-0000-000000000000' AND status = 'dead';
