-- The JSON of each resource, as the API answers it and as workers store it with a command's outcome: one view each, so
-- that the two cannot differ. security_invoker: the reader's row-level security holds.

CREATE VIEW customer_resource WITH (security_invoker = true) AS
SELECT tenant_id, id, created_at, json_build_object(
  'id', id, 'tenantId', tenant_id, 'name', name, 'email', email, 'phone', phone, 'address', address,
  'billingAddress', billing_address, 'preferences', preferences, 'locale', locale, 'timeZone', time_zone,
  'currency', currency, 'taxIds', tax_ids, 'taxExempt', tax_exempt, 'netTermsDays', net_terms_days,
  'metadata', metadata, 'testClockId', test_clock_id, 'createdAt', iso(created_at), 'updatedAt', iso(updated_at),
  'deletedAt', iso(deleted_at), 'version', version) AS resource
FROM customers;

CREATE VIEW plan_price_resource WITH (security_invoker = true) AS
SELECT tenant_id, plan_id, plan_version, currency, json_build_object(
  'currency', currency, 'price', units(amount_minor, currency), 'components', components,
  'setupFee', units(setup_fee_minor, currency), 'minimumCommitment', units(minimum_minor, currency)) AS resource
FROM plan_prices;

CREATE VIEW plan_version_resource WITH (security_invoker = true) AS
SELECT v.tenant_id, v.plan_id, v.plan_version, v.created_at, json_build_object(
  'id', v.id, 'planId', v.plan_id, 'planVersion', v.plan_version, 'price', units(main.amount_minor, v.currency), 'currency', v.currency,
  'components', main.components, 'setupFee', units(main.setup_fee_minor, v.currency),
  'minimumCommitment', units(main.minimum_minor, v.currency),
  'billingCycle', CASE WHEN v.interval_count = 1 THEN
     CASE v.interval_unit WHEN 'day' THEN 'daily' WHEN 'week' THEN 'weekly' WHEN 'month' THEN 'monthly'
                          WHEN 'quarter' THEN 'quarterly' ELSE 'yearly' END END,
  'interval', v.interval_unit, 'intervalCount', v.interval_count, 'prorationBasis', v.proration_basis,
  'prices', (SELECT json_agg(x.resource ORDER BY x.currency) FROM plan_price_resource x
             WHERE x.tenant_id = v.tenant_id AND x.plan_id = v.plan_id AND x.plan_version = v.plan_version),
  'features', v.features, 'limits', v.limits, 'tier', v.tier, 'createdAt', iso(v.created_at)) AS resource
FROM plan_versions v
JOIN plan_prices main ON main.tenant_id = v.tenant_id AND main.plan_id = v.plan_id AND main.plan_version = v.plan_version
                     AND main.currency = v.currency;

-- A plan, with what its current version says.
CREATE VIEW plan_resource WITH (security_invoker = true) AS
SELECT p.tenant_id, p.id, p.code, p.created_at, json_build_object(
  'id', p.id, 'tenantId', p.tenant_id, 'code', p.code, 'name', p.name, 'description', p.description,
  'price', v.resource->'price', 'currency', v.resource->'currency', 'components', v.resource->'components',
  'setupFee', v.resource->'setupFee', 'minimumCommitment', v.resource->'minimumCommitment',
  'billingCycle', v.resource->'billingCycle', 'interval', v.resource->'interval', 'intervalCount', v.resource->'intervalCount',
  'prorationBasis', v.resource->'prorationBasis', 'prices', v.resource->'prices', 'features', v.resource->'features',
  'limits', v.resource->'limits', 'tier', v.resource->'tier', 'status', p.status, 'deprecatedAt', iso(p.deprecated_at),
  'planVersion', p.current_version, 'metadata', p.metadata, 'createdAt', iso(p.created_at), 'updatedAt', iso(p.updated_at),
  'version', p.version) AS resource
FROM plans p
JOIN plan_version_resource v ON v.tenant_id = p.tenant_id AND v.plan_id = p.id AND v.plan_version = p.current_version;

CREATE VIEW subscription_resource WITH (security_invoker = true) AS
SELECT s.tenant_id, s.id, s.customer_id, s.plan_id, s.status, s.created_at, json_build_object(
  'id', s.id, 'tenantId', s.tenant_id, 'customerId', s.customer_id, 'planId', s.plan_id, 'planCode', p.code,
  'planVersion', s.plan_version, 'status', s.status,
  'billingCycle', CASE WHEN s.interval_count = 1 THEN
     CASE s.interval_unit WHEN 'day' THEN 'daily' WHEN 'week' THEN 'weekly' WHEN 'month' THEN 'monthly'
                          WHEN 'quarter' THEN 'quarterly' ELSE 'yearly' END END,
  'interval', s.interval_unit, 'intervalCount', s.interval_count,
  'currentPrice', units(s.price_minor, s.currency), 'currency', s.currency, 'quantity', trim_scale(s.quantity),
  'items', COALESCE((SELECT json_agg(json_build_object('item', i.item, 'planId', i.plan_id, 'planCode', x.code, 'planVersion', i.plan_version,
                              'quantity', trim_scale(i.quantity)) ORDER BY i.item)
                     FROM subscription_items i JOIN plans x ON x.tenant_id = i.tenant_id AND x.id = i.plan_id
                     WHERE i.tenant_id = s.tenant_id AND i.subscription_id = s.id AND i.removed_at IS NULL), '[]'),
  'startedAt', iso(s.started_at), 'startDate', COALESCE(s.trial_start_date, s.start_date), 'timeZone', s.time_zone,
  'currentPeriodStart', iso(s.current_period_start), 'currentPeriodEnd', iso(COALESCE(s.renewed_until, s.current_period_end)),
  'runningPeriodEnd', iso(s.current_period_end), 'renewedPeriods', COALESCE(jsonb_array_length(s.renewed_periods), 0),
  'nextBillingDate', iso(s.next_period_at), 'cancelledAt', iso(s.cancelled_at), 'cancelReason', s.cancel_reason,
  'expiresAt', iso(s.expires_at), 'cancelAtPeriodEnd', s.cancel_at_period_end, 'autoRenew', s.auto_renew,
  'collection', s.collection, 'isTrial', s.status = 'trialing', 'trialEndsAt', iso(s.trial_ends_at),
  'parkedAt', iso(s.parked_at), 'metadata', s.metadata,
  'createdAt', iso(s.created_at), 'updatedAt', iso(s.updated_at), 'version', s.version) AS resource
FROM subscriptions s JOIN plans p ON p.tenant_id = s.tenant_id AND p.id = s.plan_id;

CREATE VIEW billing_run_resource WITH (security_invoker = true) AS
SELECT r.tenant_id, r.id, r.status, r.started_at, json_build_object(
  'id', r.id, 'tenantId', r.tenant_id, 'asOf', iso(r.as_of), 'status', r.status, 'dryRun', r.is_dry,
  'testClockId', NULLIF(r.test_clock_id, real_time()),
  'due', t.due, 'invoiced', t.invoiced, 'nothingToBill', t.nothing_to_bill, 'parked', t.parked,
  'invoicesRequested', t.invoices_requested, 'invoicesFinalised', t.invoices_finalised, 'invoicesDropped', t.invoices_dropped,
  'amounts', COALESCE((SELECT json_agg(json_build_object('currency', currency, 'invoices', invoices, 'total', units(total, currency)) ORDER BY currency)
     FROM (SELECT currency, sum(invoices)::bigint AS invoices, sum(total_minor)::bigint AS total FROM billing_run_amounts a
           WHERE a.tenant_id = r.tenant_id AND a.run_id = r.id GROUP BY currency) by_currency), '[]'),
  'ratePerSecond', round(t.due / greatest(0.001, extract(epoch FROM COALESCE(r.claimed_at, clock_timestamp()) - r.started_at))::numeric, 1),
  'customersLeft', l.customers,
  'secondsLeft', CASE WHEN r.status = 'completed' THEN 0
     WHEN t.due = 0 THEN NULL
     ELSE ceil(l.customers * extract(epoch FROM clock_timestamp() - r.started_at) / greatest(1, t.due)) END,
  'stuck', CASE WHEN r.status <> 'completed' THEN stuck.json END,
  'error', CASE WHEN r.error_code IS NOT NULL THEN
     json_build_object('code', r.error_code, 'message', r.error_text, 'failures', r.failures, 'retryAt', iso(r.retry_at)) END,
  'result', r.result, 'requestedBy', r.requested_by, 'startedAt', iso(r.started_at), 'finishedAt', iso(r.finished_at),
  'version', r.version) AS resource
FROM billing_runs r
CROSS JOIN LATERAL (
  SELECT COALESCE(sum(due), 0)::bigint AS due, COALESCE(sum(invoiced), 0)::bigint AS invoiced,
         COALESCE(sum(nothing_to_bill), 0)::bigint AS nothing_to_bill, COALESCE(sum(parked), 0)::bigint AS parked,
         COALESCE(sum(invoices_requested), 0)::bigint AS invoices_requested,
         COALESCE(sum(invoices_finalised), 0)::bigint AS invoices_finalised,
         COALESCE(sum(invoices_dropped), 0)::bigint AS invoices_dropped
  FROM billing_run_tallies WHERE tenant_id = r.tenant_id AND run_id = r.id) t
CROSS JOIN LATERAL (
  SELECT count(*) AS customers FROM customer_billing b
  WHERE r.status <> 'completed' AND b.tenant_id = r.tenant_id AND b.test_clock_id = r.test_clock_id
    AND b.next_billing_at <= r.as_of) l
-- an invoice.create that could not be processed: the run waits until somebody replays or drops it
CROSS JOIN LATERAL (
  SELECT CASE WHEN count(*) > 0 THEN json_build_object('deadLetters', count(*),
           'deadLetterIds', (array_agg(d.id ORDER BY d.last_failure_at, d.id))[1:10],
           'reason', (array_agg(d.reason ORDER BY d.last_failure_at, d.id))[1]) END AS json
  FROM dead_letters d WHERE d.tenant_id = r.tenant_id AND d.run_id = r.id AND d.status = 'dead') stuck;

CREATE VIEW invoice_item_resource WITH (security_invoker = true) AS
SELECT i.tenant_id, i.invoice_id, i.line, i.id, json_build_object(
  'id', i.id, 'description', i.description, 'itemType', i.kind, 'subscriptionId', i.subscription_id,
  'quantity', i.quantity, 'unitPrice', i.unit_price, 'amount', units(i.amount_minor, v.currency),
  'discountAmount', units(i.discount_minor, v.currency), 'taxRate', i.tax_rate, 'taxAmount', units(i.tax_minor, v.currency),
  'taxCode', i.tax_code, 'taxCategory', i.tax_category, 'taxInclusive', i.tax_inclusive, 'taxRateId', i.tax_rate_id,
  'component', i.component,
  'periodStart', iso(i.period_start), 'periodEnd', iso(i.period_end), 'metadata', '{}'::json) AS resource
FROM invoice_items i JOIN invoices v ON v.tenant_id = i.tenant_id AND v.id = i.invoice_id;

CREATE VIEW invoice_resource WITH (security_invoker = true) AS
SELECT v.tenant_id, v.id, v.customer_id, v.subscription_id, v.run_id, v.status, v.issue_date, v.due_date, v.created_at, json_build_object(
  'id', v.id, 'tenantId', v.tenant_id, 'customerId', v.customer_id, 'subscriptionId', v.subscription_id, 'runId', v.run_id,
  'invoiceNumber', v.invoice_number, 'status', v.status, 'currency', v.currency,
  'subtotal', units(v.subtotal_minor, v.currency), 'discountAmount', units(v.discount_minor, v.currency),
  'taxAmount', units(v.tax_minor, v.currency), 'totalAmount', units(v.total_minor, v.currency),
  'creditApplied', units(v.credit_applied_minor, v.currency), 'amountCredited', units(v.amount_credited_minor, v.currency),
  'amountPaid', units(v.amount_paid_minor, v.currency),
  'amountDue', units(CASE WHEN v.status IN ('open', 'uncollectible') THEN
     greatest(0, v.total_minor - v.credit_applied_minor - v.amount_credited_minor - v.amount_paid_minor) ELSE 0 END, v.currency),
  'collection', v.collection, 'periodStart', iso(v.period_start), 'periodEnd', iso(v.period_end),
  'issueDate', v.issue_date, 'dueDate', v.due_date, 'paidAt', iso(v.paid_at), 'paymentMethod', v.payment_method,
  'paymentReference', v.payment_reference, 'billTo', v.bill_to, 'notes', v.notes, 'taxRounding', v.tax_rounding,
  'finalisesAt', CASE WHEN v.status = 'draft' THEN iso(v.auto_finalise_at) END,
  'finalisationError', CASE WHEN v.error_code IS NOT NULL THEN
     json_build_object('code', v.error_code, 'message', v.error_text, 'failures', v.failures, 'retryAt', iso(v.retry_at)) END,
  'items', COALESCE((SELECT json_agg(x.resource ORDER BY x.line) FROM invoice_item_resource x
                     WHERE x.tenant_id = v.tenant_id AND x.invoice_id = v.id), '[]'),
  'createdAt', iso(v.created_at), 'updatedAt', iso(v.updated_at), 'version', v.version) AS resource
FROM invoices v;

CREATE VIEW payment_method_resource WITH (security_invoker = true) AS
SELECT tenant_id, id, customer_id, status, created_at, json_build_object(
  'id', id, 'tenantId', tenant_id, 'customerId', customer_id, 'type', type, 'brand', brand, 'last4', last4,
  'expiryMonth', expiry_month, 'expiryYear', expiry_year, 'isDefault', is_default, 'status', status,
  'createdAt', iso(created_at), 'updatedAt', iso(updated_at), 'version', version) AS resource
FROM payment_methods;

CREATE VIEW payment_resource WITH (security_invoker = true) AS
SELECT p.tenant_id, p.id, p.customer_id, p.invoice_id, p.status, p.created_at, json_build_object(
  'id', p.id, 'tenantId', p.tenant_id, 'amount', units(p.amount_minor, p.currency), 'currency', p.currency,
  'status', CASE WHEN p.status = 'processing' THEN 'pending' ELSE p.status END,
  'paymentMethod', p.payment_method_id, 'paymentMethodType', COALESCE(m.type, p.outside_method), 'invoiceId', p.invoice_id, 'customerId', p.customer_id,
  'transactionId', COALESCE(p.gateway_intent_id, p.outside_reference), 'source', p.source, 'description', 'Invoice ' || v.invoice_number, 'attempts', p.attempts,
  'nextRetryAt', CASE WHEN p.status = 'pending' AND (p.cycle_attempts > 0 OR p.first_failure_at IS NULL) THEN iso(p.next_attempt_at) END,
  'failureCode', p.failure_code, 'failureMessage', p.failure_message, 'declineClass', p.decline_class,
  'deadLetterId', p.dead_letter_id, 'metadata', '{}'::json,
  'createdAt', iso(p.created_at), 'updatedAt', iso(p.updated_at), 'version', p.version) AS resource
FROM payments p
JOIN invoices v ON v.tenant_id = p.tenant_id AND v.id = p.invoice_id
LEFT JOIN payment_methods m ON m.tenant_id = p.tenant_id AND m.id = p.payment_method_id;

CREATE VIEW dead_letter_resource WITH (security_invoker = true) AS
SELECT tenant_id, id, status, source_topic, last_failure_at, json_build_object(
  'id', id, 'tenantId', tenant_id, 'worker', worker, 'topic', source_topic || '.dlq', 'sourceTopic', source_topic,
  'partition', source_partition, 'offset', source_offset, 'messageId', message_id, 'messageType', message_type,
  'key', message_key, 'reason', reason, 'errorCode', error_code, 'attempts', attempts, 'history', history,
  'firstFailureAt', iso(first_failure_at), 'lastFailureAt', iso(last_failure_at), 'status', status,
  'resolvedAt', iso(resolved_at), 'resolvedBy', resolved_by, 'version', version) AS resource
FROM dead_letters;

CREATE VIEW operation_resource WITH (security_invoker = true) AS
SELECT tenant_id, id, json_build_object(
  'id', id, 'command', type, 'status', status, 'httpStatus', NULLIF(http_status, 0), 'result', result::json,
  'error', CASE WHEN status = 'failed' THEN json_strip_nulls(json_build_object('code', error_code, 'message', error_text,
     'field', NULLIF(error_field, ''), 'details', NULLIF(error_details, '')::json)) END,
  'createdAt', iso(created_at), 'completedAt', iso(completed_at)) AS resource
FROM commands;

GRANT SELECT ON customer_resource, plan_price_resource, plan_version_resource, plan_resource, subscription_resource, billing_run_resource, invoice_item_resource,
  invoice_resource, payment_method_resource, payment_resource, dead_letter_resource, operation_resource
TO cloudbill_api, cloudbill_worker;

CREATE VIEW coupon_resource WITH (security_invoker = true) AS
SELECT tenant_id, id, code, status, created_at, version, json_build_object(
  'id', id, 'tenantId', tenant_id, 'code', code, 'name', name, 'status', status, 'percentOff', trim_scale(percent_off),
  'amountOff', units(amount_off_minor, currency), 'currency', currency, 'duration', duration,
  'durationInPeriods', duration_in_periods, 'maxRedemptions', max_redemptions, 'timesRedeemed', times_redeemed,
  'redeemBy', iso(redeem_by), 'planIds', plan_ids, 'metadata', metadata,
  'createdAt', iso(created_at), 'updatedAt', iso(updated_at), 'version', version) AS resource
FROM coupons;

CREATE VIEW tax_rate_resource WITH (security_invoker = true) AS
SELECT tenant_id, id, code, status, created_at, version, json_build_object(
  'id', id, 'tenantId', tenant_id, 'code', code, 'name', name, 'percentage', trim_scale(percentage), 'category', category,
  'inclusive', inclusive, 'country', country, 'region', region, 'taxCode', tax_code, 'status', status,
  'createdAt', iso(created_at), 'updatedAt', iso(updated_at), 'version', version) AS resource
FROM tax_rates;

GRANT SELECT ON coupon_resource, tax_rate_resource TO cloudbill_api, cloudbill_worker;

CREATE VIEW credit_resource WITH (security_invoker = true) AS
SELECT tenant_id, id, customer_id, currency, granted_at, json_build_object(
  'id', id, 'tenantId', tenant_id, 'customerId', customer_id, 'currency', currency, 'amount', units(amount_minor, currency),
  'remaining', units(remaining_minor, currency), 'source', source, 'documentId', document_id, 'isRefundable', is_refundable,
  'reason', reason, 'expiresAt', iso(expires_at), 'expiredAt', iso(expired_at), 'grantedAt', iso(granted_at)) AS resource
FROM credit_grants;

CREATE VIEW credit_note_resource WITH (security_invoker = true) AS
SELECT n.tenant_id, n.id, n.invoice_id, n.customer_id, n.created_at, json_build_object(
  'id', n.id, 'tenantId', n.tenant_id, 'creditNoteNumber', n.credit_note_number, 'invoiceId', n.invoice_id,
  'invoiceNumber', v.invoice_number, 'customerId', n.customer_id, 'currency', n.currency, 'reason', n.reason,
  'disposition', n.disposition, 'amount', units(n.amount_minor, n.currency), 'taxAmount', units(n.tax_minor, n.currency),
  'totalAmount', units(n.total_minor, n.currency), 'amountApplied', units(n.applied_minor, n.currency),
  'amountCredited', units(CASE n.disposition WHEN 'credit' THEN n.left_minor ELSE n.returned_minor END - n.expired_minor, n.currency),
  'amountRefundable', units(CASE n.disposition WHEN 'refund' THEN n.left_minor - n.returned_minor ELSE 0 END, n.currency),
  'amountExpired', units(n.expired_minor, n.currency),
  'issueDate', n.issue_date,
  'items', (SELECT json_agg(json_build_object('itemId', i.id, 'description', i.description,
              'amount', units(x.amount_minor, n.currency), 'taxAmount', units(x.tax_minor, n.currency)) ORDER BY x.line)
            FROM credit_note_items x
            JOIN invoice_items i ON i.tenant_id = x.tenant_id AND i.invoice_id = x.invoice_id AND i.line = x.invoice_line
            WHERE x.tenant_id = n.tenant_id AND x.credit_note_id = n.id),
  'createdAt', iso(n.created_at)) AS resource
FROM credit_notes n JOIN invoices v ON v.tenant_id = n.tenant_id AND v.id = n.invoice_id;

GRANT SELECT ON credit_resource, credit_note_resource TO cloudbill_api, cloudbill_worker;

-- What a tenant has set for all that it makes from now on.
CREATE VIEW settings_resource WITH (security_invoker = true) AS
SELECT t.id AS tenant_id, t.version, json_build_object(
  'tenantId', t.id, 'seller', t.seller, 'timeZone', t.time_zone, 'locale', t.locale, 'currency', t.currency,
  'taxRounding', t.tax_rounding, 'taxCountry', t.tax_country, 'invoiceSeries', t.invoice_series,
  'creditNoteSeries', t.credit_note_series, 'draftHours', t.draft_hours, 'netTermsDays', t.net_terms_days,
  'billingSchedule', json_build_object('enabled', COALESCE(s.is_enabled, true), 'hourOfDay', s.hour_of_day),
  'updatedAt', iso(t.updated_at), 'version', t.version) AS resource
FROM tenants t LEFT JOIN billing_schedules s ON s.tenant_id = t.id;

GRANT SELECT ON settings_resource TO cloudbill_api, cloudbill_worker;
