-- The latest thousand ledger entries of a customer. $1 customer. Result: a JSON array; no version. No row when there is no such customer.
SELECT COALESCE((
  SELECT json_agg(json_build_object('documentId', l.document_id, 'fact', l.fact, 'line', l.line, 'account', l.account,
                                    'currency', l.currency, 'amount', units(l.amount_minor, l.currency),
                                    'postedAt', iso(l.posted_at)) ORDER BY l.posted_at DESC, l.document_id, l.fact, l.line)
  FROM (SELECT * FROM ledger_entries e WHERE e.tenant_id = c.tenant_id AND e.customer_id = c.id
        ORDER BY e.posted_at DESC, e.document_id, e.fact, e.line LIMIT 1000) l), '[]')
FROM customers c WHERE c.tenant_id = current_tenant() AND c.id = $1::uuid AND c.deleted_at IS NULL;
