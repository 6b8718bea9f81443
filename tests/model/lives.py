#!/usr/bin/python3
"""The workers against the reference: random lives of subscriptions over three years, lived on test clocks through the
REST API, and in reference.py and books.py. At the end each line of each invoice (kind, text, period, amount, discount,
tax), each total, what credit, notes and payments did to it, each account of the ledger and the subscription's status
must be what the reference says, to the minor unit; and each line's own explanation must come to it again (BILL-025).

    lives.py [--lives N] [--seed N]      with API_URL and BIN_DIR in the environment, as ./dev test sets them
"""
import argparse
import concurrent.futures
import datetime
import os
import random
import sys
import time
import traceback
import uuid
import zoneinfo

import account as accounts
import subscription as subscriptions
from account import Account
from api import Api, iso, tenant_token
from dunning import CARDS, Card
from catalogue import CYCLES, RATES, SCALES, Family, rate_for
from reference import DAY, UTC

BEGIN = datetime.datetime(2027, 1, 1, 12, tzinfo=UTC)
DAYS = 3 * 365
ZONES = ["UTC", "Europe/Madrid", "America/New_York", "Asia/Tokyo", "America/Havana"]  # Havana's days begin at one o'clock, once a year
LAST_DRAFTS = 8 * DAY
ADVANCE_SECONDS = 300


class Customer:
    """Who has some subscriptions, and what will happen at which instant."""

    def __init__(self, api, chance, clock, families, settings):
        self.api, self.chance, self.begin, self.now = api, chance, BEGIN, BEGIN
        currency = chance.choice(families).currency
        self.zone, self.country, is_exempt = chance.choice(ZONES), chance.choice(["DE", "US", "AT", "FR"]), chance.random() < 0.1
        self.id = api.post("/api/customers", {
            "name": "Ada Lovelace", "email": f"{uuid.uuid4().hex}@customer.example", "currency": currency,
            "testClockId": clock, "timeZone": self.zone, "taxExempt": is_exempt,
            "address": {"line1": "1 High Street", "city": "Springfield", "country": self.country}})["id"]
        self.done, self.changes_zone = [f"{self.zone}, {self.country}, exempt {is_exempt}"], chance.random() < 0.2
        currencies = {currency: None} if chance.random() < 0.6 else {family.currency: None for family in families}
        self.accounts = [Account(self, each, [family for family in families if family.currency == each],
                                 rate_for(self.country, is_exempt), settings["taxRounding"] == "line", settings["draftHours"])
                         for each in currencies]  # BILL-005
        self.card = None
        if chance.random() < 0.8:
            self.bring_card()
        for _ in range(chance.choice([1, 1, 1, 2, 3])):
            chance.choice(self.accounts).subscribe(BEGIN)
        self.acts = sorted({at for _ in range(chance.randint(0, 4) * len(self.lives())) for at in self.random_instants()})

    def lives(self):
        return [lived for account in self.accounts for lived in account.lives]

    def random_instants(self):
        """Some at a time, for what is done soon after something else meets it. Noon, when it is the same day in each zone of
        ours, for those who move to another."""
        first = self.chance.randint(1, DAYS - 90)
        for number in range(self.chance.choice([1, 1, 2, 3, 4])):
            minute = 0 if self.changes_zone else self.chance.randint(-12 * 60, 12 * 60 - 1)
            yield BEGIN + DAY * (first + self.chance.choice([0, 0, 1, 5, 9])) + datetime.timedelta(minutes=minute, seconds=number)

    def run_until(self, now):
        self.now = now
        for account in self.accounts:
            account.run_until(now)

    def act(self, now):
        while self.acts and self.acts[0] <= now:
            self.acts.pop(0)
            lived = self.chance.choice(self.lives())
            may = [(lambda act=act: act(lived), weight) for act, weight, condition in subscriptions.ACTS if condition(lived)]
            may += [(lambda act=act: act(lived.account), weight) for act, weight, condition in accounts.ACTS
                    if condition(lived.account)]
            may += [(self.bring_card, 6)] + [(self.move, 12)] * self.changes_zone
            if not lived.account.faults:
                self.chance.choices([act for act, _ in may], [weight for _, weight in may])[0]()

    def bring_card(self):
        """The customer's default from now on."""
        self.card = Card(*self.chance.choice(CARDS))
        self.done.append(f"{iso(self.now)} card {self.card.token}")
        self.api.post("/api/payment-methods", {"customerId": self.id, "token": self.card.token, "setDefault": True})
        for account in self.accounts:
            account.collection.new_card(self.now)

    def move(self):
        self.zone = self.chance.choice(ZONES)
        self.done.append(f"{iso(self.now)} zone {self.zone}")
        self.api.patch(f"/api/customers/{self.id}", {"timeZone": self.zone})
        for lived in self.lives():
            lived.life.move(self.now, zoneinfo.ZoneInfo(self.zone))

    def finish(self):
        for account in self.accounts:
            account.finish()

    def check(self):
        faults = [fault for account in self.accounts for fault in account.check()]
        return faults and "\n  ".join([f"customer {self.id}", *self.done, *faults])


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
            for lived in customer.lives():
                lived.migrated(old, new)
            customer.done.append(f"{iso(customer.now)} {old.code} migrated from version {old.version}")


def live(seed, count):
    """Some lives of one tenant on one clock; returns what differs, and how many lines there were."""
    chance = random.Random(seed)
    settings = {"taxRounding": chance.choice(["total", "line"]), "draftHours": chance.choice([0, 0, 1, 31, 7 * 24 + 5])}
    api = Api(tenant_token(settings))
    for number, (country, code, percent, inclusive) in enumerate(RATES):
        api.post("/api/billing/tax-rates", {"code": f"r{number}", "name": "VAT", "percentage": percent, "country": country,
                                            "taxCode": code, "inclusive": inclusive})
    families = [Family(api, chance, chance.choice(list(SCALES)), chance.choice(list(CYCLES))) for _ in range(3)]
    clock = api.post("/api/test-clocks", {"name": f"lives {seed}", "frozenTime": iso(BEGIN)})["id"]
    customers = []
    while sum(len(customer.lives()) for customer in customers) < count:
        customers.append(Customer(api, chance, clock, families, settings))
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
        customer.finish()
    advance(api, clock, end + LAST_DRAFTS)
    for customer in customers:
        customer.run_until(end + LAST_DRAFTS)
    faults = [fault for fault in (customer.check() for customer in customers) if fault]
    return faults, sum(account.lines for customer in customers for account in customer.accounts)


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
