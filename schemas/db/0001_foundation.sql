-- Roles, helpers, tenants and identity.
--
-- Every table carries tenant_id, keys start with it, and row-level security is FORCEd. cloudbill_api sees one tenant, the
-- one that its transaction named in app.tenant_id; cloudbill_worker acts for all and names the tenant in each statement;
-- cloudbill_identity owns the few functions that must look before a tenant is known (login). None owns a table.
-- `cloudbill migrate` has created the roles and the schema, and runs this as cloudbill_owner.

CREATE FUNCTION current_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN NULLIF(current_setting('app.tenant_id', true), '')::uuid;

-- Puts a table under row-level security: the API by tenant, workers for all. The sub-select is computed once for a statement;
-- without it the function runs for each row.
CREATE PROCEDURE protect(relation text, tenant_column text DEFAULT 'tenant_id') LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', relation);
  EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', relation);
  EXECUTE format('CREATE POLICY one_tenant ON %I TO cloudbill_api USING (%I = (SELECT current_tenant())) WITH CHECK (%2$I = (SELECT current_tenant()))',
                 relation, tenant_column);
  EXECUTE format('CREATE POLICY all_tenants ON %I TO cloudbill_worker USING (true) WITH CHECK (true)', relation);
  EXECUTE format('GRANT SELECT ON %I TO cloudbill_api', relation);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO cloudbill_worker', relation);
END $$;

-- For tables that belong to the machinery and not to a tenant: workers only.
CREATE PROCEDURE protect_machinery(relation text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', relation);
  EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', relation);
  EXECUTE format('CREATE POLICY workers ON %I TO cloudbill_worker USING (true) WITH CHECK (true)', relation);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO cloudbill_worker', relation);
END $$;

-- ISO 4217 exponents (BILL-001); a contract test compares them with lib/base/money.c.
CREATE FUNCTION currency_exponent(currency text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN currency IN ('BIF','CLP','DJF','GNF','ISK','JPY','KMF','KRW','PYG','RWF','UGX','UYI','VND','VUV','XAF','XOF','XPF') THEN 0
  WHEN currency IN ('BHD','IQD','JOD','KWD','LYD','OMR','TND') THEN 3
  WHEN currency IN ('CLF','UYW') THEN 4
  ELSE 2 END;

-- Minor units to currency units with exactly the currency's digits: 9900, USD -> 99.00. A JSON number of the API.
CREATE FUNCTION units(minor bigint, currency text) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN round(minor / power(10::numeric, currency_exponent(currency)), currency_exponent(currency));

-- Real time among test clocks: the clock of everybody who was not made on one.
CREATE FUNCTION real_time() RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '00000000-0000-0000-0000-000000000000'::uuid;

-- 2026-11-21T07:46:59.123Z
CREATE FUNCTION iso(t timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

-- Whether the tz database has a zone of this name; what is computed in one that it lost meanwhile is computed in UTC.
CREATE FUNCTION zone_is_known(zone text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  PERFORM '2026-01-01'::timestamptz AT TIME ZONE zone;
  RETURN true;
EXCEPTION WHEN invalid_parameter_value THEN
  RETURN false;
END $$;

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of % is not allowed: it is immutable', TG_OP, TG_TABLE_NAME USING ERRCODE = 'CB001';
END $$;

CREATE TABLE tenants (
  id              uuid PRIMARY KEY,
  name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  status          text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'INACTIVE', 'SUSPENDED', 'PENDING')),
  mode            text NOT NULL DEFAULT 'live' CHECK (mode IN ('live', 'test')),
  currency        text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  time_zone       text NOT NULL DEFAULT 'UTC' CHECK (zone_is_known(time_zone)),
  locale          text NOT NULL DEFAULT 'en',
  net_terms_days  integer NOT NULL DEFAULT 0 CHECK (net_terms_days BETWEEN 0 AND 365),
  seller          jsonb NOT NULL DEFAULT '{}',   -- particulars printed on documents
  invoice_series  text NOT NULL DEFAULT 'INV' CHECK (invoice_series ~ '^[A-Z0-9-]{1,16}$'),
  credit_note_series text NOT NULL DEFAULT 'CN' CHECK (credit_note_series ~ '^[A-Z0-9-]{1,16}$'),
  draft_hours     integer NOT NULL DEFAULT 0 CHECK (draft_hours BETWEEN 0 AND 720),  -- before automatic finalisation (BILL-071)
  tax_rounding    text NOT NULL DEFAULT 'total' CHECK (tax_rounding IN ('total', 'line')),
  tax_country     text CHECK (tax_country ~ '^[A-Z]{2}$'),                           -- where the seller is taxed
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now(),
  version         bigint NOT NULL DEFAULT 1,
  CHECK (credit_note_series <> invoice_series)
);
CALL protect('tenants', 'id');
GRANT UPDATE (currency, time_zone, locale, net_terms_days, seller, invoice_series, credit_note_series, draft_hours, tax_rounding,
              tax_country, updated_at, version) ON tenants TO cloudbill_api;   -- its settings
-- What was live stays live: a test clock must never reach a real customer, and workers remember a tenant's mode.
CREATE FUNCTION tenant_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the mode of a tenant is immutable' USING ERRCODE = 'CB001';
END $$;
CREATE TRIGGER mode_is_immutable BEFORE UPDATE OF mode ON tenants FOR EACH ROW WHEN (NEW.mode <> OLD.mode)
  EXECUTE FUNCTION tenant_guard();

CREATE TABLE users (
  tenant_id         uuid NOT NULL REFERENCES tenants,
  id                uuid NOT NULL,
  email             text NOT NULL CHECK (length(email) <= 254),
  password_hash     text,
  role              text NOT NULL CHECK (role IN ('SUPER_ADMIN', 'ADMIN', 'BILLING_ADMIN', 'USER', 'VIEWER')),
  status            text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'INVITED', 'SUSPENDED')),
  first_name        text NOT NULL DEFAULT '',
  last_name         text NOT NULL DEFAULT '',
  email_verified_at timestamptz,
  created_at        timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now(),
  version           bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, id)
);
-- One address, one account, in whatever letters it is typed: login knows no tenant yet.
CREATE UNIQUE INDEX users_email ON users (lower(email));
CALL protect('users');

CREATE TABLE sessions (
  tenant_id    uuid NOT NULL,
  id           uuid NOT NULL,
  user_id      uuid NOT NULL,
  refresh_hash text NOT NULL,          -- SHA-256 of the refresh token that is good now
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  ended_at     timestamptz,
  address      text NOT NULL DEFAULT '',
  user_agent   text NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX sessions_of_user ON sessions (tenant_id, user_id);
CALL protect('sessions');
GRANT INSERT, UPDATE ON sessions TO cloudbill_api;

-- Login: the account behind an address, whichever tenant it is in. Nothing else crosses tenants for the API.
GRANT SELECT ON users, tenants TO cloudbill_identity;
CREATE POLICY login ON users TO cloudbill_identity USING (true);
CREATE POLICY login ON tenants TO cloudbill_identity USING (true);
CREATE FUNCTION account_for_login(address text)
RETURNS TABLE (tenant_id uuid, user_id uuid, password_hash text, role text, user_status text, tenant_status text, verified boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = cloudbill, pg_temp
BEGIN ATOMIC
  SELECT u.tenant_id, u.id, u.password_hash, u.role, u.status, t.status, u.email_verified_at IS NOT NULL
  FROM users u JOIN tenants t ON t.id = u.tenant_id
  WHERE lower(u.email) = lower(address);
END;
ALTER FUNCTION account_for_login(text) OWNER TO cloudbill_identity;
REVOKE EXECUTE ON FUNCTION account_for_login(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION account_for_login(text) TO cloudbill_api;
