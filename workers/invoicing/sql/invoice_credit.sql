-- A locked invoice gets a credit note. $1 tenant, $2 invoice, $3 total of the note, $4 is it paid now, $5 now.
UPDATE invoices SET amount_credited_minor = amount_credited_minor + $3::bigint,
  status = CASE WHEN $4::boolean THEN 'paid' ELSE status END,
  paid_at = CASE WHEN $4::boolean THEN $5::timestamptz ELSE paid_at END,
  updated_at = $5::timestamptz, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid;
