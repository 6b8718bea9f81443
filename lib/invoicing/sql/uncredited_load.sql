-- What of credits was decided and could not be given (lib/invoicing/landing.h), in periods of subscriptions. Arrays: $1 tenants,
-- $2 subscriptions, $3 periods, $4 revisions, of which only later ones count; $5 invoices whose lines do not count. Result: place (from
-- 0), minor units.
SELECT w.place - 1, sum((i.provenance ->> 'uncreditedMinor')::bigint)::bigint
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS w (tenant_id, subscription_id, period_index, revision, place)
CROSS JOIN LATERAL (
  SELECT x.provenance FROM invoice_items x
  WHERE x.tenant_id = w.tenant_id AND x.subscription_id = w.subscription_id AND x.period_index = w.period_index AND x.kind = 'credit'
    AND x.revision > w.revision AND x.invoice_id <> ALL ($5::uuid[]) OFFSET 0) i
WHERE i.provenance ->> 'uncreditedMinor' IS NOT NULL
GROUP BY w.place;
