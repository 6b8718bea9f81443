-- Test clocks, customers and plans.

-- A clock of a tenant in test mode. Customers made on it live at its time, which only test-clock.advance moves, and never
-- back. While it is `advancing`, a task of billing-cycle moves it from one due time to the next until target_at.
CREATE TABLE test_clocks (
  tenant_id  uuid NOT NULL REFERENCES tenants,
  id         uuid NOT NULL CHECK (id <> real_time()),
  name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  status     text NOT NULL CHECK (status IN ('ready', 'advancing')),
  frozen_at  timestamptz NOT NULL,
  target_at  timestamptz,             -- of the advance that is going on
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz,
  version    bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, id),
  CHECK ((status = 'advancing') = (target_at IS NOT NULL)),
  CHECK (target_at >= frozen_at)
) WITH (fillfactor = 50);
CREATE INDEX test_clocks_advancing ON test_clocks (id) WHERE status = 'advancing';
CALL protect('test_clocks');

-- What a clock has caused and waits for: messages that a group has still to read (lib/runtime/clock.h).
CREATE TABLE test_clock_messages (
  tenant_id      uuid NOT NULL,
  consumer_group text NOT NULL,
  message_id     uuid NOT NULL,
  test_clock_id  uuid NOT NULL,
  PRIMARY KEY (tenant_id, consumer_group, message_id),
  FOREIGN KEY (tenant_id, test_clock_id) REFERENCES test_clocks (tenant_id, id)
);
CREATE INDEX test_clock_messages_of_clock ON test_clock_messages (tenant_id, test_clock_id);
CALL protect('test_clock_messages');

-- Whom a document is made out to, as it keeps it. (Of texts and JSON alone: it never changes, though PostgreSQL cannot know.)
CREATE FUNCTION party(name text, email text, address jsonb, tax_ids jsonb, locale text) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object('name', name, 'email', email, 'address', address, 'taxIds', tax_ids, 'locale', locale);

CREATE TABLE customers (
  tenant_id       uuid NOT NULL REFERENCES tenants,
  id              uuid NOT NULL,
  name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  email           text NOT NULL CHECK (length(email) <= 254),
  phone           text,
  address         jsonb,
  billing_address jsonb,
  preferences     jsonb NOT NULL DEFAULT '{}',
  locale          text NOT NULL,
  time_zone       text NOT NULL,
  currency        text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  tax_ids         jsonb NOT NULL DEFAULT '[]',
  tax_exempt      boolean NOT NULL DEFAULT false,
  net_terms_days  integer NOT NULL CHECK (net_terms_days BETWEEN 0 AND 365),
  metadata        jsonb NOT NULL DEFAULT '{}',
  test_clock_id   uuid,                  -- NULL: lives at real time; it never changes
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  deleted_at      timestamptz,
  version         bigint NOT NULL DEFAULT 1,
  bill_to         jsonb NOT NULL GENERATED ALWAYS AS (party(name, email, COALESCE(billing_address, address), tax_ids, locale)) STORED,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, test_clock_id) REFERENCES test_clocks (tenant_id, id)
);
CREATE INDEX customers_on_clocks ON customers (tenant_id, test_clock_id) WHERE test_clock_id IS NOT NULL;
CREATE INDEX customers_newest ON customers (tenant_id, created_at DESC, id);
CALL protect('customers');

-- Whose a subscription is when nobody says: the tenant's first customer, until settings name another.
ALTER TABLE tenants ADD COLUMN default_customer_id uuid;
ALTER TABLE tenants ADD FOREIGN KEY (id, default_customer_id) REFERENCES customers (tenant_id, id);

-- One row for each customer with something to bill: when the next of its subscriptions is due. It is also the lock that
-- all work on one customer's billing takes first, so that lines of one day meet on one invoice (BILL-061).
CREATE TABLE customer_billing (
  tenant_id       uuid NOT NULL,
  customer_id     uuid NOT NULL,
  next_billing_at timestamptz,
  test_clock_id   uuid NOT NULL DEFAULT real_time(),
  PRIMARY KEY (tenant_id, customer_id),
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id)
) WITH (fillfactor = 70);
CREATE INDEX customer_billing_due ON customer_billing (tenant_id, test_clock_id, next_billing_at, customer_id)
  WHERE next_billing_at IS NOT NULL;
CREATE INDEX customer_billing_on_clocks ON customer_billing (tenant_id, test_clock_id) WHERE test_clock_id <> real_time();
CALL protect('customer_billing');

CREATE TABLE plans (
  tenant_id       uuid NOT NULL REFERENCES tenants,
  id              uuid NOT NULL,
  code            text NOT NULL CHECK (code ~ '^[a-z0-9][a-z0-9_.-]{0,63}$'),
  name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  description     text,
  status          text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'deprecated')),
  current_version integer NOT NULL DEFAULT 1,
  metadata        jsonb NOT NULL DEFAULT '{}',
  deprecated_at   timestamptz,
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  version         bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code)
);
CALL protect('plans');

-- What a plan says at one version (BILL-035, BILL-036): never changed, anything else is a new version.
CREATE TABLE plan_versions (
  tenant_id       uuid NOT NULL,
  plan_id         uuid NOT NULL,
  plan_version    integer NOT NULL CHECK (plan_version >= 1),
  id              uuid NOT NULL DEFAULT gen_random_uuid(),        -- where a list of them goes on
  interval_unit   text NOT NULL CHECK (interval_unit IN ('day', 'week', 'month', 'quarter', 'year')),
  interval_count  integer NOT NULL CHECK (interval_count BETWEEN 1 AND 120),
  proration_basis text NOT NULL DEFAULT 'day' CHECK (proration_basis IN ('day', 'second')),  -- BILL-020
  currency        text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),  -- of the main price
  features        jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(features) = 'array'),
  limits          jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(limits) = 'object'),
  tier            text,
  created_at      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, plan_id, plan_version),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, plan_id) REFERENCES plans (tenant_id, id)
);
CALL protect('plan_versions');
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON plan_versions FOR EACH ROW EXECUTE FUNCTION refuse();

-- One for each currency of a version. components: what workers/billing-cycle/components.c writes, in the order of an
-- invoice's lines; a bare price is there too, as its one component.
CREATE TABLE plan_prices (
  tenant_id       uuid NOT NULL,
  plan_id         uuid NOT NULL,
  plan_version    integer NOT NULL,
  currency        text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  amount_minor    bigint CHECK (amount_minor BETWEEN 0 AND 999999999999999),  -- of a bare price; else NULL
  components      jsonb NOT NULL CHECK (jsonb_typeof(components) = 'array' AND jsonb_array_length(components) BETWEEN 1 AND 20),
  setup_fee_minor bigint NOT NULL DEFAULT 0 CHECK (setup_fee_minor BETWEEN 0 AND 999999999999999),
  minimum_minor   bigint NOT NULL DEFAULT 0 CHECK (minimum_minor BETWEEN 0 AND 999999999999999),
  PRIMARY KEY (tenant_id, plan_id, plan_version, currency),
  FOREIGN KEY (tenant_id, plan_id, plan_version) REFERENCES plan_versions (tenant_id, plan_id, plan_version)
);
CALL protect('plan_prices');
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON plan_prices FOR EACH ROW EXECUTE FUNCTION refuse();

-- BILL-040: what comes off, for how long, and how often it may be redeemed. A used coupon is archived, never deleted.
CREATE TABLE coupons (
  tenant_id           uuid NOT NULL REFERENCES tenants,
  id                  uuid NOT NULL,
  code                text NOT NULL CHECK (code ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'),
  name                text CHECK (length(name) BETWEEN 1 AND 200),
  status              text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived')),
  percent_off         numeric(9, 6) CHECK (percent_off > 0 AND percent_off <= 100),
  amount_off_minor    bigint CHECK (amount_off_minor BETWEEN 1 AND 999999999999999),
  currency            text CHECK (currency ~ '^[A-Z]{3}$'),                        -- of the amount
  duration            text NOT NULL CHECK (duration IN ('once', 'repeating', 'forever')),
  duration_in_periods integer CHECK (duration_in_periods BETWEEN 1 AND 1200),
  max_redemptions     integer CHECK (max_redemptions >= 1),
  times_redeemed      integer NOT NULL DEFAULT 0 CHECK (times_redeemed >= 0),
  redeem_by           timestamptz,
  plan_ids            uuid[] CHECK (cardinality(plan_ids) >= 1),                   -- NULL: every plan's lines
  metadata            jsonb NOT NULL DEFAULT '{}',
  created_at          timestamptz NOT NULL,
  updated_at          timestamptz NOT NULL,
  version             bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code),
  CHECK ((percent_off IS NULL) <> (amount_off_minor IS NULL)),
  CHECK ((amount_off_minor IS NULL) = (currency IS NULL)),
  CHECK ((duration = 'repeating') = (duration_in_periods IS NOT NULL)),
  CHECK (times_redeemed <= max_redemptions)
);
CREATE INDEX coupons_newest ON coupons (tenant_id, created_at DESC, id);
CALL protect('coupons');
