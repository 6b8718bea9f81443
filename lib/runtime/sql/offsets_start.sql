-- Where a worker begins on partitions that it has been assigned; rows that are missing are made. Another cluster counts its
-- offsets anew. $1 group, $2 cluster id, $3 text[] topics, $4 int[] partitions. Result: topic, partition, next_offset.
INSERT INTO consumer_offsets AS o (consumer_group, topic, partition, next_offset, cluster_id)
SELECT $1, topic, partition, 0, $2 FROM unnest($3::text[], $4::integer[]) AS p (topic, partition)
ORDER BY topic, partition
ON CONFLICT (consumer_group, topic, partition) DO UPDATE
SET next_offset = CASE WHEN o.cluster_id = $2 THEN o.next_offset ELSE 0 END, cluster_id = $2
RETURNING topic, partition, next_offset;
