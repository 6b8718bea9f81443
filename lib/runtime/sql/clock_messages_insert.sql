-- Messages that a test clock waits for: one row for each group that reads the topic. $1 uuid[] tenants, $2 uuid[] clocks,
-- $3 text[] topics, $4 uuid[] ids.
INSERT INTO test_clock_messages (tenant_id, test_clock_id, consumer_group, message_id)
SELECT DISTINCT m.tenant_id, m.clock_id, o.consumer_group, m.id
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[]) AS m (tenant_id, clock_id, topic, id)
JOIN (SELECT DISTINCT consumer_group, topic FROM consumer_offsets) o ON o.topic = m.topic
ON CONFLICT DO NOTHING;
