-- What credits that wait for their invoice will take back of an invoice's lines. $1 tenant, $2 invoice. Result: line, listed amount
-- (a decimal of the currency, below zero).
SELECT o.line, p.line ->> 'amount'
FROM (SELECT DISTINCT subscription_id FROM invoice_items
      WHERE tenant_id = $1::uuid AND invoice_id = $2::uuid AND subscription_id IS NOT NULL OFFSET 0) AS s
CROSS JOIN LATERAL (SELECT x.line FROM pending_lines x
                    WHERE x.tenant_id = $1::uuid AND x.subscription_id = s.subscription_id AND x.line ? 'credits' OFFSET 0) AS p
CROSS JOIN LATERAL taken_back($1::uuid, s.subscription_id, p.line -> 'credits') AS o
WHERE o.invoice_id = $2::uuid;
