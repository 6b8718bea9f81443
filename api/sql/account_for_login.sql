-- The account behind an e-mail address, in whichever tenant. $1 e-mail.
-- Result: tenant_id, user_id, password_hash, role, user_status, tenant_status, verified; no row when there is none.
SELECT tenant_id, user_id, password_hash, role, user_status, tenant_status, verified FROM account_for_login($1);
