-- One dead letter. $1 id. Result: its JSON, headers, value as text where it is text.
SELECT resource, headers, CASE WHEN octet_length(value) <= 65536 THEN encode(value, 'escape') ELSE 'too long to show' END
FROM dead_letter_resource JOIN dead_letters USING (tenant_id, id) WHERE id = $1::uuid;
