-- Which members of a customer's resource differ from an earlier one. $1 tenant, $2 id, $3 the earlier resource (JSON).
-- Result: JSON array of names.
SELECT json_agg(new.key ORDER BY new.key)
FROM customer_resource r, jsonb_each(r.resource::jsonb) new JOIN jsonb_each($3::jsonb) old USING (key)
WHERE r.tenant_id = $1::uuid AND r.id = $2::uuid AND new.value IS DISTINCT FROM old.value AND key NOT IN ('updatedAt', 'version');
