-- Which plan is meant. $1 id or code. Result: its id.
SELECT id FROM plans
WHERE tenant_id = current_tenant()
  AND id = COALESCE((SELECT id FROM plans WHERE tenant_id = current_tenant() AND code = $1),
                    CASE WHEN $1 ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN $1::uuid END);
