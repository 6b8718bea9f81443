-- What makes each message have one effect: offsets, outcomes, the outbox, dead letters. And who did what.

-- The truth about progress. A worker locks its batch's rows first, skips what lies below next_offset, and moves them in
-- the transaction of the effects.
CREATE TABLE consumer_offsets (
  consumer_group text NOT NULL,
  topic          text NOT NULL,
  partition      integer NOT NULL CHECK (partition >= 0),
  next_offset    bigint NOT NULL CHECK (next_offset >= 0),
  cluster_id     text NOT NULL,         -- of the broker that counts these offsets: another cluster counts anew
  processed      bigint NOT NULL DEFAULT 0,
  dead           bigint NOT NULL DEFAULT 0,
  updated_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer_group, topic, partition)
) WITH (fillfactor = 50);
CALL protect_machinery('consumer_offsets');

-- Events (and commands to other workers) of one transaction, packed: in `messages`, one behind the other, name and bytes of each
-- part, as lib/bus/message.c packs them (encode(messages, 'escape') shows them). Published right after commit and deleted when every delivery is acknowledged; a
-- sweeper publishes what a dead process left.
CREATE TABLE outbox (
  id            uuid PRIMARY KEY,
  created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  message_count integer NOT NULL CHECK (message_count BETWEEN 1 AND 500),
  messages      bytea NOT NULL
);
-- Messages of one transaction are much alike: a sixth is left of them, which is cheaper than to log, keep and delete them whole.
DO $$ BEGIN
  ALTER TABLE outbox ALTER COLUMN messages SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN -- of a PostgreSQL that was built without lz4
  ALTER TABLE outbox ALTER COLUMN messages SET STORAGE EXTERNAL;
END $$;
CREATE INDEX outbox_age ON outbox (created_at);
CALL protect_machinery('outbox');

-- The outcome of each command that somebody waits for. Its id is f(tenant, caller, Idempotency-Key).
CREATE TABLE commands (
  tenant_id    uuid NOT NULL REFERENCES tenants,
  id           uuid NOT NULL,
  type         text NOT NULL,
  caller       text NOT NULL,
  body_hash    text NOT NULL,           -- SHA-256 of method, path and body: another one with the same key is refused
  status       text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
  http_status  integer NOT NULL,        -- 0 while pending
  result       text,                    -- the resource as JSON text, exactly as it is answered
  error_code   text,
  error_text   text,
  error_field  text,
  error_details text,
  reply_to     text NOT NULL DEFAULT '', -- channel of the API instance that waits
  request_id   text NOT NULL DEFAULT '',
  address      text NOT NULL DEFAULT '',
  created_at   timestamptz NOT NULL DEFAULT now(),
  completed_at timestamptz,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX commands_age ON commands (created_at);
CALL protect('commands');
GRANT INSERT ON commands TO cloudbill_api;   -- what it does itself

-- Original messages that could not be processed, with why. tenant_id is nil when the message did not say, or lied.
CREATE TABLE dead_letters (
  tenant_id        uuid NOT NULL,
  id               uuid NOT NULL,
  worker           text NOT NULL,
  source_topic     text NOT NULL,
  source_partition integer NOT NULL,
  source_offset    bigint NOT NULL,
  message_id       text NOT NULL,
  message_type     text NOT NULL,
  message_key      text NOT NULL,
  headers          jsonb NOT NULL,
  value            bytea NOT NULL,
  run_id           uuid,                -- of the billing run that waits for what the message would have done
  reason           text NOT NULL,
  error_code       text NOT NULL,
  attempts         integer NOT NULL,
  history          jsonb NOT NULL DEFAULT '[]',
  first_failure_at timestamptz NOT NULL,
  last_failure_at  timestamptz NOT NULL,
  status           text NOT NULL DEFAULT 'dead' CHECK (status IN ('dead', 'replayed', 'dropped')),
  resolved_at      timestamptz,
  resolved_by      text,
  version          bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX dead_letters_open ON dead_letters (tenant_id, last_failure_at) WHERE status = 'dead';
CREATE INDEX dead_letters_of_invoice ON dead_letters (tenant_id, (headers ->> 'ce_subject')) WHERE message_type = 'invoice.create';
CREATE INDEX dead_letters_of_run ON dead_letters (tenant_id, run_id) WHERE run_id IS NOT NULL AND status = 'dead';
CALL protect('dead_letters');

-- One row for each command and each act on identity.
CREATE TABLE audit_log (
  tenant_id     uuid NOT NULL REFERENCES tenants,
  id            uuid NOT NULL,
  at            timestamptz NOT NULL,
  actor         text NOT NULL,           -- "user:<id>", "client:<id>", "worker:<name>"
  action        text NOT NULL,           -- a command's name, or "auth.login" and the like
  outcome       text NOT NULL CHECK (outcome IN ('succeeded', 'failed')),
  resource_type text NOT NULL,
  resource_id   text NOT NULL,
  before        jsonb,
  after         jsonb,
  request_id    text NOT NULL,
  address       text NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CALL protect('audit_log');
GRANT INSERT ON audit_log TO cloudbill_api;
REVOKE UPDATE, DELETE ON audit_log FROM cloudbill_worker;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse();

-- Liveness of each process, by its own word.
CREATE TABLE worker_heartbeats (
  worker       text NOT NULL,
  instance     text NOT NULL,
  version      text NOT NULL,
  started_at   timestamptz NOT NULL,
  seen_at      timestamptz NOT NULL,
  progress_at  timestamptz NOT NULL,
  memory_bytes bigint NOT NULL,
  PRIMARY KEY (worker, instance)
) WITH (fillfactor = 50);
CALL protect_machinery('worker_heartbeats');
GRANT SELECT ON worker_heartbeats TO cloudbill_api;
CREATE POLICY everyone_sees ON worker_heartbeats FOR SELECT TO cloudbill_api USING (true);
