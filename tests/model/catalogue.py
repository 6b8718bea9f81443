"""What the lives of one tenant subscribe to, made by chance for the workers and for the reference alike: plans in several
versions, coupons, tax rates."""
import uuid
from fractions import Fraction

from api import units
from books import NO_TAX, Coupon, Rate
from reference import Component, Plan, Price

SCALES = {"USD": 100, "JPY": 1, "KWD": 1000}
CYCLES = {"monthly": "month", "quarterly": "quarter", "yearly": "year", "weekly": "week"}
RATES = [  # country, tax code, percentage, inclusive
    ("DE", None, "19", False), ("DE", "reduced", "7", False), ("US", None, "8.875", True), ("AT", None, "20", True),
    ("AT", "reduced", "20", False)]

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
        setup, minimum, basis = 0, 0, chance.choice(["day", "day", "second"])
        body = {"components": [wire for wire, _ in parts], "setupFee": "0", "minimumCommitment": "0", "prorationBasis": basis}
        if chance.random() < 0.3:
            setup = chance.randint(1, 500 * self.scale)
            body["setupFee"] = units(setup, self.scale)
        if self.may_be_arrears and chance.random() < 0.5:
            minimum = chance.randint(100, chance.choice([3000, 20000])) * self.scale
            body["minimumCommitment"] = units(minimum, self.scale)
        return body, Plan(code, unit, [component for _, component in parts], setup, minimum, version, basis)

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
