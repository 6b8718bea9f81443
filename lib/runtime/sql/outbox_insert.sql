-- Rows of the outbox. $1 uuid[] ids, $2 int[] message counts, $3 bytea[] packed messages.
INSERT INTO outbox (id, message_count, messages)
SELECT * FROM unnest($1::uuid[], $2::integer[], $3::bytea[]);
