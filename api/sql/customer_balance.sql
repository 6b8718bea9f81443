-- What a customer owes and has in credit, by currency, at the customer's time. $1 customer. Result: a JSON array; no version. No row when there is no such customer.
SELECT COALESCE((
  SELECT json_agg(json_build_object('currency', b.currency, 'due', units(b.due, b.currency),
                                    'overdue', units(b.overdue, b.currency), 'credit', units(b.credit, b.currency),
                                    'refundable', units(b.refundable, b.currency)) ORDER BY b.currency)
  FROM (
    SELECT currency, sum(due)::bigint AS due, sum(overdue)::bigint AS overdue, sum(credit)::bigint AS credit,
           sum(refundable)::bigint AS refundable
    FROM (
      SELECT v.currency, greatest(0, v.total_minor - v.credit_applied_minor - v.amount_credited_minor - v.amount_paid_minor) AS due,
             CASE WHEN v.due_date < (customer_now(c.tenant_id, c.id) AT TIME ZONE c.time_zone)::date
                  THEN greatest(0, v.total_minor - v.credit_applied_minor - v.amount_credited_minor - v.amount_paid_minor)
                  ELSE 0 END AS overdue, 0 AS credit, 0 AS refundable
      FROM invoices v
      WHERE v.tenant_id = c.tenant_id AND v.customer_id = c.id AND v.status IN ('open', 'uncollectible')
      UNION ALL
      SELECT g.currency, 0, 0, CASE WHEN g.is_refundable THEN 0 ELSE g.remaining_minor END,
             CASE WHEN g.is_refundable THEN g.remaining_minor ELSE 0 END
      FROM credit_grants g
      WHERE g.tenant_id = c.tenant_id AND g.customer_id = c.id AND g.remaining_minor > 0
        AND (g.expires_at IS NULL OR g.expires_at > customer_now(c.tenant_id, c.id))) parts
    GROUP BY currency) b), '[]')
FROM customers c WHERE c.tenant_id = current_tenant() AND c.id = $1::uuid AND c.deleted_at IS NULL;
