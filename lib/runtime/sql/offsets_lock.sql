-- Locks the batch's rows: whoever holds them may write, and knows what is done. $1 group, $2 text[] topics, $3 int[] partitions.
-- Result: topic, partition, next_offset; in a fixed order, so that two workers never wait for each other.
SELECT o.topic, o.partition, o.next_offset
FROM consumer_offsets o
WHERE o.consumer_group = $1 AND (o.topic, o.partition) IN (SELECT * FROM unnest($2::text[], $3::integer[]))
ORDER BY o.topic, o.partition FOR UPDATE;
