-- Locks the tenant's settings. $1 versions that will do (NULL: any), $2 series that invoices are to have, $3 that credit notes are
-- to have, $4 time zone (NULL each: as it is). Result: is the version one of them, does $2 number credit notes, or $3
-- invoices, by now or before, is the zone known.
SELECT $1::text IS NULL OR t.version::text = ANY (string_to_array($1::text, ',')),
       w.invoices = w.notes
         OR w.invoices <> t.invoice_series AND EXISTS (SELECT FROM credit_notes n WHERE n.tenant_id = t.id AND n.series = w.invoices),
       w.notes <> t.credit_note_series AND EXISTS (SELECT FROM invoices i WHERE i.tenant_id = t.id AND i.series = w.notes),
       $4::text IS NULL OR zone_is_known($4::text)
FROM tenants t
CROSS JOIN LATERAL (SELECT COALESCE($2::text, t.invoice_series) AS invoices, COALESCE($3::text, t.credit_note_series) AS notes) w
WHERE t.id = current_tenant() FOR NO KEY UPDATE OF t;
