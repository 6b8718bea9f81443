#!/usr/bin/python3
"""The workers against the reference: random lives of subscriptions over three years, lived on test clocks through the
REST API, and in reference.py and books.py. At the end each line of each invoice (kind, text, period, amount, discount,
tax), each total, what credit, notes and payments did to it, each account of the ledger and the subscription's status
must be what the reference says, to the minor unit; and each line's own explanation must come to it again (BILL-025).

    lives.py [--lives N] [--seed N]      with API_URL and BIN_DIR in the environment, as ./dev test sets them
"""
import argparse
import collections
import concurrent.futures
import datetime
import decimal
import http.client
import json
import os
import random
import subprocess
import sys
import time
import traceback
import urllib.parse
import uuid
import zoneinfo
from fractions import Fraction

from books import NO_TAX, Books, Coupon, Rate
from reference import DAY, UTC, Component, Life, Plan, Price, recurring, run_until

BEGIN = datetime.datetime(2027, 1, 1, 12, tzinfo=UTC)
DAYS = 3 * 365
SCALES = {"USD": 100, "JPY": 1, "KWD": 1000}
CYCLES = {"monthly": "month", "quarterly": "quarter", "yearly": "year", "weekly": "week"}
ZONES = ["UTC", "Europe/Madrid", "America/New_York", "Asia/Tokyo", "America/Havana"]  # Havana's days begin at one o'clock, once a year
RATES = [  # country, tax code, percentage, inclusive
    ("DE", None, "19", False), ("DE", "reduced", "7", False), ("US", None, "8.875", True), ("AT", None, "20", True),
    ("AT", "reduced", "20", False)]
ADVANCE_SECONDS = 300


# --- the API ----------------------------------------------------------------------------------------------

class Api:
    """One connection; a refusal is an error of the test."""

    def __init__(self, token=None):
        address = urllib.parse.urlsplit(os.environ["API_URL"])
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        self.token = token

    def call(self, method, path, body=None, expected=(200, 201, 204)):
        headers = {"Content-Type": "application/json", "Prefer": "wait=60"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status not in expected:
            raise RuntimeError(f"{method} {path} {json.dumps(body)}: {answer.status} {text.decode()[:600]}")
        return json.loads(text, parse_float=decimal.Decimal) if text else None

    def get(self, path):
        return self.call("GET", path)["data"]

    def post(self, path, body):
        return self.call("POST", path, body)["data"]

    def patch(self, path, body):
        return self.call("PATCH", path, body)["data"]

    def all(self, path):
        """Each page of a list."""
        rows, page = [], 1
        while True:
            answer = self.call("GET", f"{path}{'&' if '?' in path else '?'}limit=100&page={page}")
            rows += answer["data"]
            if page >= answer["pagination"]["totalPages"]:
                return rows
            page += 1


def tenant_token(by_line):
    """A tenant in test mode; no route sets its rounding of taxes yet."""
    name, password = uuid.uuid4().hex, "Correct-Horse-7"
    subprocess.run([f"{os.environ['BIN_DIR']}/cloudbill", "tenant", "create", "--name", name, "--mode", "test",
                    "--admin-email", f"admin@{name}.example", "--admin-password", password, "--currency", "USD",
                    "--time-zone", "UTC"], check=True, stdout=subprocess.DEVNULL)
    if by_line:
        subprocess.run(["psql", "-qX", os.environ["DATABASE_ADMIN_URL"], "-c",
                        f"UPDATE cloudbill.tenants SET tax_rounding = 'line' WHERE name = '{name}'"], check=True)
    return Api().post("/api/auth/login", {"email": f"admin@{name}.example", "password": password})["accessToken"]


def units(minor, scale):
    """A decimal of the currency, as text."""
    digits = len(str(scale)) - 1
    return f"{minor // scale}.{minor % scale:0{digits}d}" if digits else str(minor)


def iso(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%S.000Z")


# --- the catalogue ----------------------------------------------------------------------------------------

def random_amount(chance, scale, least=1, most=500):
    return units(chance.randint(least * scale, most * scale), scale)


def random_tiers(chance, scale):
    bounds = sorted(chance.sample(range(1, 40), chance.randint(1, 3)))
    return [{"upTo": up_to, "unitPrice": random_amount(chance, scale, 0, 20), "flatFee": random_amount(chance, scale, 0, 9)}
            for up_to in [*bounds, None]]


def random_component(chance, code, scale, may_be_arrears):
    model = chance.choice(["flat", "per_unit", "graduated", "volume", "package"])
    wire = {"code": code, "model": model, "timing": "advance"}
    if may_be_arrears and chance.random() < 0.5:
        wire["timing"] = "arrears"
    if model in ("flat", "per_unit", "package"):
        wire["unitPrice"] = random_amount(chance, scale)
    if model in ("graduated", "volume"):
        wire["tiers"] = random_tiers(chance, scale)
    if model == "package":
        wire["packageSize"] = chance.randint(1, 12)
        wire["freeUnits"] = chance.choice([0, 0, 5])
    if chance.random() < 0.3:
        wire["taxCode"] = "reduced"
    tiers = [(t["upTo"], t["unitPrice"], t["flatFee"]) for t in wire.get("tiers", [])]
    price = Price(model, scale, wire.get("unitPrice"), tiers, wire.get("packageSize"), wire.get("freeUnits", 0))
    return wire, Component(code, price, wire["timing"] == "arrears", wire.get("taxCode"))


class Family:
    """Plans of one currency, some of another interval; versions come and go while subscriptions live."""

    def __init__(self, api, chance, currency, cycle):
        self.currency, self.scale, self.cycle = currency, SCALES[currency], cycle
        self.may_be_arrears = chance.random() < 0.5
        cycles = [cycle, cycle, cycle, chance.choice([other for other in CYCLES if other != cycle])]
        self.plans = [self.make(api, chance, each) for each in cycles]

    def terms(self, chance, code, unit, version):
        """One version for the workers, and the same for the reference."""
        parts = [random_component(chance, f"c{n}", self.scale, self.may_be_arrears) for n in range(chance.randint(1, 3))]
        body, setup, minimum = {"components": [wire for wire, _ in parts], "setupFee": "0", "minimumCommitment": "0"}, 0, 0
        if chance.random() < 0.3:
            setup = chance.randint(1, 500 * self.scale)
            body["setupFee"] = units(setup, self.scale)
        if self.may_be_arrears and chance.random() < 0.3:
            minimum = chance.randint(100, 3000) * self.scale
            body["minimumCommitment"] = units(minimum, self.scale)
        return body, Plan(code, unit, [component for _, component in parts], setup, minimum, version)

    def make(self, api, chance, cycle):
        code = f"p-{uuid.uuid4().hex[:8]}"
        body, plan = self.terms(chance, code, CYCLES[cycle], 1)
        api.post("/api/plans", {"code": code, "name": code, "currency": self.currency, "billingCycle": cycle, **body})
        return plan

    def renew_version(self, api, chance):
        """Another price for one of the plans (BILL-035); returns the version before and the one after."""
        number = chance.randrange(len(self.plans))
        old = self.plans[number]
        body, self.plans[number] = self.terms(chance, old.code, old.unit, old.version + 1)
        api.patch(f"/api/plans/{old.code}", body)
        return old, self.plans[number]

    def of_unit(self, unit):
        return [plan for plan in self.plans if plan.unit == unit]


def random_coupon(api, chance, family, plan):
    """A coupon for the workers, and what the reference says of it."""
    code = f"C-{uuid.uuid4().hex[:8]}"
    body, coupon = {"code": code, "duration": chance.choice(["once", "repeating", "forever"])}, Coupon(code)
    if body["duration"] == "repeating":
        body["durationInPeriods"] = coupon.until = chance.randint(2, 9)
    if body["duration"] == "once":
        coupon.until = 1
    if chance.random() < 0.5:
        body["percentOff"] = chance.choice(["7.7", "10", "33.333333", "50", "100"])
        coupon.percent = Fraction(body["percentOff"])
    else:
        coupon.amount = chance.randint(1, 300 * family.scale)
        body["amountOff"], body["currency"] = units(coupon.amount, family.scale), family.currency
    if chance.random() < 0.2:
        body["planIds"] = [plan.code]
        coupon.plans = {plan.code}
    api.post("/api/billing/coupons", body)
    return coupon


def rate_for(country, is_exempt):
    """Of the rates that fit, the one with the line's code counts before the one for all (BILL-041)."""
    def rate_of(line):
        if is_exempt:
            return Rate(Fraction(0), False, "exempt")
        code = line.component.tax_code if line.component else None
        fitting = [rate for rate in RATES if rate[0] == country and rate[1] in (None, code)]
        if not fitting:
            return NO_TAX
        _, _, percent, inclusive = max(fitting, key=lambda rate: rate[1] is not None)
        return Rate(Fraction(percent), inclusive, "standard")
    return rate_of


# --- lives ------------------------------------------------------------------------------------------------

class Customer:
    """Who has some subscriptions in one currency, in both worlds, and what will happen at which instant."""

    def __init__(self, api, chance, clock, families, by_line):
        self.api, self.chance, self.by_line, family = api, chance, by_line, chance.choice(families)
        self.currency, self.scale = family.currency, family.scale
        self.families = [each for each in families if each.currency == self.currency]
        zone = chance.choice(ZONES)
        self.country, self.is_exempt = chance.choice(["DE", "US", "AT", "FR"]), chance.random() < 0.1
        self.id = api.post("/api/customers", {
            "name": "Ada Lovelace", "email": f"{uuid.uuid4().hex}@customer.example", "currency": self.currency,
            "testClockId": clock, "timeZone": zone, "taxExempt": self.is_exempt,
            "address": {"line1": "1 High Street", "city": "Springfield", "country": self.country}})["id"]
        self.log, self.done = [], [f"{zone}, {self.country}, exempt {self.is_exempt}"]
        self.changes_zone = chance.random() < 0.2
        self.lives = []
        for _ in range(chance.choice([1, 1, 1, 2, 3])):
            self.lives.append(Lived(self, zone))
        self.run_until(BEGIN)
        self.acts = sorted(self.random_instant() for _ in range(chance.randint(0, 8) * len(self.lives)))

    def random_instant(self):
        """Noon, when it is the same day in each zone of ours, for those who move to another."""
        day = self.chance.randint(1, DAYS - 90)
        minute = 0 if self.changes_zone else self.chance.randint(-12 * 60, 12 * 60 - 1)
        return BEGIN + DAY * day + datetime.timedelta(minutes=minute, seconds=37)

    def run_until(self, now):
        self.now = now
        run_until([lived.life for lived in self.lives], now)

    def act(self, now):
        while self.acts and self.acts[0] <= now:
            self.acts.pop(0)
            lived = self.chance.choice(self.lives)
            may = [(act, weight) for act, weight, condition in ACTS if condition(lived)]
            if may:
                self.chance.choices([act for act, _ in may], [weight for _, weight in may])[0](lived)

    # -- what somebody does --

    def move(self):
        zone = self.chance.choice(ZONES)
        self.done.append(f"{iso(self.now)} zone {zone}")
        self.api.patch(f"/api/customers/{self.id}", {"timeZone": zone})
        for lived in self.lives:
            lived.life.move(self.now, zoneinfo.ZoneInfo(zone))

    def grant(self):
        amount = self.chance.randint(1, 1000 * self.scale)
        body, expires = {"amount": units(amount, self.scale), "currency": self.currency, "reason": "goodwill"}, None
        if self.chance.random() < 0.5:
            expires = self.now + datetime.timedelta(days=self.chance.randint(1, 90), seconds=11)
            body["expiresAt"] = iso(expires)
        self.done.append(f"{iso(self.now)} grant {json.dumps(body)}")
        self.api.post(f"/api/billing/customers/{self.id}/credits", body)
        self.log.append(("grant", self.now, amount, expires))

    def pay(self):
        """One of the invoices that are open, from outside: in part, in full or beyond."""
        invoices = self.invoices()
        owing = [n for n, invoice in enumerate(invoices) if invoice["amountDue"] > 0]
        if not owing:
            return
        number = self.chance.choice(owing)
        due = int(invoices[number]["amountDue"] * self.scale)
        amount = self.chance.choice([due, due, max(1, due // 3), due + self.chance.randint(1, 99)])
        self.done.append(f"{iso(self.now)} pay invoice {number + 1}: {amount} of {due}")
        self.api.post(f"/api/billing/invoices/{invoices[number]['id']}/payment",
                      {"amount": units(amount, self.scale), "method": "bank_transfer"})
        self.log.append(("pay", self.now, number, amount))

    def finish(self, now):
        """What was kept for the next invoice comes on the last one."""
        self.now = now
        for lived in self.lives:
            if lived.life.waiting and lived.life.state != "suspended":
                lived.send("cancel", {"immediately": True, "prorate": False})
                lived.life.cancel(now, False)

    # -- what came of it --

    def invoices(self):
        invoices = self.api.all(f"/api/billing/invoices?customerId={self.id}")
        return sorted(invoices, key=lambda invoice: (len(invoice["invoiceNumber"]), invoice["invoiceNumber"]))

    def check(self, now):
        """What differs, as text; nothing when all agree."""
        faults = []
        books = Books(rate_for(self.country, self.is_exempt), self.by_line,
                      [coupon for lived in self.lives for coupon in lived.coupons])
        invoices, self.lines = self.invoices(), 0
        for event, at, *what in self.log:
            books.expire(at)
            if event == "invoice":
                if len(books.invoices) == len(invoices):
                    faults.append(f"the invoice of {at} is missing: {[line.key() for line in what[0]]}")
                    break
                faults += self.check_invoice(books, invoices[len(books.invoices)], what[0])
                if faults:
                    break
            elif event == "grant":
                books.grant(what[0], "credit_granted", what[1])
            else:
                getattr(books, event)(*what)
        books.expire(now)
        faults = faults or self.check_rest(books, invoices)
        return faults and "\n  ".join([f"customer {self.id}", *self.done, *faults])

    def minor(self, amount):
        return int(amount * self.scale)

    def check_invoice(self, books, invoice, lines):
        """Its lines, put into the order of the invoice's own, for ties go by order (BILL-003)."""
        name, ordered, rest = invoice["invoiceNumber"], [], list(lines)
        for item in invoice["items"]:
            key = (item["itemType"], item["description"], item["periodStart"], item["periodEnd"], self.minor(item["amount"]))
            found = [line for line in rest if self.key(line, item) == key]
            if not found:
                expected = "\n    ".join(str(self.key(line, item)) for line in rest)
                return [f"invoice {name} has\n    {key}\n  where the reference has\n    {expected}"]
            ordered.append(found[0])
            rest.remove(found[0])
        self.lines += len(ordered)
        if rest:
            return [f"invoice {name} lacks {[line.key() for line in rest]}"]
        books.invoice(ordered)
        faults = []
        for item, line in zip(invoice["items"], ordered):
            seen = [self.minor(item[field]) for field in ("amount", "discountAmount", "taxAmount")]
            expected = [line.net + line.net_discount, line.net_discount, line.tax]
            if seen != expected:
                faults.append(f"invoice {name}, {item['description']}: {seen}, {expected} in the reference")
            faults += self.check_explanation(invoice, item)
        return faults

    def check_explanation(self, invoice, item):
        """Computed again from what was stored with it, a line is what was stored (BILL-025)."""
        explanation = self.api.get(f"/api/billing/invoices/{invoice['id']}/items/{item['id']}/explain")
        return [] if explanation["matches"] else [json.dumps(explanation, default=str)]

    def key(self, line, item):
        """With a tax that is in the price the invoice's amount is net; it is compared afterwards."""
        amount = self.minor(item["amount"]) if item["taxInclusive"] else line.amount
        return line.kind, line.text, iso(line.start), iso(line.end), amount

    def check_rest(self, books, invoices):
        faults = []
        if len(books.invoices) != len(invoices):
            faults.append(f"{len(invoices)} invoices, {len(books.invoices)} in the reference")
        for seen, expected in zip(invoices, books.invoices):
            figures = [self.minor(seen[field]) for field in
                       ("totalAmount", "creditApplied", "amountCredited", "amountPaid", "amountDue")]
            wanted = [expected.total, expected.credit_applied, expected.credited, expected.paid, expected.due()]
            if figures != wanted:
                faults.append(f"invoice {seen['invoiceNumber']}: total, credit, notes, paid, due {figures}, "
                              f"{wanted} in the reference")
        notes = self.api.all(f"/api/billing/credit-notes?customerId={self.id}")
        given = sorted((self.minor(note["amount"]), self.minor(note["taxAmount"])) for note in notes)
        if books.unplaced:
            faults.append(f"{books.unplaced} of what was unused has no credit note in the reference")
        if given != sorted(books.notes):
            faults.append(f"credit notes {given}, {sorted(books.notes)} in the reference")
        ledger, entries = collections.Counter(), self.api.get(f"/api/customers/{self.id}/ledger")
        for entry in entries:
            ledger[entry["account"]] += self.minor(entry["amount"])
        if len(entries) < 1000 and (+ledger != +books.ledger or -ledger != -books.ledger):  # more are not told
            faults.append(f"ledger {dict(ledger)}, {dict(books.ledger)} in the reference")
        for lived in self.lives:
            status = self.api.get(f"/api/billing/subscriptions/{lived.id}")["status"]
            if status != lived.life.state:
                faults.append(f"{lived.id} is {status}, {lived.life.state} in the reference")
        return faults


class Lived:
    """One subscription of a customer, in both worlds."""

    def __init__(self, customer, zone):
        self.customer, self.api, self.chance = customer, customer.api, customer.chance
        chance, self.family = self.chance, self.chance.choice(customer.families)
        unit = CYCLES[self.family.cycle]
        start = BEGIN.date() + DAY * chance.randint(-70, 60)
        anchor = chance.choice(["anniversary", "calendar", "calendar", chance.randint(1, 7 if unit == "week" else 31)])
        trial = chance.choice([0, 0, 0, 7, 14, 30])
        own = chance.choice(self.family.of_unit(unit))
        items = {0: (own, chance.randint(1, 30))}
        if chance.random() < 0.3:
            items[1] = (chance.choice(self.family.of_unit(unit)), chance.randint(1, 30))
        self.coupons = [random_coupon(self.api, chance, self.family, own) for _ in range(chance.choice([0, 0, 1, 1, 2]))]
        body = {"customerId": customer.id, "planId": own.code, "quantity": items[0][1],
                "currency": customer.currency, "startDate": str(start), "billingAnchor": anchor, "collection": "manual",
                "coupons": [coupon.code for coupon in self.coupons],
                "items": [{"planId": plan.code, "quantity": q} for n, (plan, q) in sorted(items.items()) if n > 0]}
        if trial:
            body["trialDays"] = trial
        self.id = self.api.post("/api/billing/subscriptions", body)["id"]
        self.life = Life(start, unit, anchor, items, zoneinfo.ZoneInfo(zone), customer.log, trial)
        for coupon in self.coupons:
            coupon.life = self.life
        self.life.create(BEGIN)
        self.done = customer.done
        self.done.append(f"created {self.id} {json.dumps(body)}")

    @property
    def now(self):
        return self.customer.now

    def send(self, verb, body):
        self.done.append(f"{iso(self.now)} {self.id[-4:]} {verb} {json.dumps(body)}")
        return self.api.post(f"/api/billing/subscriptions/{self.id}/{verb}", body)

    def patch(self, body):
        self.done.append(f"{iso(self.now)} {self.id[-4:]} patch {json.dumps(body)}")
        self.api.patch(f"/api/billing/subscriptions/{self.id}", body)

    # -- what somebody does --

    def random_change(self):
        """What is asked for, and what it makes of the items that there are by then."""
        unit = self.life.items[0][0].unit
        plan = self.chance.choice(self.family.of_unit(unit) if self.life.scheduled else self.family.plans)
        body, kind = {}, self.chance.choice(["plan", "plan", "quantity", "items"])
        add_ons = [(self.chance.choice(self.family.of_unit(plan.unit if kind == "plan" else unit)),
                    self.chance.randint(1, 30)) for _ in range(self.chance.choice([0, 1, 2]))]
        quantity = self.chance.randint(1, 30) if kind != "items" else None
        with_items = kind == "items" or (kind == "plan" and plan.unit != unit)
        if kind == "plan":
            body["planId"] = plan.code
        if quantity is not None:
            body["quantity"] = quantity
        if with_items:
            body["items"] = [{"planId": add_on.code, "quantity": q} for add_on, q in add_ons]

        def change(items):
            own, number = items[0]
            new = {0: (plan if kind == "plan" else own, quantity or number)}
            if not with_items:
                return {**items, **new}
            spare = {n: item for n, item in items.items() if n > 0}
            for add_on, q in add_ons:
                kept = [n for n in sorted(spare) if spare[n][0].code == add_on.code]
                if kept:
                    new[kept[0]] = (spare.pop(kept[0])[0], q)
                else:
                    new[self.life.numbers] = (add_on, q)
                    self.life.numbers += 1
            return new
        return body, change

    def change_now(self):
        body, change = self.random_change()
        body["when"] = "now"
        if self.chance.random() < 0.2:
            body["prorate"] = False
        billing = self.chance.choice([None, None, "now", "next_invoice"])
        if billing:
            body["billing"] = billing
        self.send("change-plan", body)
        self.life.change(self.now, change(self.life.items), body.get("prorate", True), billing)

    def change_by_default(self):
        """BILL-052: an upgrade now, a downgrade at the end of the period."""
        body, change = self.random_change()
        self.send("change-plan", body)
        numbers, new = self.life.numbers, change(self.life.items)
        if recurring(new) > recurring(self.life.items):
            self.life.change(self.now, new)
        else:
            self.life.numbers = numbers
            self.life.change_at_period_end(change)

    def change_later(self):
        body, change = self.random_change()
        self.send("change-plan", {**body, "when": "period_end"})
        self.life.change_at_period_end(change)

    def cancel_now(self):
        credit = self.chance.random() < 0.6
        self.send("cancel", {"immediately": True, "prorate": credit})
        self.life.cancel(self.now, credit)

    def cancel_later(self):
        self.send("cancel", {"immediately": False})
        self.life.ends_at = self.life.next_at

    def keep(self):
        self.send("reactivate", {})
        self.life.ends_at = None

    def suspend(self):
        credit = self.chance.random() < 0.7
        self.send("suspend", {"prorate": credit})
        self.life.suspend(self.now, credit)

    def resume(self):
        self.send("reactivate", {})
        self.life.resume(self.now)

    def renew(self):
        self.send("renew", {})
        self.life.renew(self.now)

    def let_expire(self):
        self.patch({"autoRenew": False})
        self.life.auto_renew = False

    def clear_coupons(self):
        self.patch({"coupons": []})
        for coupon in self.coupons:
            coupon.until = self.life.next if coupon.until is None else min(coupon.until, self.life.next)

    def migrated(self, old, new):
        """BILL-035: what has the old version at the next boundary gets the new one, the plan and add-ons alike."""
        life, before = self.life, self.life.scheduled
        if life.state in ("cancelled", "expired") or life.ends_at or not life.auto_renew:
            return
        numbers, then = life.numbers, before(life.items) if before else life.items
        life.numbers = numbers
        if not any(plan is old for plan, _ in then.values()) and not any(
                plan is old for n, (plan, _) in life.items.items() if n > 0):
            return

        def change(items):
            items = before(items) if before else items
            return {n: (new if plan is old else plan, quantity) for n, (plan, quantity) in items.items()}
        life.migrate(self.now, change)


def is_alive(lived):
    return lived.life.state in ("trialing", "active")


def goes_on(lived):
    return is_alive(lived) and not lived.life.ends_at


ACTS = [  # what, how often, when
    (Lived.change_now, 12, is_alive),
    (Lived.change_by_default, 4, lambda lived: goes_on(lived) and lived.life.is_running()),
    (Lived.change_later, 4, goes_on),
    (Lived.cancel_now, 2, is_alive),
    (Lived.cancel_later, 3, goes_on),
    (Lived.keep, 6, lambda lived: is_alive(lived) and lived.life.ends_at),
    (Lived.suspend, 3, lambda lived: lived.life.is_running()),
    (Lived.resume, 20, lambda lived: lived.life.state == "suspended"),
    (Lived.renew, 5, lambda lived: goes_on(lived) and lived.life.is_running() and not lived.life.scheduled
        and len(lived.life.open) < 5),
    (Lived.let_expire, 1, is_alive),
    (Lived.clear_coupons, 1, lambda lived: lived.coupons and is_alive(lived)),
    (lambda lived: lived.customer.move(), 12, lambda lived: lived.customer.changes_zone),
    (lambda lived: lived.customer.grant(), 4, lambda lived: True),
    (lambda lived: lived.customer.pay(), 6, lambda lived: True),
]


# --- clocks -----------------------------------------------------------------------------------------------

def advance(api, clock, instant):
    api.post(f"/api/test-clocks/{clock}/advance", {"to": iso(instant)})
    for _ in range(ADVANCE_SECONDS * 20):
        if api.get(f"/api/test-clocks/{clock}")["status"] == "ready":
            return
        time.sleep(0.05)
    raise RuntimeError(f"the clock did not reach {instant} in {ADVANCE_SECONDS} s")


def migrate(api, chance, families, customers):
    """A new version of a plan, and all who have the one before moved to it."""
    old, new = chance.choice(families).renew_version(api, chance)
    if chance.random() < 0.7:
        api.post(f"/api/plans/{old.code}/migrate", {"fromVersion": old.version})
        for customer in customers:
            for lived in customer.lives:
                lived.migrated(old, new)
            customer.done.append(f"{iso(customer.now)} {old.code} migrated from version {old.version}")


def live(seed, count):
    """Some lives of one tenant on one clock; returns what differs, and how many lines there were."""
    chance = random.Random(seed)
    by_line = chance.random() < 0.5
    api = Api(tenant_token(by_line))
    for number, (country, code, percent, inclusive) in enumerate(RATES):
        api.post("/api/billing/tax-rates", {"code": f"r{number}", "name": "VAT", "percentage": percent, "country": country,
                                            "taxCode": code, "inclusive": inclusive})
    families = [Family(api, chance, chance.choice(list(SCALES)), chance.choice(list(CYCLES))) for _ in range(3)]
    clock = api.post("/api/test-clocks", {"name": f"lives {seed}", "frozenTime": iso(BEGIN)})["id"]
    customers = []
    while sum(len(customer.lives) for customer in customers) < count:
        customers.append(Customer(api, chance, clock, families, by_line))
    migrations = {BEGIN + DAY * chance.randint(30, DAYS - 90) for _ in range(4)}
    end = BEGIN + DAY * DAYS
    for now in sorted({at for customer in customers for at in customer.acts} | migrations | {end}):
        advance(api, clock, now)
        for customer in customers:
            customer.run_until(now)
            customer.act(now)
        if now in migrations:
            migrate(api, chance, families, customers)
    for customer in customers:
        customer.finish(end)
    advance(api, clock, end)
    faults = [fault for fault in (customer.check(end) for customer in customers) if fault]
    return faults, sum(customer.lines for customer in customers)


def try_live(seed, count):
    """What breaks off is a fault, too."""
    try:
        return live(seed, count)
    except Exception:
        return [f"seed {seed}: {traceback.format_exc()}"], 0


def main():
    parser = argparse.ArgumentParser(description="random lives of subscriptions, against the reference")
    parser.add_argument("--lives", type=int, default=48)
    parser.add_argument("--clocks", type=int, default=4, help="at once")
    parser.add_argument("--each", type=int, default=12, help="lives on one clock")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("TEST_SEED", "0")) or random.getrandbits(32))
    options = parser.parse_args()
    print(f"TEST_SEED={options.seed}", file=sys.stderr)
    clocks = max(1, options.lives // options.each)
    with concurrent.futures.ThreadPoolExecutor(options.clocks) as pool:
        jobs = [pool.submit(try_live, options.seed + n, options.each) for n in range(clocks)]
        results = [job.result() for job in jobs]
    faults = [fault for faults, _ in results for fault in faults]
    lines = sum(lines for _, lines in results)
    for fault in faults[:10]:
        print(fault)
    print(f"{clocks * options.each} lives, {lines} lines, {len(faults)} lives differ")
    sys.exit(1 if faults or not lines else 0)


if __name__ == "__main__":
    main()
