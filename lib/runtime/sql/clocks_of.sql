-- On which test clocks the customers live whom messages are about. $1 integer[] places of the messages, $2 uuid[] tenants,
-- $3 uuid[] ids that they name, several of one message perhaps. Result: tenant, clock, its time, place.
SELECT DISTINCT ON (m.place) k.tenant_id, k.id, k.frozen_at, m.place
FROM unnest($1::integer[], $2::uuid[], $3::uuid[]) AS m (place, tenant_id, id)
JOIN customer_of o ON o.tenant_id = m.tenant_id AND o.id = m.id
JOIN customers c ON c.tenant_id = o.tenant_id AND c.id = o.customer_id
JOIN test_clocks k ON k.tenant_id = c.tenant_id AND k.id = c.test_clock_id
ORDER BY m.place;
