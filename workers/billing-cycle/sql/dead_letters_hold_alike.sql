-- The letters of the same invoice.create as one letter, itself among them (none: it is of something else), locked by their ids: who
-- drops two of them at once waits for the other. $1 tenant, $2 id. Result: id, status, message id, the invoice's id.
SELECT d.id, d.status, d.message_id, d.headers ->> 'ce_subject' FROM dead_letters d
WHERE d.tenant_id = $1::uuid AND d.message_type = 'invoice.create' AND d.headers ->> 'ce_subject' = (
  SELECT o.headers ->> 'ce_subject' FROM dead_letters o
  WHERE o.tenant_id = $1::uuid AND o.id = $2::uuid AND o.message_type = 'invoice.create')
ORDER BY d.id FOR UPDATE OF d;
