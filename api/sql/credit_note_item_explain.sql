-- A line of a credit note. $1 note, $2 the invoice's line. Result: currency, which line of the invoice it is (from 1), amount and tax
-- (minor units), provenance of the note, and its JSON so far.
SELECT n.currency, x.invoice_line, x.amount_minor, x.tax_minor, n.provenance, json_build_object(
  'itemId', i.id, 'creditNoteId', n.id, 'creditNoteNumber', n.credit_note_number, 'invoiceId', n.invoice_id,
  'invoiceNumber', v.invoice_number, 'currency', n.currency, 'description', i.description, 'itemType', i.kind,
  'reason', n.reason, 'inputs', json_build_object('basis', n.provenance -> 'basis', 'asked', n.provenance -> 'asked',
                                                  'line', n.provenance -> 'lines' -> (x.invoice_line - 1)))
FROM credit_notes n
JOIN credit_note_items x ON x.tenant_id = n.tenant_id AND x.credit_note_id = n.id
JOIN invoice_items i ON i.tenant_id = x.tenant_id AND i.invoice_id = x.invoice_id AND i.line = x.invoice_line
JOIN invoices v ON v.tenant_id = n.tenant_id AND v.id = n.invoice_id
WHERE n.tenant_id = current_tenant() AND n.id = $1::uuid AND i.id = $2::uuid;
