-- For the metrics. Result: messages waiting, age of the oldest in seconds.
SELECT COALESCE(sum(message_count), 0)::bigint,
       COALESCE(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::bigint
FROM outbox;
