-- A row of the outbox. $1 id. Result: how many messages, the messages.
SELECT message_count, messages FROM outbox WHERE id = $1::uuid;
