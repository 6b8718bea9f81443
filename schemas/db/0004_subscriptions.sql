-- Subscriptions and the runs that bill them.

CREATE TABLE subscriptions (
  tenant_id            uuid NOT NULL,
  id                   uuid NOT NULL,
  customer_id          uuid NOT NULL,
  plan_id              uuid NOT NULL,
  plan_version         integer NOT NULL,
  status               text NOT NULL CHECK (status IN ('incomplete', 'trialing', 'active', 'past_due', 'suspended', 'cancelled', 'expired')),
  currency             text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  price_minor          bigint CHECK (price_minor BETWEEN 0 AND 999999999999999),  -- bare or overridden; NULL: components
  price_overridden     boolean NOT NULL DEFAULT false,
  -- One bare price in advance, by the day, without fee, minimum or further items: the row says all that a run needs, and
  -- nobody looks into the catalogue for it.
  is_plain             boolean NOT NULL DEFAULT true,
  quantity             numeric(18,6) NOT NULL DEFAULT 1 CHECK (quantity > 0 AND quantity <= 1000000000),  -- of item 0
  collection           text NOT NULL DEFAULT 'automatic' CHECK (collection IN ('automatic', 'manual')),
  -- the grid (BILL-010): boundaries are dates in time_zone, worked out from the anchor
  time_zone            text NOT NULL,
  next_time_zone       text,                                            -- takes effect at the first boundary after
  next_time_zone_at    timestamptz,                                     -- it was asked for (BILL-013)
  start_date           date NOT NULL,
  interval_unit        text NOT NULL CHECK (interval_unit IN ('day', 'week', 'month', 'quarter', 'year')),
  interval_count       integer NOT NULL CHECK (interval_count BETWEEN 1 AND 120),
  anchor_date          date NOT NULL,
  anchor_day           integer NOT NULL CHECK (anchor_day BETWEEN 0 AND 31),
  anchor_index         bigint NOT NULL DEFAULT 0,                       -- the number of the anchor's boundary (BILL-052)
  -- where it stands on the grid
  next_period_index    bigint NOT NULL CHECK (next_period_index >= 0),  -- the period that is billed next
  first_period_index   bigint NOT NULL DEFAULT 0,                       -- earlier ones were billed elsewhere (BILL-051)
  next_billing_at      timestamptz,                                     -- the next boundary falls due; NULL: never
  current_period_start timestamptz,                                     -- the period that runs
  current_period_end   timestamptz,
  renewed_periods      jsonb,                                           -- [{start, end, charged}]: begun early, after it
                                                                        -- (BILL-055), seconds since 1970; NULL: none
  -- what was charged for it
  charges              json NOT NULL DEFAULT '[]',                      -- lines in advance of periods not over yet
  charge_cuts          timestamptz[] NOT NULL DEFAULT '{}',             -- changes within these periods (BILL-022)
  charged_minor        bigint NOT NULL DEFAULT 0,                       -- recurring, net, since arrears were billed last
  settled_version      bigint NOT NULL DEFAULT 0,                       -- in which service stopped last: it counts from there
  arrears_from         date,                                            -- NULL: since the period began
  started_at           timestamptz NOT NULL,
  trial_start_date     date,                                            -- the grid starts when the trial ends
  trial_ends_at        timestamptz,
  trial_notice_at      timestamptz,                                     -- when trial_ending is due; NULL: said, or none
  incomplete_until     timestamptz,                                     -- unless its first payment succeeds (BILL-051);
                                                                        -- after its end: its invoice is not withdrawn yet;
                                                                        -- -infinity: there will never be one, infinity:
                                                                        -- that was so, and what comes is withdrawn
  auto_renew           boolean NOT NULL DEFAULT true,
  cancel_at_period_end boolean NOT NULL DEFAULT false,
  cancel_at            timestamptz,                                     -- the boundary at which it then ends
  cancelled_at         timestamptz,
  cancel_reason        text,
  expires_at           timestamptz,
  suspended_at         timestamptz,
  parked_at            timestamptz,
  metadata             jsonb NOT NULL DEFAULT '{}',
  created_at           timestamptz NOT NULL,
  updated_at           timestamptz NOT NULL,
  version              bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
  FOREIGN KEY (tenant_id, plan_id, plan_version) REFERENCES plan_versions (tenant_id, plan_id, plan_version),
  CHECK (NOT cancel_at_period_end OR cancel_at IS NOT NULL),
  CHECK ((next_time_zone IS NULL) = (next_time_zone_at IS NULL)),
  CHECK (price_minor IS NOT NULL OR NOT is_plain),
  CHECK (status <> 'incomplete' OR incomplete_until IS NOT NULL)
) WITH (fillfactor = 70);
CREATE INDEX subscriptions_of_customer ON subscriptions (tenant_id, customer_id);
-- Who has a version of a plan (BILL-035). A run changes nothing of these columns, so that its updates stay HOT. The conditions on
-- plans, here and below, are always true: they keep the index away from statements that name no plan, for on empty tables, which
-- they may be planned on, any index of the tenant's seems as good as the one that fits.
CREATE INDEX subscriptions_of_plan ON subscriptions (tenant_id, plan_id, plan_version, id)
  WHERE status NOT IN ('cancelled', 'expired') AND plan_id IS NOT NULL;
CREATE INDEX subscriptions_trial_notice ON subscriptions (trial_notice_at) WHERE trial_notice_at IS NOT NULL;
CREATE INDEX subscriptions_incomplete ON subscriptions (incomplete_until) WHERE incomplete_until IS NOT NULL;
CALL protect('subscriptions');

-- What happened to a subscription, as its events told it; its row says only what is. Each event is here once.
CREATE TABLE subscription_history (
  tenant_id       uuid NOT NULL,
  id              uuid NOT NULL,                -- of the event
  subscription_id uuid NOT NULL,
  at              timestamptz NOT NULL,         -- at the customer's time
  version         bigint NOT NULL,              -- of the subscription: the order of what happened at one time
  what            text NOT NULL,                -- the event's type without "subscription."
  actor           text,                         -- NULL: no command was the cause
  data            jsonb NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
CREATE INDEX subscription_history_of_subscription ON subscription_history (tenant_id, subscription_id, at);
CALL protect('subscription_history');
REVOKE UPDATE, DELETE ON subscription_history FROM cloudbill_worker;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON subscription_history FOR EACH ROW EXECUTE FUNCTION refuse();

-- The end of the last period that was renewed early, and when the next one is billed; NULL: none.
CREATE FUNCTION renewed_until(s subscriptions) RETURNS timestamptz LANGUAGE sql IMMUTABLE
RETURN to_timestamp((s.renewed_periods -> -1 ->> 'end')::bigint);
CREATE FUNCTION next_period_at(s subscriptions) RETURNS timestamptz LANGUAGE sql IMMUTABLE
RETURN CASE WHEN s.next_billing_at IS NOT NULL THEN COALESCE(s.renewed_until, s.next_billing_at) END;

-- Add-ons (BILL-030): what a subscription has beside its own plan, which is item 0. A number is never used again.
CREATE TABLE subscription_items (
  tenant_id          uuid NOT NULL,
  subscription_id    uuid NOT NULL,
  item               smallint NOT NULL CHECK (item >= 1),
  plan_id            uuid NOT NULL,
  plan_version       integer NOT NULL,
  quantity           numeric(18,6) NOT NULL CHECK (quantity > 0 AND quantity <= 1000000000),
  added_period_index bigint NOT NULL DEFAULT 0,   -- the first period that it is charged for, with its setup fee
  created_at         timestamptz NOT NULL,
  removed_at         timestamptz,
  PRIMARY KEY (tenant_id, subscription_id, item),
  FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
  FOREIGN KEY (tenant_id, plan_id, plan_version) REFERENCES plan_versions (tenant_id, plan_id, plan_version)
);
CREATE INDEX subscription_items_of_plan ON subscription_items (tenant_id, plan_id, plan_version, subscription_id)
  WHERE removed_at IS NULL AND plan_id IS NOT NULL;
CALL protect('subscription_items');

-- What a version of a plan costs in a currency, as the engine in workers/billing-cycle reads it.
CREATE VIEW plan_billing WITH (security_invoker = true) AS
SELECT x.tenant_id, x.plan_id, x.plan_version, x.currency, p.code, p.name, v.proration_basis, x.amount_minor, x.components,
       x.setup_fee_minor, x.minimum_minor
FROM plan_prices x
JOIN plan_versions v ON v.tenant_id = x.tenant_id AND v.plan_id = x.plan_id AND v.plan_version = x.plan_version
JOIN plans p ON p.tenant_id = x.tenant_id AND p.id = x.plan_id;
GRANT SELECT ON plan_billing TO cloudbill_api, cloudbill_worker;

-- What the engine in workers/billing-cycle reads of a subscription, whether a run takes it up or a command.
CREATE VIEW subscription_billing WITH (security_invoker = true) AS
SELECT s.tenant_id, s.id, s.customer_id, s.plan_id, p.code AS plan_code, p.name AS plan_name, s.plan_version, s.status,
       s.currency, s.price_minor, s.price_overridden, s.is_plain, (s.quantity * 1000000)::bigint AS quantity_micro,
       s.collection, s.time_zone, s.next_time_zone, s.start_date, s.interval_unit, s.interval_count, s.anchor_date,
       s.anchor_day, s.next_period_index, s.first_period_index, s.next_billing_at, s.current_period_start,
       s.current_period_end, s.charged_minor, s.arrears_from,
       CASE WHEN s.cancel_at_period_end THEN s.cancel_at END AS cancel_at, s.auto_renew, s.version,
       s.anchor_index, s.next_time_zone_at,
       CASE WHEN s.arrears_from IS NOT NULL THEN
         array_to_json(ARRAY(SELECT extract(epoch FROM c)::bigint FROM unnest(s.charge_cuts) AS c ORDER BY c)) END AS cuts,
       s.renewed_periods, s.settled_version
FROM subscriptions s JOIN plans p ON p.tenant_id = s.tenant_id AND p.id = s.plan_id;
GRANT SELECT ON subscription_billing TO cloudbill_api, cloudbill_worker;

-- Lines of changes that wait for the subscription's next invoice (BILL-052), as invoice.create will have them.
CREATE TABLE pending_lines (
  tenant_id       uuid NOT NULL,
  id              uuid NOT NULL,
  subscription_id uuid NOT NULL,
  line            jsonb NOT NULL,
  created_at      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
CREATE INDEX pending_lines_of_subscription ON pending_lines (tenant_id, subscription_id);
CALL protect('pending_lines');

-- Changes that take effect at a boundary (BILL-052); what is NULL stays as it is then. One at a time is pending.
CREATE TABLE scheduled_changes (
  tenant_id       uuid NOT NULL,
  id              uuid NOT NULL,
  subscription_id uuid NOT NULL,
  period_index    bigint NOT NULL,              -- the first period of the new state
  effective_at    timestamptz NOT NULL,         -- its boundary: as foreseen, or the one at which it was applied
  plan_id         uuid,
  plan_version    integer,
  quantity        numeric(18,6),
  items           jsonb,                        -- [{planId, planVersion, quantity}]: the whole list
  version_moves   jsonb NOT NULL DEFAULT '[]',  -- [{planId, fromVersion, toVersion}]: of what has that version by then (BILL-035)
  status          text NOT NULL CHECK (status IN ('pending', 'applied', 'withdrawn', 'replaced')),
  requested_by    text NOT NULL,
  created_at      timestamptz NOT NULL,
  resolved_at     timestamptz,
  version         bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
  FOREIGN KEY (tenant_id, plan_id, plan_version) REFERENCES plan_versions (tenant_id, plan_id, plan_version),
  CHECK ((status = 'pending') = (resolved_at IS NULL)),
  CHECK (plan_id IS NOT NULL OR quantity IS NOT NULL OR items IS NOT NULL OR version_moves <> '[]')
);
CREATE UNIQUE INDEX scheduled_changes_pending ON scheduled_changes (tenant_id, subscription_id) WHERE status = 'pending';
CREATE INDEX scheduled_changes_of_subscription ON scheduled_changes (tenant_id, subscription_id);
-- What waits and leads to a version of a plan: by its plan, by its items, by a migration. (A plan's id is of one tenant.)
CREATE INDEX scheduled_changes_of_plan ON scheduled_changes (tenant_id, plan_id, plan_version, subscription_id)
  WHERE status = 'pending' AND plan_id IS NOT NULL;
CREATE INDEX scheduled_changes_of_items ON scheduled_changes USING gin (items jsonb_path_ops) WHERE resolved_at IS NULL;
CREATE INDEX scheduled_changes_of_moves ON scheduled_changes USING gin (version_moves jsonb_path_ops) WHERE resolved_at IS NULL;
CALL protect('scheduled_changes');

-- When it takes effect: what waits does so at the next boundary that a period begins at, wherever that has moved; NULL while
-- there is none (suspended, parked). Several boundaries may have come and wait for their run.
CREATE FUNCTION takes_effect_at(c scheduled_changes, s subscriptions) RETURNS timestamptz LANGUAGE sql IMMUTABLE
RETURN CASE WHEN c.status <> 'pending' THEN c.effective_at
            WHEN s.next_billing_at IS NOT NULL AND s.next_period_index < c.period_index THEN c.effective_at
            ELSE s.next_period_at END;

-- When each tenant's runs start by themselves: every full hour, or once a day at an hour of the tenant's zone.
CREATE TABLE billing_schedules (
  tenant_id   uuid PRIMARY KEY REFERENCES tenants,
  is_enabled  boolean NOT NULL DEFAULT true,
  hour_of_day smallint CHECK (hour_of_day BETWEEN 0 AND 23),   -- NULL: every hour
  next_due_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX billing_schedules_due ON billing_schedules (next_due_at) WHERE is_enabled;
CALL protect('billing_schedules');
GRANT INSERT, UPDATE ON billing_schedules TO cloudbill_api;
CREATE FUNCTION billing_schedule_next(hour_of_day smallint, zone text, after timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE
RETURN CASE WHEN hour_of_day IS NULL THEN date_trunc('hour', after) + interval '1 hour'
  ELSE (SELECT min(at) FROM generate_series(0, 2) AS n (day),
        LATERAL (SELECT CASE WHEN zone_is_known(zone) THEN zone ELSE 'UTC' END) AS z (known),
        LATERAL (SELECT (date_trunc('day', after AT TIME ZONE known) + day * interval '1 day' + hour_of_day * interval '1 hour')
                        AT TIME ZONE known) AS x (at) WHERE at > after) END;

CREATE TABLE billing_runs (
  tenant_id    uuid NOT NULL REFERENCES tenants,
  id           uuid NOT NULL,
  as_of        timestamptz NOT NULL,
  status       text NOT NULL CHECK (status IN ('running', 'paused', 'completed')),
  requested_by text NOT NULL,
  started_at   timestamptz NOT NULL,
  claimed_at   timestamptz,             -- when the last due customer had been claimed
  finished_at  timestamptz,
  test_clock_id uuid NOT NULL DEFAULT real_time(),  -- whose customers it bills
  -- when a step failed: why, how often in a row, and when it is tried again
  failures     integer NOT NULL DEFAULT 0,
  error_code   text,
  error_text   text,
  retry_at     timestamptz,
  -- a dry run (BILL-062): how far it has come in the order of claiming, and in the end what it came to
  is_dry          boolean NOT NULL DEFAULT false,
  cursor_at       timestamptz,
  cursor_customer uuid,
  result          jsonb,
  version      bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX billing_runs_open ON billing_runs (started_at) WHERE status = 'running';
CALL protect('billing_runs');

-- A run's counts, kept by the transactions that do the work: one row for each process that works on it, so that no two
-- wait for each other; a run's figures are the sums. Units: subscription periods; invoices_*: invoices.
CREATE TABLE billing_run_tallies (
  tenant_id          uuid NOT NULL,
  run_id             uuid NOT NULL,
  tallier            text NOT NULL,
  due                bigint NOT NULL DEFAULT 0,
  invoiced           bigint NOT NULL DEFAULT 0,
  nothing_to_bill    bigint NOT NULL DEFAULT 0,
  parked             bigint NOT NULL DEFAULT 0,
  invoices_requested bigint NOT NULL DEFAULT 0,
  invoices_finalised bigint NOT NULL DEFAULT 0,
  invoices_dropped   bigint NOT NULL DEFAULT 0,   -- dead letters that somebody gave up
  PRIMARY KEY (tenant_id, run_id, tallier),
  FOREIGN KEY (tenant_id, run_id) REFERENCES billing_runs (tenant_id, id),
  CHECK (due = invoiced + nothing_to_bill + parked)   -- BILL-064
) WITH (fillfactor = 50);
CALL protect('billing_run_tallies');

-- What a dry run found for each subscription; of the tenant's newest dry run only.
CREATE TABLE billing_run_findings (
  tenant_id       uuid NOT NULL,
  run_id          uuid NOT NULL,
  subscription_id uuid NOT NULL,
  customer_id     uuid NOT NULL,
  plan_code       text NOT NULL,
  currency        text NOT NULL,
  periods         bigint NOT NULL,
  subtotal_minor  bigint NOT NULL,   -- of the lines on the invoices that it would make
  discount_minor  bigint NOT NULL,
  tax_minor       bigint NOT NULL,
  total_minor     bigint NOT NULL GENERATED ALWAYS AS (subtotal_minor - discount_minor + tax_minor) STORED,
  reason_code     text,              -- it would be parked
  reason          text,
  PRIMARY KEY (tenant_id, run_id, subscription_id),
  FOREIGN KEY (tenant_id, run_id) REFERENCES billing_runs (tenant_id, id)
);
CALL protect('billing_run_findings');

CREATE TABLE billing_run_amounts (
  tenant_id   uuid NOT NULL,
  run_id      uuid NOT NULL,
  tallier     text NOT NULL,
  currency    text NOT NULL,
  invoices    bigint NOT NULL DEFAULT 0,
  total_minor bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, run_id, tallier, currency),
  FOREIGN KEY (tenant_id, run_id) REFERENCES billing_runs (tenant_id, id)
) WITH (fillfactor = 50);
CALL protect('billing_run_amounts');

-- Subscriptions that could not be billed, with the reason (BILL-063).
CREATE TABLE parked_subscriptions (
  tenant_id       uuid NOT NULL,
  id              uuid NOT NULL,
  subscription_id uuid NOT NULL,
  run_id          uuid,
  period_index    bigint NOT NULL,
  reason_code     text NOT NULL,
  reason          text NOT NULL,
  parked_at       timestamptz NOT NULL,
  resolved_at     timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
  FOREIGN KEY (tenant_id, run_id) REFERENCES billing_runs (tenant_id, id)
);
CREATE INDEX parked_subscriptions_of_run ON parked_subscriptions (tenant_id, run_id);
CALL protect('parked_subscriptions');

-- A subscription's coupons in the order given (BILL-040). They cover the lines of the periods from from_period_index on,
-- `periods` of them: 1 for once, NULL for ever.
CREATE TABLE subscription_coupons (
  tenant_id         uuid NOT NULL,
  subscription_id   uuid NOT NULL,
  position          smallint NOT NULL CHECK (position >= 1),
  coupon_id         uuid NOT NULL,
  from_period_index bigint NOT NULL CHECK (from_period_index >= 0),
  periods           integer CHECK (periods >= 1),
  redeemed_at       timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, subscription_id, position),
  UNIQUE (tenant_id, subscription_id, coupon_id),
  FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
  FOREIGN KEY (tenant_id, coupon_id) REFERENCES coupons (tenant_id, id)
);
CALL protect('subscription_coupons');
