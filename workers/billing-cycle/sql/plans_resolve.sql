-- Plans by their ids or codes. $1 tenant, $2 text[]. Result in that order: plan id or NULL.
SELECT p.id FROM unnest($2::text[]) WITH ORDINALITY AS w (name, place)
LEFT JOIN plans p ON p.tenant_id = $1::uuid AND (p.id::text = lower(w.name) OR p.code = w.name)
ORDER BY w.place;
