-- How many rows each invariant's view has (BILL-065). Result: name, rows.
SELECT 'subscriptions_without_boundary', count(*) FROM invariant_subscriptions_without_boundary
UNION ALL SELECT 'invoices_without_next_step', count(*) FROM invariant_invoices_without_next_step;
