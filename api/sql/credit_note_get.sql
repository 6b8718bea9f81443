-- One credit note. $1 id. Result: the JSON; no version: it never changes.
SELECT resource FROM credit_note_resource WHERE tenant_id = current_tenant() AND id = $1::uuid;
