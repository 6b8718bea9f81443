-- Subscriptions and the runs that bill them.

CREATE TABLE subscriptions (
  tenant_id            uuid NOT NULL,
  id                   uuid NOT NULL,
  customer_id          uuid NOT NULL,
  plan_id              uuid NOT NULL,
  plan_version         integer NOT NULL,
  status               text NOT NULL CHECK (status IN ('incomplete', 'trialing', 'active', 'past_due', 'suspended', 'cancelled', 'expired')),
  currency             text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  price_minor          bigint NOT NULL CHECK (price_minor BETWEEN 0 AND 999999999999999),
  price_overridden     boolean NOT NULL DEFAULT false,
  quantity             bigint NOT NULL DEFAULT 1 CHECK (quantity BETWEEN 1 AND 1000000000),
  collection           text NOT NULL DEFAULT 'automatic' CHECK (collection IN ('automatic', 'manual')),
  -- the grid (BILL-010): boundaries are dates in time_zone, worked out from the anchor
  time_zone            text NOT NULL,
  start_date           date NOT NULL,
  interval_unit        text NOT NULL CHECK (interval_unit IN ('day', 'week', 'month', 'quarter', 'year')),
  interval_count       integer NOT NULL CHECK (interval_count BETWEEN 1 AND 120),
  anchor_date          date NOT NULL,
  anchor_day           integer NOT NULL CHECK (anchor_day BETWEEN 0 AND 31),
  -- where it stands on the grid
  next_period_index    bigint NOT NULL CHECK (next_period_index >= 0),  -- the period that is billed next
  next_billing_at      timestamptz,                                     -- the instant it falls due; NULL: never
  current_period_start timestamptz,
  current_period_end   timestamptz,
  started_at           timestamptz NOT NULL,
  trial_ends_at        timestamptz,
  auto_renew           boolean NOT NULL DEFAULT true,
  cancel_at_period_end boolean NOT NULL DEFAULT false,
  cancel_at            timestamptz,                                     -- the boundary at which it then ends
  cancelled_at         timestamptz,
  cancel_reason        text,
  expires_at           timestamptz,
  parked_at            timestamptz,
  metadata             jsonb NOT NULL DEFAULT '{}',
  created_at           timestamptz NOT NULL,
  updated_at           timestamptz NOT NULL,
  version              bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
  FOREIGN KEY (tenant_id, plan_id, plan_version) REFERENCES plan_versions (tenant_id, plan_id, plan_version),
  CHECK (NOT cancel_at_period_end OR cancel_at IS NOT NULL)
) WITH (fillfactor = 70);
CREATE INDEX subscriptions_of_customer ON subscriptions (tenant_id, customer_id);
CALL protect('subscriptions');

CREATE TABLE billing_runs (
  tenant_id    uuid NOT NULL REFERENCES tenants,
  id           uuid NOT NULL,
  as_of        timestamptz NOT NULL,
  status       text NOT NULL CHECK (status IN ('running', 'paused', 'completed')),
  requested_by text NOT NULL,
  started_at   timestamptz NOT NULL,
  claimed_at   timestamptz,             -- when the last due customer had been claimed
  finished_at  timestamptz,
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
  PRIMARY KEY (tenant_id, run_id, tallier),
  FOREIGN KEY (tenant_id, run_id) REFERENCES billing_runs (tenant_id, id),
  CHECK (due = invoiced + nothing_to_bill + parked)   -- BILL-064
) WITH (fillfactor = 50);
CALL protect('billing_run_tallies');

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
