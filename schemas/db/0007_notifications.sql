-- E-mail: one row for each event and template. The id is derived from both, and is the Message-ID, so that a second copy is
-- recognised. pending: waits for its next_attempt_at. sending: a process has it until next_attempt_at, then another may. dropped:
-- its invoice was void when its time came.

CREATE TABLE notifications (
  tenant_id       uuid NOT NULL,
  id              uuid NOT NULL,
  event_id        uuid NOT NULL,
  template        text NOT NULL,
  locale          text NOT NULL,
  recipient       text NOT NULL,
  customer_id     uuid NOT NULL,     -- exists: recipients.sql has found it (no foreign keys: see 0005_invoices.sql)
  invoice_id      uuid,
  payment_id      uuid,
  variables       jsonb NOT NULL,
  status          text NOT NULL CHECK (status IN ('pending', 'sending', 'sent', 'failed', 'dropped')),
  attempts        integer NOT NULL DEFAULT 0,
  deferrals       integer NOT NULL DEFAULT 0,  -- attempts that the server put off; one that did not reach it is none
  next_attempt_at timestamptz,
  last_error      text,
  sent_at         timestamptz,
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  version         bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, id),
  CHECK ((status IN ('sent', 'failed', 'dropped')) = (next_attempt_at IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX notifications_due ON notifications (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX notifications_of_invoice ON notifications (tenant_id, invoice_id) WHERE template = 'invoice';
CALL protect('notifications');
REVOKE DELETE ON notifications FROM cloudbill_worker;

CREATE TABLE notification_attempts (
  tenant_id       uuid NOT NULL,
  notification_id uuid NOT NULL,     -- exists: notification_claim.sql has just claimed it
  attempt         integer NOT NULL,
  started_at      timestamptz NOT NULL,
  duration_ms     bigint,
  response        text,              -- the server's last line, or why there was none
  delivered       boolean,           -- NULL: under way, or the process that sent it died
  PRIMARY KEY (tenant_id, notification_id, attempt)
) WITH (fillfactor = 50);
CALL protect('notification_attempts');
