-- Rows whose every message the broker has acknowledged. $1 uuid[] ids.
DELETE FROM outbox WHERE id = ANY ($1::uuid[]);
