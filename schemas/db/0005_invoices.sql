-- Invoices, their lines, their numbers, and the ledger.
--
-- Tables that a billing run fills have no foreign keys: each costs a locked row of the parent for each row (5 µs, of 35 that
-- the leanest SQL takes for an invoice). What they would say is said otherwise, and beside each column: the statement that
-- inserts takes the value from the parent's row or a trigger looks a set at a time, and the parent's rows are never deleted.

-- The next number of each series. The row is locked last, in the finalising transaction: no gap, no duplicate.
CREATE TABLE invoice_series (
  tenant_id   uuid NOT NULL REFERENCES tenants,
  series      text NOT NULL,
  next_number bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, series)
) WITH (fillfactor = 50);
CALL protect('invoice_series');

CREATE TABLE invoices (
  tenant_id             uuid NOT NULL,
  id                    uuid NOT NULL,
  customer_id           uuid NOT NULL,   -- exists: invoices_insert.sql joins it; customers are never deleted
  subscription_id       uuid,            -- when all lines are of one
  run_id                uuid,            -- exists: the run's tally, written with the invoice, has the foreign key
  series                text,
  number                bigint,
  invoice_number        text GENERATED ALWAYS AS (series || '-' || lpad(number::text, greatest(6, length(number::text)), '0')) STORED,
  status                text NOT NULL CHECK (status IN ('draft', 'open', 'paid', 'void', 'uncollectible')),
  currency              text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  subtotal_minor        bigint NOT NULL,
  discount_minor        bigint NOT NULL DEFAULT 0,   -- below zero when credits take more back than coupons give
  tax_minor             bigint NOT NULL DEFAULT 0,
  tax_rounding          text NOT NULL DEFAULT 'total' CHECK (tax_rounding IN ('total', 'line')),
  total_minor           bigint NOT NULL,
  credit_applied_minor  bigint NOT NULL DEFAULT 0 CHECK (credit_applied_minor >= 0),
  amount_credited_minor bigint NOT NULL DEFAULT 0 CHECK (amount_credited_minor >= 0),
  amount_paid_minor     bigint NOT NULL DEFAULT 0 CHECK (amount_paid_minor >= 0),
  collection            text NOT NULL CHECK (collection IN ('automatic', 'manual')),
  period_start          timestamptz,
  period_end            timestamptz,
  issue_date            date NOT NULL,
  due_date              date NOT NULL,
  bill_to               jsonb NOT NULL DEFAULT '{}',   -- the customer as it was when the invoice was finalised
  seller                jsonb NOT NULL DEFAULT '{}',   -- and the tenant's particulars
  notes                 text,
  auto_finalise_at      timestamptz,     -- of a draft that a task finalises (BILL-071)
  failures              integer,         -- of that; such a draft is set aside until retry_at
  error_code            text,
  error_text            text,
  retry_at              timestamptz,
  asked_due_date        date,            -- of a draft by hand; else the net terms say
  finalised_at          timestamptz,
  finalised_xact        xid8,            -- lines may be added by this transaction and no later one
  paid_at               timestamptz,
  payment_method        text,
  payment_reference     text,
  created_at            timestamptz NOT NULL,
  updated_at            timestamptz NOT NULL,
  version               bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, series, number),
  CHECK (total_minor = subtotal_minor - discount_minor + tax_minor),
  CHECK ((status = 'draft') = (number IS NULL)),
  CHECK (status <> 'paid' OR amount_paid_minor + amount_credited_minor + credit_applied_minor >= total_minor)
) WITH (fillfactor = 80);
CREATE INDEX invoices_of_customer ON invoices (tenant_id, customer_id);
CREATE INDEX invoices_open ON invoices (due_date) WHERE status = 'open';
CREATE INDEX invoices_of_run ON invoices (tenant_id, run_id) WHERE run_id IS NOT NULL;
CREATE INDEX invoices_drafts ON invoices (tenant_id, customer_id) WHERE status = 'draft';
CREATE INDEX invoices_drafted ON invoices (auto_finalise_at) WHERE status = 'draft' AND auto_finalise_at IS NOT NULL;
CALL protect('invoices');

CREATE TABLE invoice_items (
  tenant_id       uuid NOT NULL,
  invoice_id      uuid NOT NULL,                   -- exists: guard_added; a draft goes after its lines: invoice_guard
  line            integer NOT NULL CHECK (line >= 1),
  id              uuid NOT NULL,
  kind            text NOT NULL CHECK (kind IN ('subscription', 'usage', 'credit', 'fee', 'discount')),
  -- BILL-060: what this line bills; unique, so that billing it again changes nothing
  subscription_id uuid,
  item            smallint NOT NULL DEFAULT 0,     -- 0 is the subscription's own plan
  component       text NOT NULL DEFAULT 'base',    -- of the item's price: an item may have several
  period_index    bigint,
  revision        integer NOT NULL DEFAULT 0,
  description     text NOT NULL,
  quantity        numeric NOT NULL,
  unit_price      numeric NOT NULL,                -- currency units
  amount_minor    bigint NOT NULL,                 -- net of tax, before the discount
  discount_minor  bigint NOT NULL DEFAULT 0,
  tax_rate        numeric NOT NULL DEFAULT 0,      -- percent
  tax_minor       bigint NOT NULL DEFAULT 0,
  listed_minor    bigint,                          -- as priced, with the tax in it (BILL-041); NULL: amount and discount
  listed_discount_minor bigint,
  tax_code        text,
  tax_category    text NOT NULL DEFAULT 'zero' CHECK (tax_category IN ('standard', 'zero', 'exempt', 'reverse_charge')),
  tax_inclusive   boolean NOT NULL DEFAULT false,
  tax_rate_id     uuid,                            -- which of tax_rates, kept for ever; NULL: none applies
  plan_id         uuid,
  discounts       json,                            -- each coupon's share, in order
  credits         jsonb,                           -- the name of the line that this one takes back (BILL-022)
  credits_item_id uuid,                            -- and its id, if it was ever invoiced
  period_start    timestamptz,
  period_end      timestamptz,
  provenance      json NOT NULL,                   -- BILL-025: how the amount came about; read as a whole
  PRIMARY KEY (tenant_id, invoice_id, line),
  CHECK (tax_inclusive = (listed_minor IS NOT NULL) AND tax_inclusive = (listed_discount_minor IS NOT NULL))
);
CREATE UNIQUE INDEX invoice_items_identity ON invoice_items (tenant_id, subscription_id, item, component, period_index, kind, revision)
  WHERE subscription_id IS NOT NULL;
CREATE INDEX invoice_items_credits ON invoice_items (tenant_id, credits_item_id) WHERE credits_item_id IS NOT NULL;
CALL protect('invoice_items');

-- The line that a credit takes back, by its name: one lookup by its index, also where PostgreSQL has no statistics yet. (As columns,
-- for an index whose operands must be worked out first is passed over for any other of the tenant's.)
CREATE FUNCTION taken_back(tenant uuid, subscription uuid, name jsonb) RETURNS TABLE (invoice_id uuid, line integer) LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT i.invoice_id, i.line
  FROM (SELECT n.* FROM jsonb_to_record(name) AS n (item smallint, component text, "periodIndex" bigint, kind text, revision integer)
        OFFSET 0) AS n
  CROSS JOIN LATERAL (
    SELECT x.invoice_id, x.line FROM invoice_items x
    WHERE x.tenant_id = tenant AND x.subscription_id = subscription AND x.item = n.item AND x.component = n.component
      AND x.period_index = n."periodIndex" AND x.kind = n.kind AND x.revision = n.revision OFFSET 0) AS i;
END;

-- BILL-070: from `open` on nothing but status and amounts paid changes. (invoice_number follows from series and number; a
-- generated column is not there yet when a trigger sees the new row.)
CREATE FUNCTION invoice_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.status = 'draft' THEN
      IF EXISTS (SELECT FROM invoice_items i WHERE i.tenant_id = OLD.tenant_id AND i.invoice_id = OLD.id) THEN
        RAISE EXCEPTION 'draft % has lines', OLD.id USING ERRCODE = 'foreign_key_violation';
      END IF;
      RETURN OLD;
    END IF;
  ELSIF OLD.status = 'draft' OR
        (to_jsonb(NEW) - '{status,amount_paid_minor,amount_credited_minor,paid_at,payment_method,payment_reference,updated_at,version,invoice_number}'::text[])
      = (to_jsonb(OLD) - '{status,amount_paid_minor,amount_credited_minor,paid_at,payment_method,payment_reference,updated_at,version,invoice_number}'::text[]) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'invoice % is finalised: it is immutable', OLD.id USING ERRCODE = 'CB001';
END $$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON invoices FOR EACH ROW EXECUTE FUNCTION invoice_guard();

-- Lines come with their invoice: into a finalised one only from the transaction that finalises it.
CREATE FUNCTION invoice_items_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM added a LEFT JOIN invoices i ON i.tenant_id = a.tenant_id AND i.id = a.invoice_id
             WHERE i.id IS NULL OR i.status <> 'draft' AND i.finalised_xact IS DISTINCT FROM pg_current_xact_id()) THEN
    RAISE EXCEPTION 'a line is added to an invoice that is finalised, or is none' USING ERRCODE = 'CB001';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER guard_added AFTER INSERT ON invoice_items REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION invoice_items_guard();
CREATE FUNCTION invoice_item_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM invoices i WHERE i.tenant_id = OLD.tenant_id AND i.id = OLD.invoice_id AND i.status <> 'draft') THEN
    RAISE EXCEPTION 'the lines of a finalised invoice are immutable' USING ERRCODE = 'CB001';
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON invoice_items FOR EACH ROW EXECUTE FUNCTION invoice_item_guard();

-- Double entry: debits positive, credits negative. One fact of one document is posted once (the key) and balances, or the
-- commit is refused. Nothing is ever changed; balances are sums.
CREATE TABLE ledger_entries (
  tenant_id    uuid NOT NULL,
  document_id  uuid NOT NULL,            -- the invoice, payment, refund that the fact belongs to
  fact         text NOT NULL,            -- lib/domain/ledger.h
  line         smallint NOT NULL CHECK (line IN (1, 2)),
  account      text NOT NULL CHECK (account IN ('receivable', 'revenue', 'tax_payable', 'cash', 'customer_credit', 'credit_granted', 'bad_debt')),
  currency     text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
  customer_id  uuid NOT NULL,            -- exists: ledger_guard, a set at a time; customers are never deleted
  posted_at    timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, document_id, fact, line)
);
CALL protect('ledger_entries');
REVOKE UPDATE, DELETE ON ledger_entries FROM cloudbill_worker;
REVOKE DELETE ON tenants, customers, billing_runs FROM cloudbill_worker;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON ledger_entries FOR EACH ROW EXECUTE FUNCTION refuse();

-- Facts that a statement left unbalanced, until the commit looks at them. Empty outside of transactions.
CREATE TABLE ledger_open_facts (
  tenant_id   uuid NOT NULL,
  document_id uuid NOT NULL,
  fact        text NOT NULL,
  PRIMARY KEY (tenant_id, document_id, fact)
);
CALL protect('ledger_open_facts');

-- A statement that balances what it inserts (every one of ours) costs one pass over its rows. What it leaves open is noted,
-- and the deferred trigger below decides at commit.
CREATE FUNCTION ledger_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id, customer_id FROM added) a
             WHERE NOT EXISTS (SELECT FROM customers c WHERE c.tenant_id = a.tenant_id AND c.id = a.customer_id)) THEN
    RAISE EXCEPTION 'a ledger entry names no customer of its tenant' USING ERRCODE = 'foreign_key_violation';
  END IF;
  INSERT INTO ledger_open_facts
  SELECT DISTINCT tenant_id, document_id, fact FROM added
  GROUP BY tenant_id, document_id, fact, currency HAVING sum(amount_minor) <> 0
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER guard_added AFTER INSERT ON ledger_entries REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard();

CREATE FUNCTION ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM ledger_entries
             WHERE tenant_id = NEW.tenant_id AND document_id = NEW.document_id AND fact = NEW.fact
             GROUP BY currency HAVING sum(amount_minor) <> 0) THEN
    RAISE EXCEPTION 'ledger entries of % % do not sum to zero', NEW.fact, NEW.document_id USING ERRCODE = 'CB002';
  END IF;
  DELETE FROM ledger_open_facts
  WHERE tenant_id = NEW.tenant_id AND document_id = NEW.document_id AND fact = NEW.fact;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER balances AFTER INSERT ON ledger_open_facts DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION ledger_balances();

-- Rates by tax code and place (BILL-041). One active rate for each: which one a line has is never a matter of luck.
CREATE TABLE tax_rates (
  tenant_id  uuid NOT NULL REFERENCES tenants,
  id         uuid NOT NULL,
  code       text NOT NULL CHECK (code ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'),
  name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  percentage numeric(9, 6) NOT NULL CHECK (percentage BETWEEN 0 AND 100),
  category   text NOT NULL CHECK (category IN ('standard', 'zero', 'exempt', 'reverse_charge')),
  inclusive  boolean NOT NULL DEFAULT false,
  country    text CHECK (country ~ '^[A-Z]{2}$'),
  region     text CHECK (length(region) BETWEEN 1 AND 100),
  tax_code   text CHECK (tax_code ~ '^[a-z0-9][a-z0-9_.-]{0,63}$'),
  status     text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived')),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version    bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code),
  CHECK (region IS NULL OR country IS NOT NULL),
  CHECK (category = 'standard' OR percentage = 0)
);
CREATE UNIQUE INDEX tax_rates_one_a_place ON tax_rates (tenant_id, COALESCE(country, ''), COALESCE(region, ''), COALESCE(tax_code, ''))
  WHERE status = 'active';
CALL protect('tax_rates');

-- What fixed coupons have taken off the lines of a subscription's period; what credits took back can be given again.
CREATE TABLE coupon_uses (
  tenant_id       uuid NOT NULL,
  subscription_id uuid NOT NULL,
  coupon_id       uuid NOT NULL,
  period_index    bigint NOT NULL,
  used_minor      bigint NOT NULL CHECK (used_minor >= 0),
  PRIMARY KEY (tenant_id, subscription_id, coupon_id, period_index),
  FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
  FOREIGN KEY (tenant_id, coupon_id) REFERENCES coupons (tenant_id, id)
) WITH (fillfactor = 70);
CALL protect('coupon_uses');

-- What an invoice's lines, a draft's included, had of fixed coupons in their periods; below zero what credits gave back (BILL-022).
CREATE FUNCTION fixed_coupon_shares(tenant uuid, invoice uuid)
RETURNS TABLE (subscription_id uuid, period_index bigint, coupon_id uuid, minor bigint) LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT i.subscription_id, i.period_index, (d.value ->> 'couponId')::uuid, (d.value ->> 'minor')::bigint
  FROM invoice_items i, json_array_elements(i.discounts) d
  WHERE i.tenant_id = tenant AND i.invoice_id = invoice AND i.credits IS NULL AND d.value ->> 'amountOff' IS NOT NULL
  UNION ALL
  SELECT o.subscription_id, o.period_index, (d.value ->> 'couponId')::uuid,
         round((d.value ->> 'minor')::bigint * COALESCE(i.listed_discount_minor, i.discount_minor)::numeric
               / NULLIF(COALESCE(o.listed_discount_minor, o.discount_minor), 0))::bigint
  FROM invoice_items i JOIN invoice_items o ON o.tenant_id = i.tenant_id AND o.id = i.credits_item_id AND o.subscription_id = i.subscription_id,
       json_array_elements(o.discounts) d
  WHERE i.tenant_id = tenant AND i.invoice_id = invoice AND d.value ->> 'amountOff' IS NOT NULL;
END;

-- Account credit: each grant with what is left of it, used oldest first (BILL-040). The sum of what is left is the
-- customer's balance on the ledger's account customer_credit.
CREATE TABLE credit_grants (
  tenant_id       uuid NOT NULL,
  id              uuid NOT NULL,
  customer_id     uuid NOT NULL,
  currency        text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  amount_minor    bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 999999999999999),
  remaining_minor bigint NOT NULL CHECK (remaining_minor BETWEEN 0 AND 999999999999999),
  source          text NOT NULL CHECK (source IN ('grant', 'invoice', 'credit_note', 'overpayment')),
  document_id     uuid,                            -- the invoice, note or payment that it came of
  is_refundable   boolean NOT NULL DEFAULT false,  -- set apart to be paid out: no invoice uses it
  reason          text CHECK (length(reason) BETWEEN 1 AND 500),
  expires_at      timestamptz,
  expired_at      timestamptz,
  granted_at      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
  CHECK (remaining_minor <= amount_minor),
  CHECK (expired_at IS NULL OR remaining_minor = 0)
) WITH (fillfactor = 70);
CREATE INDEX credit_grants_left ON credit_grants (tenant_id, customer_id, granted_at) WHERE remaining_minor > 0;
CREATE INDEX credit_grants_expiring ON credit_grants (expires_at) WHERE remaining_minor > 0 AND expires_at IS NOT NULL;
CREATE INDEX credit_grants_of_customer ON credit_grants (tenant_id, customer_id);
CALL protect('credit_grants');

CREATE TABLE credit_uses (
  tenant_id    uuid NOT NULL,
  invoice_id   uuid NOT NULL,
  grant_id     uuid NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  used_at      timestamptz NOT NULL,
  returned_minor bigint NOT NULL DEFAULT 0,   -- by a void, or by notes
  PRIMARY KEY (tenant_id, invoice_id, grant_id),
  CHECK (returned_minor BETWEEN 0 AND amount_minor),
  FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id),
  FOREIGN KEY (tenant_id, grant_id) REFERENCES credit_grants (tenant_id, id)
);
CALL protect('credit_uses');

-- Credit notes (BILL-043): what of an invoice is given back. Immutable; amounts are net of tax and after discount.
CREATE TABLE credit_notes (
  tenant_id        uuid NOT NULL,
  id               uuid NOT NULL,
  series           text NOT NULL,
  number           bigint NOT NULL,
  credit_note_number text GENERATED ALWAYS AS (series || '-' || lpad(number::text, greatest(6, length(number::text)), '0')) STORED,
  invoice_id       uuid NOT NULL,
  customer_id      uuid NOT NULL,
  currency         text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  reason           text CHECK (length(reason) BETWEEN 1 AND 500),
  disposition      text NOT NULL CHECK (disposition IN ('credit', 'refund')),
  amount_minor     bigint NOT NULL,
  tax_minor        bigint NOT NULL,
  total_minor      bigint NOT NULL CHECK (total_minor >= 0),
  applied_minor    bigint NOT NULL CHECK (applied_minor >= 0),   -- reduced what was due
  left_minor       bigint NOT NULL CHECK (left_minor >= 0),      -- became credit, or is to be refunded
  returned_minor   bigint NOT NULL CHECK (returned_minor BETWEEN 0 AND left_minor), -- of it, went back to the credit that had paid
  expired_minor    bigint NOT NULL CHECK (expired_minor BETWEEN 0 AND returned_minor), -- which had ended
  issue_date       date NOT NULL,
  provenance       jsonb NOT NULL,                               -- BILL-025: what it goes by, and the lines as they were before
  created_at       timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, series, number),
  FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id),
  FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
  CHECK (total_minor = amount_minor + tax_minor),
  CHECK (total_minor = applied_minor + left_minor)
);
CREATE INDEX credit_notes_of_invoice ON credit_notes (tenant_id, invoice_id);
CALL protect('credit_notes');
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON credit_notes FOR EACH ROW EXECUTE FUNCTION refuse();

CREATE TABLE credit_note_items (
  tenant_id      uuid NOT NULL,
  credit_note_id uuid NOT NULL,
  line           integer NOT NULL CHECK (line >= 1),
  invoice_id     uuid NOT NULL,
  invoice_line   integer NOT NULL,
  amount_minor   bigint NOT NULL,
  tax_minor      bigint NOT NULL,
  PRIMARY KEY (tenant_id, credit_note_id, line),
  FOREIGN KEY (tenant_id, credit_note_id) REFERENCES credit_notes (tenant_id, id),
  FOREIGN KEY (tenant_id, invoice_id, invoice_line) REFERENCES invoice_items (tenant_id, invoice_id, line)
);
CREATE INDEX credit_note_items_of_invoice ON credit_note_items (tenant_id, invoice_id, invoice_line);
CALL protect('credit_note_items');
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON credit_note_items FOR EACH ROW EXECUTE FUNCTION refuse();
