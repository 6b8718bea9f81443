-- Messages that this group has done. $1 group, $2 uuid[] tenants, $3 uuid[] ids.
DELETE FROM test_clock_messages t
USING unnest($2::uuid[], $3::uuid[]) AS m (tenant_id, id)
WHERE t.tenant_id = m.tenant_id AND t.consumer_group = $1 AND t.message_id = m.id;
