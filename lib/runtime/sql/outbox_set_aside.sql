-- A row that cannot be read is looked at again in an hour, and stops no other. $1 id.
UPDATE outbox SET created_at = clock_timestamp() + interval '1 hour' WHERE id = $1::uuid;
