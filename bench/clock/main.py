#!/usr/bin/python3
"""bench clock: ten years of months of one customer on a test clock (issue 4: in less than ten seconds), by the workers
that real time has: 120 billing runs, invoices, charges at the gateway, mails. Beside it the machine's limit in the same
run: as many one-row transactions as that took, through one connection.

    bench/clock/main.py        as `./dev bench clock` runs it
"""
import http.client
import json
import os
import subprocess
import time
import urllib.parse
import uuid

MONTHS = 120
ADMIN = ["psql", "-qXAt", os.environ["DATABASE_ADMIN_URL"]]
TALLY = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
STATISTICS_SECONDS = 2  # PostgreSQL's processes report what they did about once a second


class Api:
    def __init__(self):
        address = urllib.parse.urlsplit(os.environ["API_URL"])
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        self.headers = {"Content-Type": "application/json", "Prefer": "wait=60"}

    def call(self, method, path, body=None):
        self.connection.request(method, path, json.dumps(body) if body is not None else None, self.headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status not in (200, 201):
            raise SystemExit(f"bench clock: {method} {path}: {answer.status} {text[:300]}")
        return json.loads(text)["data"]


def sql(statement):
    return subprocess.run([*ADMIN, "-c", statement], check=True, capture_output=True, text=True).stdout.strip()


def login(api):
    name, password = uuid.uuid4().hex, "Correct-Horse-7"
    subprocess.run([f"{os.environ['BIN_DIR']}/cloudbill", "tenant", "create", "--name", name, "--mode", "test",
                    "--admin-email", f"admin@{name}.example", "--admin-password", password],
                   check=True, stdout=subprocess.DEVNULL)
    user = api.call("POST", "/api/auth/login", {"email": f"admin@{name}.example", "password": password})
    api.headers["Authorization"] = f"Bearer {user['accessToken']}"


def customer_on_clock(api):
    clock = api.call("POST", "/api/test-clocks", {"name": "bench", "frozenTime": "2030-01-31T00:00:00Z"})["id"]
    plan = api.call("POST", "/api/plans", {"code": f"p-{uuid.uuid4().hex}", "name": "Plan", "price": "10.00",
                                           "currency": "USD", "billingCycle": "monthly"})["id"]
    customer = api.call("POST", "/api/customers", {"name": "Ada Lovelace", "email": f"{uuid.uuid4().hex}@bench.example",
                                                   "testClockId": clock})["id"]
    api.call("POST", "/api/payment-methods", {"customerId": customer, "token": "pm_card_visa"})
    api.call("POST", "/api/billing/subscriptions", {"customerId": customer, "planId": plan})
    return clock, customer


def advance(api, clock, to):
    begun = time.monotonic()
    api.call("POST", f"/api/test-clocks/{clock}/advance", {"to": to})
    while api.call("GET", f"/api/test-clocks/{clock}")["status"] != "ready":
        time.sleep(0.02)
    return time.monotonic() - begun


def transactions():
    time.sleep(STATISTICS_SECONDS)
    return int(sql(TALLY))


def limit(count):
    """So many commits of one row."""
    sql("CREATE TABLE IF NOT EXISTS public.bench_clock (n integer)")
    script = "INSERT INTO public.bench_clock VALUES (1);\n" * count
    begun = time.monotonic()
    subprocess.run(ADMIN, input=script, check=True, text=True)
    taken = time.monotonic() - begun
    sql("DROP TABLE public.bench_clock")
    return taken


def main():
    api = Api()
    login(api)
    clock, customer = customer_on_clock(api)
    advance(api, clock, "2030-02-01T00:00:00Z")
    before, idle_begun = transactions(), time.monotonic()
    idle = (transactions() - before) / (time.monotonic() - idle_begun)
    before = transactions()
    taken = advance(api, clock, "2040-01-31T00:00:00Z")
    count = transactions() - before - round(idle * (taken + STATISTICS_SECONDS))
    paid = int(sql(f"SELECT count(*) FROM cloudbill.invoices WHERE customer_id = '{customer}' AND status = 'paid'"))
    if paid != MONTHS + 1:
        raise SystemExit(f"bench clock: {paid} invoices are paid, not {MONTHS + 1}")
    floor = limit(count)
    print(f"| {MONTHS} months, s | a month, ms | transactions | the same of one row, s | ratio |")
    print("|---|---|---|---|---|")
    print(f"| {taken:.2f} | {taken * 1000 / MONTHS:.0f} | {count} | {floor:.2f} | {floor / taken:.2f} |")


if __name__ == "__main__":
    main()
