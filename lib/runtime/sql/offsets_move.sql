-- Moves the locked rows on. $1 group, $2 text[] topics, $3 int[] partitions, $4 bigint[] next offsets, $5 bigint[] messages
-- processed, $6 bigint[] dead letters among them. Never back: who skipped everything as done knows less than the row.
UPDATE consumer_offsets o
SET next_offset = greatest(o.next_offset, m.next_offset), processed = o.processed + m.processed, dead = o.dead + m.dead, updated_at = now()
FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::bigint[], $6::bigint[])
  AS m (topic, partition, next_offset, processed, dead)
WHERE o.consumer_group = $1 AND o.topic = m.topic AND o.partition = m.partition;
