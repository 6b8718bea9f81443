#!/usr/bin/python3
"""The workers against the reference: random lives of subscriptions over three years, lived on test clocks through the
REST API, and in reference.py; at the end each line of each invoice, and what each cancellation gave back, must be what
the reference says, to the minor unit.

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
import urllib.parse
import uuid

from reference import DAY, Component, Grid, Life, Plan, Price

BEGIN = datetime.date(2027, 1, 1)
DAYS = 3 * 365
CURRENCIES = {"USD": 100, "JPY": 1, "KWD": 1000}
CYCLES = {"monthly": ("month", 1), "quarterly": ("quarter", 1), "yearly": ("year", 1), "weekly": ("week", 1)}
ADVANCE_SECONDS = 300
TAX = decimal.Decimal(19)


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
            sys.exit(f"{method} {path} {json.dumps(body)}: {answer.status} {text.decode()[:600]}")
        return json.loads(text, parse_float=decimal.Decimal) if text else None

    def get(self, path):
        return self.call("GET", path)["data"]

    def post(self, path, body):
        return self.call("POST", path, body)["data"]

    def all(self, path):
        """Each page of a list."""
        rows, page = [], 1
        while True:
            answer = self.call("GET", f"{path}{'&' if '?' in path else '?'}limit=100&page={page}")
            rows += answer["data"]
            if page >= answer["pagination"]["totalPages"]:
                return rows
            page += 1


def tenant_token():
    name, password = uuid.uuid4().hex, "Correct-Horse-7"
    subprocess.run([f"{os.environ['BIN_DIR']}/cloudbill", "tenant", "create", "--name", name, "--mode", "test",
                    "--admin-email", f"admin@{name}.example", "--admin-password", password, "--currency", "USD",
                    "--time-zone", "UTC"], check=True, stdout=subprocess.DEVNULL)
    return Api().post("/api/auth/login", {"email": f"admin@{name}.example", "password": password})["accessToken"]


# --- plans ------------------------------------------------------------------------------------------------

def random_amount(chance, scale, least=1, most=500):
    """A decimal of the currency, as text."""
    minor = chance.randint(least * scale, most * scale)
    digits = len(str(scale)) - 1
    return f"{minor // scale}.{minor % scale:0{digits}d}" if digits else str(minor)


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
    tiers = [(t["upTo"], t["unitPrice"], t["flatFee"]) for t in wire.get("tiers", [])]
    price = Price(model, scale, wire.get("unitPrice"), tiers, wire.get("packageSize"), wire.get("freeUnits", 0))
    return wire, Component(code, price, wire["timing"] == "arrears")


def make_plan(api, chance, currency, cycle, may_be_arrears):
    """A plan for the workers, and the same for the reference."""
    scale = CURRENCIES[currency]
    parts = [random_component(chance, f"c{n}", scale, may_be_arrears) for n in range(chance.randint(1, 3))]
    body = {"code": f"p-{uuid.uuid4().hex}", "name": "Plan", "currency": currency, "billingCycle": cycle,
            "components": [wire for wire, _ in parts]}
    setup = minimum = 0
    if chance.random() < 0.3:
        body["setupFee"] = random_amount(chance, scale)
        setup = int(decimal.Decimal(body["setupFee"]) * scale)
    if may_be_arrears and chance.random() < 0.3:
        body["minimumCommitment"] = random_amount(chance, scale, 100, 3000)
        minimum = int(decimal.Decimal(body["minimumCommitment"]) * scale)
    api.post("/api/plans", body)
    return Plan(body["code"], [component for _, component in parts], setup, minimum)


# --- lives ------------------------------------------------------------------------------------------------

class Lived:
    """One subscription in both worlds, and what will happen to it on which day."""

    def __init__(self, api, chance, clock, families):
        family = chance.choice(families)
        self.plans, self.currency, cycle = family["plans"], family["currency"], family["cycle"]
        self.may_change = family["may_change"]
        self.start = BEGIN + DAY * chance.randint(0, 60)
        anchor = chance.choice(["anniversary", "anniversary", "calendar", chance.randint(1, 7 if cycle == "weekly" else 31)])
        trial = chance.choice([0, 0, 0, 7, 14, 30])
        items = self.random_items(chance)
        if trial and anchor != "anniversary":
            trial = 0
        customer = api.post("/api/customers", {
            "name": "Ada Lovelace", "email": f"{uuid.uuid4().hex}@customer.example", "currency": self.currency,
            "testClockId": clock, "timeZone": chance.choice(["UTC", "Europe/Madrid", "America/New_York", "Asia/Tokyo"]),
            "address": {"line1": "1 High Street", "city": "Springfield", "country": chance.choice(["DE", "US"])}})
        self.customer = customer["id"]
        body = {"customerId": self.customer, "planId": items[0][0].code, "quantity": items[0][1],
                "currency": self.currency, "startDate": str(self.start), "billingAnchor": anchor, "collection": "manual",
                "items": [{"planId": plan.code, "quantity": q} for n, (plan, q) in sorted(items.items()) if n > 0]}
        if trial:
            body["trialDays"] = trial
        self.body = body
        self.id = api.post("/api/billing/subscriptions", body)["id"]
        self.life = Life(self.start, Grid(self.start + DAY * trial, *CYCLES[cycle], anchor), items, trial)
        self.acts = collections.defaultdict(list)
        self.done = [f"created {json.dumps(body)}"]
        for _ in range(chance.randint(0, 6)):
            self.acts[self.start + DAY * chance.randint(1, DAYS - 90)].append(chance.random())
        self.chance = chance

    def random_items(self, chance):
        items = {0: (chance.choice(self.plans), chance.randint(1, 30))}
        if chance.random() < 0.3:
            items[1] = (chance.choice(self.plans), chance.randint(1, 30))
        return items

    def act(self, api, day):
        for _ in self.acts.pop(day, []):
            if not self.life.alive or self.life.period is None:
                continue
            choice = self.chance.random()
            if choice < 0.6 and self.may_change:
                self.change(api, day)
            elif choice < 0.75:
                self.cancel_now(api, day)
            elif not self.life.ends_at_boundary:
                self.send(api, day, "cancel", {"immediately": False})
                self.life.cancel_at_period_end()
            else:
                self.send(api, day, "reactivate", {})
                self.life.reactivate()

    def send(self, api, day, verb, body):
        self.done.append(f"{day} {verb} {json.dumps(body)}")
        return api.post(f"/api/billing/subscriptions/{self.id}/{verb}", body)

    def change(self, api, day):
        items = dict(self.life.items)
        items[0] = (self.chance.choice(self.plans), self.chance.randint(1, 30))
        when = "now" if self.chance.random() < 0.8 else "period_end"
        self.send(api, day, "change-plan", {"planId": items[0][0].code, "quantity": items[0][1], "when": when})
        if when == "now":
            self.life.change(items)
        else:
            self.life.change_at_period_end(items)

    def cancel_now(self, api, day):
        credit = self.chance.random() < 0.5
        self.send(api, day, "cancel", {"immediately": True, "prorate": credit})
        self.life.cancel(credit)

    def end(self, api, day):
        """What was kept for the next invoice comes on the last one."""
        if self.life.alive:
            self.send(api, day, "cancel", {"immediately": True, "prorate": False})
            self.life.cancel(False)

    # -- what came of it --

    def check(self, api):
        """What differs, as text; nothing when all agree."""
        scale = CURRENCIES[self.currency]
        seen, faults = collections.Counter(), []
        for invoice in api.all(f"/api/billing/invoices?customerId={self.customer}"):
            lines = api.get(f"/api/billing/invoices/{invoice['id']}/items")
            faults += check_sums(invoice, lines)
            for line in lines:
                seen[line["itemType"], int(line["amount"] * scale)] += 1
        self.lines = sum(seen.values())
        expected = collections.Counter((line.kind, line.amount) for line in self.life.lines)
        for key in sorted(seen.keys() | expected.keys()):
            if seen[key] != expected[key]:
                faults.append(f"{key}: {seen[key]} billed, {expected[key]} in the reference")
        notes = api.all(f"/api/billing/credit-notes?customerId={self.customer}")
        given = sum(int(decimal.Decimal(n["amount"]) * scale) for n in notes)
        if given != sum(amount for _, amount in self.life.notes):
            faults.append(f"credit notes: {given}, {self.life.notes} in the reference")
        return faults and "\n  ".join([f"subscription {self.id}", *self.done, *faults])


def check_sums(invoice, lines):
    """An invoice equals its lines, and its tax is that of the sum, rounded once (BILL-041)."""
    faults = []
    for total, part in (("subtotal", "amount"), ("discountAmount", "discountAmount"), ("taxAmount", "taxAmount")):
        if invoice[total] != sum(line[part] for line in lines):
            faults.append(f"invoice {invoice['invoiceNumber']}: {total} is not the sum of its lines")
    if invoice["totalAmount"] != invoice["subtotal"] - invoice["discountAmount"] + invoice["taxAmount"]:
        faults.append(f"invoice {invoice['invoiceNumber']}: the total is not its parts")
    taxed = sum(line["amount"] - line["discountAmount"] for line in lines if line["taxRate"])
    digits = decimal.Decimal(1).scaleb(-(len(str(CURRENCIES[invoice["currency"]])) - 1))
    tax = (abs(taxed) * TAX / 100).quantize(digits, decimal.ROUND_HALF_UP).copy_sign(taxed)
    if invoice["taxAmount"] != tax:
        faults.append(f"invoice {invoice['invoiceNumber']}: tax {invoice['taxAmount']}, not {tax}")
    return faults


def advance(api, clock, day):
    """To noon of the day, when it is that day in each zone of ours."""
    api.post(f"/api/test-clocks/{clock}/advance", {"to": f"{day}T12:00:00Z"})
    for _ in range(ADVANCE_SECONDS * 20):
        if api.get(f"/api/test-clocks/{clock}")["status"] == "ready":
            return
        time.sleep(0.05)
    sys.exit(f"the clock did not reach {day} in {ADVANCE_SECONDS} s")


def live(token, seed, families, count):
    """Some lives on one clock; returns the faults."""
    api, chance = Api(token), random.Random(seed)
    clock = api.post("/api/test-clocks", {"name": f"lives {seed}", "frozenTime": f"{BEGIN}T12:00:00Z"})["id"]
    lives = [Lived(api, chance, clock, families) for _ in range(count)]
    days = sorted({day for lived in lives for day in lived.acts} | {BEGIN + DAY * DAYS})
    for day in days:
        advance(api, clock, day)
        for lived in lives:
            lived.life.run_until(day)
            lived.act(api, day)
    for lived in lives:
        lived.end(api, days[-1])
    advance(api, clock, days[-1] + DAY)
    faults = [fault for fault in (lived.check(api) for lived in lives) if fault]
    return faults, sum(lived.lines for lived in lives)


def main():
    parser = argparse.ArgumentParser(description="random lives of subscriptions, against the reference")
    parser.add_argument("--lives", type=int, default=40)
    parser.add_argument("--clocks", type=int, default=4)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("TEST_SEED", "0")) or random.getrandbits(32))
    options = parser.parse_args()
    print(f"TEST_SEED={options.seed}", file=sys.stderr)
    chance, token = random.Random(options.seed), tenant_token()
    api = Api(token)
    api.post("/api/billing/tax-rates", {"code": "vat", "name": "VAT", "percentage": str(TAX), "country": "DE"})
    families = []
    for currency in CURRENCIES:
        for cycle in CYCLES:
            may_change = chance.random() < 0.6
            families.append({"currency": currency, "cycle": cycle, "may_change": may_change,
                             "plans": [make_plan(api, chance, currency, cycle, not may_change) for _ in range(3)]})
    with concurrent.futures.ThreadPoolExecutor(options.clocks) as pool:
        jobs = [pool.submit(live, token, options.seed + n, families, options.lives // options.clocks)
                for n in range(options.clocks)]
        results = [job.result() for job in jobs]
    faults = [fault for faults, _ in results for fault in faults]
    lines = sum(lines for _, lines in results)
    for fault in faults[:10]:
        print(fault)
    print(f"{options.lives} lives, {lines} lines, {len(faults)} lives differ")
    sys.exit(1 if faults or not lines else 0)


if __name__ == "__main__":
    main()
