-- Payment methods and payments.

-- The customer as the gateway knows it.
CREATE TABLE gateway_customers (
  tenant_id           uuid NOT NULL,
  customer_id         uuid NOT NULL,
  gateway_customer_id text NOT NULL,
  created_at          timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, customer_id),
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id)
);
CALL protect('gateway_customers');

-- BILL-087: a gateway's token and what may be shown of the card; never its number. Until the gateway has confirmed it the
-- row is `pending`; setup_* are then a schedule like that of a charge.
CREATE TABLE payment_methods (
  tenant_id         uuid NOT NULL,
  id                uuid NOT NULL,
  customer_id       uuid NOT NULL,
  status            text NOT NULL CHECK (status IN ('pending', 'active', 'refused', 'detached')),
  token             text NOT NULL,          -- as the client gave it
  gateway_method_id text,                   -- as attached to the gateway's customer
  type              text NOT NULL DEFAULT 'card',
  brand             text,
  last4             text CHECK (last4 ~ '^[0-9]{4}$'),
  expiry_month      integer CHECK (expiry_month BETWEEN 1 AND 12),
  expiry_year       integer CHECK (expiry_year BETWEEN 2000 AND 9999),
  is_default        boolean NOT NULL DEFAULT false,
  barred_code       text,                   -- BILL-081: declined for ever, with this code; it is never charged again
  set_default       boolean NOT NULL DEFAULT false,   -- asked for with the command
  command_id        uuid,                   -- whose caller waits for the gateway's word
  setup_due_at      timestamptz,            -- when somebody (again) asks the gateway; NULL when done
  setup_attempts    integer NOT NULL DEFAULT 0,
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL,
  version           bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id)
);
CREATE UNIQUE INDEX payment_methods_default ON payment_methods (tenant_id, customer_id) WHERE is_default;
CREATE INDEX payment_methods_of_customer ON payment_methods (tenant_id, customer_id);
CREATE INDEX payment_methods_setup ON payment_methods (setup_due_at) WHERE setup_due_at IS NOT NULL;
CALL protect('payment_methods');

-- Customers by what an advisory lock holds of them while payments are opened for some hundreds at once, or a payment method
-- is set up for one (workers/payments/open.c).
CREATE FUNCTION payment_shard(tenant uuid, customer uuid) RETURNS bigint LANGUAGE sql IMMUTABLE AS
  $$ SELECT x'7061795f00000000'::bigint + ((uuid_hash(tenant) # uuid_hash(customer)) & 255) $$;

-- One payment collects one invoice through the gateway, in one or more attempts. What was paid outside is recorded beside
-- it, each a payment of its own that has succeeded from the start (BILL-072).
-- pending: waits for its next_attempt_at; without an attempt in this cycle and with a first_failure_at, for a payment method,
-- until then. processing: an attempt is at the gateway.
-- unknown: no clear answer; the gateway is asked again with the same key at next_attempt_at. failed, requires_action: only
-- the customer can help now; at next_attempt_at, the end of the schedule, it is given up (dead_letter_id says where it lies).
CREATE TABLE payments (
  tenant_id         uuid NOT NULL,
  id                uuid NOT NULL,
  customer_id       uuid NOT NULL,          -- both exist: they are taken from the row of a finalised invoice,
  invoice_id        uuid NOT NULL,          -- which nobody can delete (no foreign keys: see 0005_invoices.sql)
  currency          text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  amount_minor      bigint NOT NULL CHECK (amount_minor > 0),
  status            text NOT NULL CHECK (status IN ('pending', 'processing', 'unknown', 'requires_action', 'succeeded', 'failed', 'cancelled', 'refunded')),
  payment_method_id uuid,                   -- of the latest attempt
  attempts          integer NOT NULL DEFAULT 0,
  cycle             integer NOT NULL DEFAULT 1,       -- a new method or a replay begins a new cycle of the schedule
  cycle_attempts    integer NOT NULL DEFAULT 0,
  first_failure_at  timestamptz,            -- of this cycle: since when it could not be collected
  next_attempt_at   timestamptz,            -- of a new attempt (pending), of asking again (processing, unknown), of giving up
  gateway_intent_id text,
  wanted_method_id  uuid,                   -- named for the next attempt, in place of the default
  source            text NOT NULL DEFAULT 'gateway' CHECK (source IN ('gateway', 'outside')),
  outside_method    text CHECK (length(outside_method) BETWEEN 1 AND 64),      -- bank_transfer, cash, cheque …
  outside_reference text CHECK (length(outside_reference) BETWEEN 1 AND 200),
  failure_code      text,
  failure_message   text,
  decline_class     text CHECK (decline_class IN ('soft', 'customer', 'never')),
  dead_letter_id    uuid,
  test_clock_id     uuid NOT NULL DEFAULT real_time(),  -- the customer's
  -- by which clock next_attempt_at goes: a question that is under way lives in the gateway's time, which is the real one
  due_clock_id      uuid NOT NULL GENERATED ALWAYS AS
                      (CASE WHEN status IN ('processing', 'unknown') THEN real_time() ELSE test_clock_id END) STORED,
  succeeded_at      timestamptz,
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL,
  version           bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, id),
  CHECK (source = 'gateway' OR status IN ('succeeded', 'refunded')),
  FOREIGN KEY (tenant_id, payment_method_id) REFERENCES payment_methods (tenant_id, id)
) WITH (fillfactor = 70);
CREATE INDEX payments_due ON payments (due_clock_id, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX payments_on_clocks ON payments (tenant_id, test_clock_id) WHERE test_clock_id <> real_time() AND next_attempt_at IS NOT NULL;
CREATE UNIQUE INDEX payments_of_invoice ON payments (tenant_id, invoice_id) WHERE source = 'gateway';
CREATE INDEX payments_outside ON payments (tenant_id, invoice_id) WHERE source = 'outside';
CREATE INDEX payments_of_customer ON payments (tenant_id, customer_id);
CREATE INDEX payments_failing ON payments (tenant_id, customer_id) WHERE status IN ('failed', 'requires_action') OR failure_code IS NOT NULL;
-- Whose turn it is among a customer's payments (workers/payments/sql/payments_claim.sql).
CREATE INDEX payments_in_turn ON payments (tenant_id, customer_id, status, due_clock_id, next_attempt_at, id) WHERE status IN ('pending', 'processing');
CALL protect('payments');

-- What the gateway was asked, kept so that it can be asked the very same again (BILL-080).
CREATE TABLE payment_attempts (
  tenant_id         uuid NOT NULL,
  payment_id        uuid NOT NULL,
  attempt           integer NOT NULL CHECK (attempt >= 1),
  cycle             integer NOT NULL,
  payment_method_id uuid NOT NULL,
  amount_minor      bigint NOT NULL CHECK (amount_minor > 0),
  idempotency_key   text NOT NULL,
  started_at        timestamptz NOT NULL,              -- in the customer's time
  sent_at           timestamptz NOT NULL,              -- in the gateway's, as asked_at
  asked             integer NOT NULL DEFAULT 1,        -- how often the gateway was asked with this key
  asked_at          timestamptz NOT NULL,              -- the last time
  finished_at       timestamptz,
  outcome           text CHECK (outcome IN ('succeeded', 'declined', 'requires_action', 'refused')),  -- NULL: not known
  decline_code      text,
  message           text,
  gateway_intent_id text,
  gateway_charge_id text,
  PRIMARY KEY (tenant_id, payment_id, attempt),
  FOREIGN KEY (tenant_id, payment_id) REFERENCES payments (tenant_id, id)
);
CALL protect('payment_attempts');
