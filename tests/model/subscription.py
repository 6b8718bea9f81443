"""One subscription of a customer, in both worlds: how it begins, and what somebody does to it by chance."""
import json
import zoneinfo

from api import iso
from catalogue import CYCLES, random_coupon
from reference import DAY, Life, recurring


class Lived:
    def __init__(self, account, begins):
        self.account, self.customer = account, account.customer
        self.api, self.chance = account.api, account.chance
        chance, self.family = self.chance, self.chance.choice(account.families)
        unit = CYCLES[self.family.cycle]
        start = begins.date() + DAY * chance.randint(-70, 60)
        anchor = chance.choice(["anniversary", "calendar", "calendar", chance.randint(1, 7 if unit == "week" else 31)])
        trial = chance.choice([0, 0, 0, 7, 14, 30])
        own = chance.choice(self.family.of_unit(unit))
        items = {0: (own, chance.randint(1, 30))}
        if chance.random() < 0.3:
            items[1] = (chance.choice(self.family.of_unit(unit)), chance.randint(1, 30))
        self.coupons = [random_coupon(self.api, chance, self.family, own) for _ in range(chance.choice([0, 0, 1, 1, 2]))]
        body = {"customerId": self.customer.id, "planId": own.code, "quantity": items[0][1],
                "currency": account.currency, "startDate": str(start), "billingAnchor": anchor, "collection": "automatic" if account.is_charged else "manual",
                "coupons": [coupon.code for coupon in self.coupons],
                "items": [{"planId": plan.code, "quantity": q} for n, (plan, q) in sorted(items.items()) if n > 0]}
        if trial:
            body["trialDays"] = trial
        self.id = self.api.post("/api/billing/subscriptions", body)["id"]
        self.life = Life(start, unit, anchor, items, zoneinfo.ZoneInfo(self.customer.zone), account.log,
                         account.books, trial)
        for coupon in self.coupons:
            coupon.life = self.life
        self.done = self.customer.done
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
        plan = self.chance.choice(self.family.of_unit(unit) if self.life.waits() else self.family.plans)
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
        billing = self.chance.choice([None, None, "now", "next_invoice", "next_invoice"])
        if billing:
            body["billing"] = billing
        self.send("change-plan", body)
        self.life.change(self.now, change(self.life.items), body.get("prorate", True), billing)
        self.change_or_void()

    def change_or_void(self):
        """At the same instant, another change, or a void of what is to be taken back on the next invoice."""
        if self.chance.random() < 0.15:
            self.change_now()
        elif not self.account.log and self.account.open_and_waited_for() and self.chance.random() < 0.5:
            self.account.void_of_waiting()

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

    def may_credit(self):
        """What waits is invoiced at once, and would be noted while it is being charged: which comes first, nobody knows."""
        return not (self.account.is_charged and (self.life.waiting or self.account.books.drafts))

    def cancel_now(self):
        credit = self.chance.random() < 0.6 and self.may_credit()
        self.send("cancel", {"immediately": True, "prorate": credit})
        self.life.cancel(self.now, credit)

    def cancel_later(self):
        self.send("cancel", {"immediately": False})
        self.life.ends_at = self.life.next_at

    def keep(self):
        self.send("reactivate", {})
        self.life.ends_at = None

    def suspend(self):
        credit = self.chance.random() < 0.7 and self.may_credit()
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
        life, numbers = self.life, self.life.numbers
        if life.state in ("cancelled", "expired") or life.ends_at or not life.auto_renew:
            return
        then = life.by_then()
        life.numbers = numbers
        if any(plan is old for plan, _ in then.values()) or any(
                plan is old for n, (plan, _) in life.items.items() if n > 0):
            life.migrate(self.now, old, new)

    def withdraw(self):
        """A change that waits; what is left of it is a migration that waits alone, and is left."""
        waiting = [change for change in self.api.get(f"/api/billing/subscriptions/{self.id}/scheduled-changes")
                   if change["status"] == "pending"]
        self.done.append(f"{iso(self.now)} {self.id[-4:]} withdraw {json.dumps(waiting, default=str)}")
        self.api.call("DELETE", f"/api/billing/subscriptions/{self.id}/scheduled-changes/{waiting[0]['id']}")
        self.life.withdraw()


def is_alive(lived):
    return lived.life.state in ("trialing", "active")


def goes_on(lived):
    return is_alive(lived) and not lived.life.ends_at


ACTS = [  # what, how often, when
    (Lived.change_now, 12, is_alive),
    (Lived.change_by_default, 4, lambda lived: goes_on(lived) and lived.life.is_running()),
    (Lived.change_later, 4, goes_on),
    (Lived.withdraw, 6, lambda lived: lived.life.scheduled),
    (Lived.cancel_now, 2, is_alive),
    (Lived.cancel_later, 3, goes_on),
    (Lived.keep, 6, lambda lived: is_alive(lived) and lived.life.ends_at),
    (Lived.suspend, 3, lambda lived: lived.life.is_running()),
    (Lived.resume, 20, lambda lived: lived.life.state == "suspended"),
    (Lived.renew, 5, lambda lived: goes_on(lived) and lived.life.is_running() and not lived.life.waits()
        and len(lived.life.open) < 5),
    (Lived.let_expire, 1, is_alive),
    (Lived.clear_coupons, 1, lambda lived: lived.coupons and is_alive(lived)),
]
