-- Lays a patch over the tenant's settings; members as in the resource. What changes nothing makes no version. A new zone or schedule is
-- due at its next time from now on. $1 patch (JSON), $2 now.
WITH old AS (
  SELECT resource::jsonb AS r FROM settings_resource WHERE tenant_id = current_tenant()
), new AS (
  SELECT old.r || $1::jsonb AS r, old.r AS was FROM old WHERE old.r || $1::jsonb <> old.r
), schedule AS (
  INSERT INTO billing_schedules (tenant_id, is_enabled, hour_of_day, next_due_at)
  SELECT current_tenant(), s.is_enabled, s.hour, billing_schedule_next(s.hour, r->>'timeZone', $2::timestamptz)
  FROM new, LATERAL (SELECT (r#>>'{billingSchedule,enabled}')::boolean AS is_enabled,
                            (r#>>'{billingSchedule,hourOfDay}')::numeric::smallint AS hour) s
  WHERE (r->'billingSchedule', r->'timeZone') IS DISTINCT FROM (was->'billingSchedule', was->'timeZone')
  ON CONFLICT (tenant_id) DO UPDATE SET is_enabled = excluded.is_enabled, hour_of_day = excluded.hour_of_day,
                                        next_due_at = excluded.next_due_at
)
UPDATE tenants t
SET currency = r->>'currency', time_zone = r->>'timeZone', locale = r->>'locale',
    net_terms_days = (r->>'netTermsDays')::numeric::integer, seller = COALESCE(NULLIF(r->'seller', 'null'), '{}'),
    invoice_series = r->>'invoiceSeries', credit_note_series = r->>'creditNoteSeries',
    draft_hours = (r->>'draftHours')::numeric::integer, tax_rounding = r->>'taxRounding', tax_country = r->>'taxCountry',
    updated_at = $2::timestamptz, version = t.version + 1
FROM new WHERE t.id = current_tenant();
