-- What of credits was decided and could not be given (lib/invoicing/landing.h), in periods of subscriptions. Arrays: $1 tenants,
-- $2 subscriptions, $3 periods, $4 revisions, of which only later ones count, $5 the last that counts; $6 invoices whose lines do not
-- count. Result: place (from 0), money.
SELECT w.place - 1, sum((i.provenance ->> 'uncredited')::numeric)
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[])
  WITH ORDINALITY AS w (tenant_id, subscription_id, period_index, after, last, place)
CROSS JOIN LATERAL (
  SELECT x.provenance FROM invoice_items x
  WHERE x.tenant_id = w.tenant_id AND x.subscription_id = w.subscription_id AND x.period_index = w.period_index AND x.kind = 'credit'
    AND x.revision > w.after AND x.revision <= w.last AND x.invoice_id <> ALL ($6::uuid[]) OFFSET 0) i
WHERE i.provenance ->> 'uncredited' IS NOT NULL
GROUP BY w.place;
