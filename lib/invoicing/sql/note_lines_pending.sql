-- What credits that wait for their invoice will take back of an invoice's lines. $1 tenant, $2 invoice. Result: line, listed amount
-- (a decimal of the currency, below zero).
SELECT line, amount FROM pending_credits WHERE tenant_id = $1::uuid AND invoice_id = $2::uuid;
