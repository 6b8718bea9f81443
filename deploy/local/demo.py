#!/usr/bin/python3
"""The demo's work, over the REST API: customers of many countries, cards of all kinds, subscriptions that began
months ago, and a billing run that catches up. Then it explains what it sees: every sum is worked out a second time,
here, from the billing rules, and anything that does not agree ends the program with status 1.

./dev demo starts it, with the instance's settings in the environment. Python's standard library is all it needs.
"""

import argparse
import http.client
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
import unicodedata
import uuid
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from demo_people import LANDS

SEED = 20261121  # the same customers each time
CONNECTIONS = 16
STALL_SECONDS = 120  # so long may nothing change before we say that it hangs

CURRENCY_DIGITS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}

# code, name, cycle, months of it, prices in minor units
PLANS = (
    ("starter-monthly", "Starter", "monthly", 1, {"USD": 1900, "EUR": 1750, "JPY": 2800, "KWD": 5900}),
    ("team-monthly", "Team", "monthly", 1, {"USD": 9900, "EUR": 8999, "JPY": 14800, "KWD": 30455}),
    ("business-quarterly", "Business", "quarterly", 3, {"USD": 89700, "EUR": 82350, "JPY": 134500, "KWD": 275125}),
)

# The sandbox gateway's cards: token, what becomes of each charge at first, how many of 100 customers have it.
CARDS = (
    ("pm_card_visa", "paid", 82),
    ("pm_card_chargeDeclinedInsufficientFunds", "waiting", 7),
    ("pm_card_chargeDeclinedLostCard", "dead", 3),
    ("pm_card_chargeDeclinedFraudulent", "dead", 2),
    ("pm_card_noAnswerCharged", "paid", 3),
    ("pm_card_noAnswerNotCharged", "paid", 3),
)
OUTCOME_OF_CARD = {token: outcome for token, outcome, _ in CARDS}


# --- what it says -------------------------------------------------------------------------------------------

TERMINAL = sys.stdout.isatty()


def say(text):
    print(f"==> {text}", flush=True)


class Progress:
    """One line that is written over; in a file, a line every few seconds."""

    def __init__(self, title):
        self.title, self.shown_at, self.shown = title, 0.0 if TERMINAL else time.monotonic(), ""

    def show(self, text, last=False):
        now = time.monotonic()
        if not last and now - self.shown_at < (0.1 if TERMINAL else 5):
            return
        self.shown_at = now
        line = f"    {self.title}: {text}"
        if TERMINAL:
            print("\r" + pad(line, len(self.shown)), end="\n" if last else "", flush=True)
            self.shown = line
        else:
            print(line, flush=True)


def duration(seconds):
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def width(text):
    """Columns on a terminal: wide characters take two, combining ones none."""
    return sum(0 if unicodedata.combining(c) or unicodedata.category(c) in ("Mn", "Me", "Cf")
               else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def pad(text, columns):
    return text + " " * (columns - width(text))


def money(minor, currency):
    digits = CURRENCY_DIGITS[currency]
    whole, rest = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{whole:,}" + (f".{rest:0{digits}d}" if digits else "") + f" {currency}"


def units(value, currency):
    """Minor units of an amount of the API."""
    return int(Decimal(value).scaleb(CURRENCY_DIGITS[currency]))


def decimal(minor, currency):
    """The amount as the API takes it (BILL-004): exactly the currency's digits, as text."""
    digits = CURRENCY_DIGITS[currency]
    text = f"{minor:0{digits + 1}d}"
    return f"{text[:-digits]}.{text[-digits:]}" if digits else text


# --- the API ------------------------------------------------------------------------------------------------


class Refused(Exception):
    """The API said no, or said something that nobody expects."""


class Api:
    """One connection for each thread. A write carries an Idempotency-Key, so that it can be sent again."""

    def __init__(self, address):
        self.address, self.token, self.local = address, None, threading.local()

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body):
        return self.call("POST", path, body, {"Idempotency-Key": str(uuid.uuid4())})

    def call(self, method, path, body=None, headers=None):
        """The answer's data (and its pagination, for a list). Waits out what passes: 503, 429, a lost connection."""
        deadline = time.monotonic() + 60
        while True:
            try:
                status, wait, answer = self.send(method, path, body, headers or {})
            except (OSError, http.client.HTTPException) as error:
                self.local.connection = None
                status, wait, answer = 0, 0.5, str(error)
            if status == 202:
                return self.await_operation(answer["data"]["id"])
            if 200 <= status < 300:
                return answer
            if status not in (0, 429, 503) or time.monotonic() > deadline:
                raise Refused(f"{method} {path}: {status or 'no answer'}: {json.dumps(answer, ensure_ascii=False)}")
            time.sleep(wait)

    def send(self, method, path, body, headers):
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = http.client.HTTPConnection(self.address, timeout=30)
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body, ensure_ascii=False).encode()
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        content = response.read()
        answer = json.loads(content, parse_float=Decimal) if content else {}
        return response.status, float(response.headers.get("Retry-After", 0.5)), answer

    def await_operation(self, operation_id):
        while True:
            operation = self.get(f"/api/operations/{operation_id}")["data"]
            if operation["status"] == "succeeded":
                return {"data": operation["result"]}
            if operation["status"] == "failed":
                raise Refused(f"operation {operation_id}: {operation['error']}")
            time.sleep(0.2)


# --- the database, for cross-checks: read only --------------------------------------------------------------


def query(sql, **values):
    """One statement's one JSON value. Values are written as :'name'."""
    command = [os.environ["POSTGRES_BIN"] + "/psql", "-XAtq", "-v", "ON_ERROR_STOP=1"]
    for name, value in values.items():
        command += ["-v", f"{name}={value}"]
    options = "-c default_transaction_read_only=on -c search_path=cloudbill"
    result = subprocess.run(command + [os.environ["DATABASE_ADMIN_URL"]], input=sql, text=True, check=True,
                            stdout=subprocess.PIPE, env={**os.environ, "PGOPTIONS": options})
    return json.loads(result.stdout)


# One snapshot of all that is compared. A payment is "waiting" when it was tried and its next attempt lies ahead, and
# "dead" when no further attempt comes: its card was declined for good (it is given up when no other card comes).
FACTS_SQL = """
SELECT json_build_object(
  'invoices', (SELECT count(*) FROM invoices WHERE tenant_id = :'tenant' AND number IS NOT NULL),
  'invoices_of_runs', (SELECT count(*) FROM invoices WHERE tenant_id = :'tenant' AND run_id IS NOT NULL),
  'unnumbered', (SELECT count(*) FROM invoices WHERE tenant_id = :'tenant' AND number IS NULL),
  'highest_number', (SELECT max(number) FROM invoices WHERE tenant_id = :'tenant'),
  'lines', (SELECT count(*) FROM invoice_items WHERE tenant_id = :'tenant'),
  'parked', (SELECT count(*) FROM parked_subscriptions WHERE tenant_id = :'tenant' AND resolved_at IS NULL),
  'billed', (SELECT COALESCE(json_object_agg(currency, total), '{}') FROM (
     SELECT currency, sum(total_minor) AS total FROM invoices WHERE tenant_id = :'tenant' GROUP BY currency) x),
  'open', (SELECT COALESCE(json_object_agg(currency, total), '{}') FROM (
     SELECT currency, sum(total_minor - amount_paid_minor - credit_applied_minor - amount_credited_minor) AS total
     FROM invoices WHERE tenant_id = :'tenant' AND status IN ('open', 'uncollectible') GROUP BY currency) x),
  'invoices_paid', (SELECT count(*) FROM invoices WHERE tenant_id = :'tenant' AND status = 'paid'),
  'payments', (SELECT COALESCE(json_agg(json_build_object(
       'token', token, 'state', state, 'currency', currency, 'count', count, 'total', total)), '[]') FROM (
     SELECT m.token, p.currency, count(*) AS count, sum(p.amount_minor) AS total, CASE
        WHEN p.status = 'succeeded' THEN 'paid'
        WHEN p.status = 'failed' THEN 'dead'
        WHEN p.status = 'pending' AND p.attempts > 0 AND p.next_attempt_at > now() + interval '1 hour' THEN 'waiting'
        ELSE 'busy: ' || p.status END AS state
     FROM payments p LEFT JOIN payment_methods m ON m.tenant_id = p.tenant_id AND m.id = p.payment_method_id
     WHERE p.tenant_id = :'tenant' GROUP BY 1, 2, state) x),
  'given_up', (SELECT count(*) FROM payments WHERE tenant_id = :'tenant' AND dead_letter_id IS NOT NULL),
  'paid_invoices', (SELECT COALESCE(json_agg(invoice_id), '[]') FROM payments
     WHERE tenant_id = :'tenant' AND status = 'succeeded'),
  'other_invoices', (SELECT COALESCE(json_agg(invoice_id), '[]') FROM payments
     WHERE tenant_id = :'tenant' AND status <> 'succeeded'),
  'ledger', (SELECT COALESCE(json_agg(json_build_object('account', account, 'currency', currency, 'balance', balance)), '[]')
     FROM (SELECT account, currency, sum(amount_minor) AS balance FROM ledger_entries
           WHERE tenant_id = :'tenant' GROUP BY account, currency) x),
  'dead_letters', (SELECT count(*) FROM dead_letters WHERE tenant_id = :'tenant' AND status = 'dead'),
  'mails', (SELECT COALESCE(json_agg(json_build_object('template', template, 'status', status, 'count', count)), '[]')
     FROM (SELECT template, status, count(*) FROM notifications WHERE tenant_id = :'tenant' GROUP BY 1, 2) x),
  'outbox', (SELECT count(*) FROM outbox))
"""


# --- the billing rules, a second time -----------------------------------------------------------------------


def clamp(month, day):
    """The date of that day in a month that is counted from year 0, or the month's last (BILL-010)."""
    year, index = divmod(month, 12)
    following = date(year + (index == 11), (index + 1) % 12 + 1, 1)
    return date(year, index + 1, min(day, (following - timedelta(days=1)).day))


def month_of(day):
    return day.year * 12 + day.month - 1


def expected_lines(subscription, now):
    """The amount of each period that fell due until now, billed in advance (BILL-011, BILL-013, BILL-021)."""
    start, day, step = subscription.start, subscription.anchor_day, subscription.months
    n = 0 if clamp(month_of(start), day) <= start else -1
    amounts = []
    while True:
        opens, closes = clamp(month_of(start) + n * step, day), clamp(month_of(start) + (n + 1) * step, day)
        begins = max(opens, start)
        if datetime(begins.year, begins.month, begins.day, tzinfo=ZoneInfo(subscription.time_zone)) > now:
            return amounts
        days, full = (closes - begins).days, (closes - opens).days
        amounts.append((2 * subscription.price * days + full) // (2 * full))  # BILL-002
        n += 1


# --- input --------------------------------------------------------------------------------------------------


class Subscription:
    """A customer, a card and a plan, as they will be sent; the same for the same number."""

    def __init__(self, number, today):
        rng = random.Random(f"{SEED}/{number}")
        self.land = LANDS[number % len(LANDS)]
        self.name, self.address = self.land.person(rng), self.land.address(rng)
        self.email = f"customer-{number:06d}@{self.land.country.lower()}.example"
        self.currency, self.time_zone = self.land.currency, self.land.time_zone
        self.card = rng.choices([c[0] for c in CARDS], [c[2] for c in CARDS])[0]
        self.plan, _, _, self.months, prices = rng.choices(PLANS, (6, 3, 1))[0]
        self.price = prices[self.currency]
        self.start = today - timedelta(days=rng.randint(31, 122))
        # most on the day they began, a good part at the end of the month
        self.anchor_day = rng.choices((self.start.day, rng.randint(1, 28), rng.randint(29, 31)), (5, 2, 3))[0]

    def create(self, api):
        customer = api.post("/api/customers", {
            "name": self.name, "email": self.email, "address": self.address, "locale": self.land.locale,
            "timeZone": self.time_zone, "currency": self.currency})["data"]
        api.post("/api/payment-methods", {"customerId": customer["id"], "token": self.card, "setDefault": True})
        api.post("/api/billing/subscriptions", {
            "customerId": customer["id"], "planId": self.plan, "currency": self.currency,
            "startDate": self.start.isoformat(), "billingAnchor": self.anchor_day})


def create_plans(api):
    for code, name, cycle, _, prices in PLANS:
        (currency, price), *further = prices.items()
        api.post("/api/plans", {
            "code": code, "name": name, "price": decimal(price, currency), "currency": currency, "billingCycle": cycle,
            "prices": [{"currency": c, "price": decimal(p, c)} for c, p in further]})


def create_all(api, subscriptions):
    progress, started, done = Progress("customers, cards and subscriptions"), time.monotonic(), 0
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for _ in pool.map(lambda s: s.create(api), subscriptions):
            done += 1
            elapsed = time.monotonic() - started
            left = f", {duration((len(subscriptions) - done) * elapsed / done)} left" if done >= 20 else ""
            progress.show(f"{done} of {len(subscriptions)}, {done / elapsed:.0f}/s{left}", last=done == len(subscriptions))


# --- the run ------------------------------------------------------------------------------------------------


class Stall:
    """Says when nothing has changed for too long."""

    def __init__(self):
        self.seen, self.since = None, time.monotonic()

    def check(self, state, doing):
        if state != self.seen:
            self.seen, self.since = state, time.monotonic()
        elif time.monotonic() - self.since > STALL_SECONDS:
            raise Refused(f"{doing}: nothing has changed for {STALL_SECONDS} s: {state}")


def billing_run(api, now, title="billing run"):
    run = api.post("/api/billing/runs", {"asOf": now.strftime("%Y-%m-%dT%H:%M:%SZ")})["data"]
    progress, stall = Progress(title), Stall()
    while True:
        run = api.get(f"/api/billing/runs/{run['id']}")["data"]
        done = run["status"] == "completed" and run["invoicesFinalised"] == run["invoicesRequested"]
        left = run.get("secondsLeft")
        progress.show(f"{run['due']} periods due, {run['invoicesFinalised']} of {run['invoicesRequested']} invoices "
                      f"finalised, {run.get('ratePerSecond') or 0:.0f} periods/s"
                      + ("" if done or left is None else f", {duration(left)} left"), last=done)
        if done:
            return run
        stall.check((run["status"], run["due"], run["invoicesFinalised"]), "billing run")
        time.sleep(0.1)


def settle(tenant):
    """Until no payment is under way and every mail that follows from what happened is sent."""
    progress, stall = Progress("payments and mails"), Stall()
    while True:
        facts = query(FACTS_SQL, tenant=tenant)
        states = count_by(facts["payments"], "state")
        mails = count_by(facts["mails"], "status")
        busy = sum(n for state, n in states.items() if state.startswith("busy")) + facts["invoices"] - sum(states.values())
        missing = sum(expected_mails(facts).values()) - mails["sent"]
        done = busy == 0 and missing <= 0 and set(mails) <= {"sent"} and facts["outbox"] == 0
        progress.show(f"{states['paid']} paid, {states['waiting']} waiting for a retry, {states['dead']} dead, "
                      f"{busy} under way; {mails['sent']} mails sent, {max(0, missing)} to come", last=done)
        if done:
            return facts
        try:
            stall.check((sorted(states.items()), sorted(mails.items()), facts["outbox"] == 0), "payments and mails")
        except Refused as hang:
            print(f"\n    {hang}", flush=True)
            return facts  # the checks say what is missing
        time.sleep(0.5)


def count_by(rows, key):
    counts = Counter()
    for row in rows:
        counts[row[key]] += row["count"]
    return counts


def expected_mails(facts):
    """An invoice by mail, then a receipt, or a word about the failure: each payment failed once so far, if it did."""
    states = count_by(facts["payments"], "state")
    return {"invoice": facts["invoices"], "receipt": states["paid"],
            "payment_failed": states["waiting"] + states["dead"]}


# --- does it add up -----------------------------------------------------------------------------------------


class Checks:
    """What must be equal, and what was not."""

    def __init__(self):
        self.count, self.unexplained = 0, []

    def equal(self, what, seen, expected):
        self.count += 1
        if seen != expected:
            self.unexplained.append(f"{what}: {seen}, expected {expected}")


def amounts(pairs):
    sums = defaultdict(int)
    for currency, minor in pairs:
        sums[currency] += minor
    return {currency: total for currency, total in sorted(sums.items()) if total}


def message_ids(directory):
    """How many .eml files carry each Message-ID."""
    pattern, counts = re.compile(rb"^message-id:\s*<([^@>]+)", re.IGNORECASE | re.MULTILINE), Counter()
    for path in directory.glob("*.eml"):
        found = pattern.search(path.read_bytes().split(b"\r\n\r\n", 1)[0])
        counts[found.group(1).decode() if found else f"none in {path.name}"] += 1
    return counts


def check_billing(api, checks, run, again, facts, lines):
    """Each subscription's first period was billed when it was created; the run catches up with the others."""
    caught_up = [(s, minor) for s, minors in lines for minor in minors[1:]]
    billed = amounts((s.currency, minor) for s, minors in lines for minor in minors)
    by_run = amounts((a["currency"], units(a["total"], a["currency"])) for a in run["amounts"])
    checks.equal("BILL-064: the run's due", run["due"], run["invoiced"] + run["nothingToBill"] + run["parked"])
    checks.equal("periods due in the run, by the calendar", run["due"], len(caught_up))
    checks.equal("amounts billed by the run, by the rules", by_run, amounts((s.currency, m) for s, m in caught_up))
    checks.equal("invoices of the run", facts["invoices_of_runs"], run["invoicesFinalised"])
    checks.equal("invoices asked for by the run", run["invoicesRequested"], run["invoicesFinalised"])
    checks.equal("lines on invoices, by the calendar", facts["lines"], sum(len(minors) for _, minors in lines))
    checks.equal("invoices", facts["invoices"], run["invoicesFinalised"] + len(lines))
    checks.equal("amounts billed, by the rules", amounts(facts["billed"].items()), billed)
    checks.equal("parked subscriptions", facts["parked"], run["parked"])
    checks.equal("invoices without a number", facts["unnumbered"], 0)
    checks.equal("the highest invoice number (no gap)", facts["highest_number"] or 0, facts["invoices"])
    checks.equal("invoices by the API", api.get("/api/billing/invoices?limit=1")["pagination"]["total"], facts["invoices"])
    checks.equal("BILL-060: due in a second run", again["due"], 0)
    return billed


def check_payments(checks, facts, lines):
    payments = facts["payments"]
    checks.equal("a payment for each invoice", sum(p["count"] for p in payments), facts["invoices"])
    for token, outcome in OUTCOME_OF_CARD.items():
        periods = sum(len(minors) for s, minors in lines if s.card == token)
        states = {state: n for state, n in count_by((p for p in payments if p["token"] == token), "state").items() if n}
        checks.equal(f"payments with {token}", states, {outcome: periods} if periods else {})
    paid = amounts((p["currency"], p["total"]) for p in payments if p["state"] == "paid")
    checks.equal("paid invoices", facts["invoices_paid"], count_by(payments, "state")["paid"])
    checks.equal("dead letters", facts["dead_letters"], facts["given_up"])

    gateway = Api(os.environ["GATEWAY_URL"].removeprefix("http://"))
    charged = gateway.get("/sandbox/stats?metadata=invoice_id")["succeededByMetadata"]["counts"]
    checks.equal("paid invoices that the gateway did not charge exactly once",
                 sum(1 for i in facts["paid_invoices"] if charged.get(i) != 1), 0)
    checks.equal("unpaid invoices that the gateway charged", sum(1 for i in facts["other_invoices"] if i in charged), 0)
    return paid


def check_ledger(checks, facts, billed, paid):
    ledger = {(e["account"], e["currency"]): e["balance"] for e in facts["ledger"]}

    def account(name):
        return amounts((c, minor) for (a, c), minor in ledger.items() if a == name)

    balance = amounts((currency, minor) for (_, currency), minor in ledger.items())
    checks.equal("the ledger's sum", balance, {})
    checks.equal("cash in the ledger", account("cash"), paid)
    checks.equal("receivable in the ledger", account("receivable"), amounts(facts["open"].items()))
    checks.equal("revenue in the ledger", account("revenue"), {c: -minor for c, minor in billed.items()})
    # What is charged in a currency of three decimals ends in 0: the rest is the customer's credit.
    credit = {currency: -minor for currency, minor in account("customer_credit").items()}
    owed = amounts(facts["open"].items())
    checks.equal("billed and the customers' credit are paid and open",
                 {c: billed.get(c, 0) + credit.get(c, 0) for c in billed},
                 {c: paid.get(c, 0) + owed.get(c, 0) for c in billed})
    return balance, credit


def check_mails(checks, facts, tenant):
    sent = Counter({m["template"]: m["count"] for m in facts["mails"] if m["status"] == "sent"})
    checks.equal("mails by kind", dict(sent), {k: n for k, n in expected_mails(facts).items() if n})
    checks.equal("mails not sent", {m["status"]: m["count"] for m in facts["mails"] if m["status"] != "sent"}, {})
    ids = query("SELECT COALESCE(json_agg(id), '[]') FROM notifications WHERE tenant_id = :'tenant' AND status = 'sent'",
                tenant=tenant)
    files = message_ids(Path(os.environ["MAIL_DIR"]))
    checks.equal("sent mails without a file", sum(1 for i in ids if i not in files), 0)
    checks.equal("messages in the outbox", facts["outbox"], 0)
    return sum(files[i] for i in ids)


def table(run, facts, subscriptions, billed, paid, balance, credit, files):
    states, mails = count_by(facts["payments"], "state"), count_by(facts["mails"], "template")
    open_amounts = amounts(facts["open"].items())
    customers = Counter(s.currency for s in subscriptions)
    busy = "".join(f" + {state} {n:,}" for state, n in states.items() if state.startswith("busy"))
    kinds = " + ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in sorted(mails.items()))
    first = facts["invoices"] - run["invoicesFinalised"]
    say("the result")
    print(f"    due in the run    {run['due']:>9,}  = invoiced {run['invoiced']:,} + nothing to bill "
          f"{run['nothingToBill']:,} + parked {run['parked']:,}  (subscription periods)")
    print(f"    invoices          {facts['invoices']:>9,}  = by the run {run['invoicesFinalised']:,} + first periods "
          f"{first:,}; numbers without a gap")
    print(f"    payments          {sum(states.values()):>9,}  = paid {states['paid']:,} + waiting for a retry "
          f"{states['waiting']:,} + dead {states['dead']:,}{busy}")
    print(f"    mails sent        {sum(mails.values()):>9,}  = {kinds}; .eml files {files:,}")
    print()
    print(f"    {'':10}{'customers':>10}{'billed':>20}{'paid':>20}{'open':>20}{'credit':>12}{'ledger sum':>12}")
    for currency in CURRENCY_DIGITS:
        row = (money(sums.get(currency, 0), currency) for sums in (billed, paid, open_amounts))
        print(f"    {currency:10}{customers[currency]:>10,}" + "".join(f"{cell:>20}" for cell in row)
              + f"{money(credit.get(currency, 0), currency):>12}{balance.get(currency, 0):>12}")
    print()


# --- one invoice as text ------------------------------------------------------------------------------------


def show_invoice(api, tenant):
    """One that shows much: a short first period, paid, of somebody whose name is not in Latin letters if there is one."""
    invoice_id = query("""
        SELECT COALESCE((SELECT to_json(v.id) FROM invoices v JOIN customers c ON c.tenant_id = v.tenant_id AND c.id = v.customer_id
          WHERE v.tenant_id = :'tenant' AND v.number IS NOT NULL
          ORDER BY v.status = 'paid' DESC, c.name ~ '[一-龯]' DESC, v.total_minor % 10 <> 0 DESC, v.total_minor DESC LIMIT 1), 'null')
        """, tenant=tenant)
    if invoice_id is None:
        return
    invoice = api.get(f"/api/billing/invoices/{invoice_id}")["data"]
    customer = api.get(f"/api/customers/{invoice['customerId']}")["data"]
    currency, address = invoice["currency"], customer.get("address") or {}
    say("one of the invoices")
    row = "    | {} |".format
    edge = "    +" + "-" * 78 + "+"
    print(edge)
    print(row(pad(f"Invoice {invoice['invoiceNumber']}", 56) + f"{invoice['status'].upper():>20}"))
    print(row(pad(f"issued {invoice['issueDate']}, due {invoice['dueDate']}", 76)))
    print(row(" " * 76))
    for line in (customer["name"], address.get("line1"),
                 " ".join(filter(None, (address.get("postalCode"), address.get("city"), address.get("country"))))):
        if line:
            print(row(pad(line, 76)))
    print(row(" " * 76))
    for item in invoice["items"]:
        print(row(pad(f"{item['description']}"[:54], 54) + f"{number(item['amount'], currency):>22}"))
        print(row(pad(f"  {item['periodStart'][:16]} to {item['periodEnd'][:16]} UTC, quantity {item['quantity']}", 76)))
    for title, key in (("total", "totalAmount"), ("paid", "amountPaid"), ("due", "amountDue")):
        print(row(f"{title:>54}{number(invoice[key], currency):>22}"))
    print(edge)
    print()


def number(value, currency):
    return f"{value:,.{CURRENCY_DIGITS[currency]}f} {currency}"


# --- begin --------------------------------------------------------------------------------------------------


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("--subscriptions", type=int, required=True)
    arguments.add_argument("--email", required=True)
    arguments.add_argument("--password", required=True)
    options = arguments.parse_args()

    api = Api(os.environ["API_URL"].removeprefix("http://"))
    started = time.monotonic()
    login = api.call("POST", "/api/auth/login", {"email": options.email, "password": options.password})["data"]
    api.token, tenant = login["accessToken"], login["user"]["tenantId"]
    say(f"{options.subscriptions} subscriptions for the tenant of {options.email}, over the REST API")

    create_plans(api)
    today = datetime.now(timezone.utc).date()
    subscriptions = [Subscription(n, today) for n in range(options.subscriptions)]
    create_all(api, subscriptions)
    now = datetime.now(timezone.utc).replace(microsecond=0)
    run = billing_run(api, now)
    facts = settle(tenant)
    again = billing_run(api, now, "the same run again")

    checks = Checks()
    lines = [(s, expected_lines(s, now)) for s in subscriptions]
    billed = check_billing(api, checks, run, again, facts, lines)
    paid = check_payments(checks, facts, lines)
    balance, credit = check_ledger(checks, facts, billed, paid)
    files = check_mails(checks, facts, tenant)
    print()
    table(run, facts, subscriptions, billed, paid, balance, credit, files)
    show_invoice(api, tenant)
    if checks.unexplained:
        say(f"UNEXPLAINED: {len(checks.unexplained)} of {checks.count} cross-checks")
        for line in checks.unexplained:
            print(f"    {line}")
        print()
    else:
        say(f"all explained: {checks.count} cross-checks agree ({time.monotonic() - started:.0f} s)")
    farewell(options)
    return 1 if checks.unexplained else 0


def farewell(options):
    url = os.environ["API_URL"]
    print(f"""
    The API      {url}   {options.email} / {options.password}
                 curl -s {url}/api/auth/login -H 'Content-Type: application/json' \\
                   -d '{{"email":"{options.email}","password":"{options.password}"}}'
    The mails    {os.environ['MAIL_DIR']}
    Look further ./dev psql, ./dev logs payments, ./dev status; another ./dev demo adds a tenant
    Stop         ./dev down (--wipe forgets the data)
""")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Refused as refusal:
        print(f"\nerror: {refusal}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
