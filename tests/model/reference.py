"""A small, slow, obviously right reference of what subscriptions cost (BILL-010 to BILL-056), for lives that are lived
day by day. It shares nothing with the product: fractions in place of scaled integers, a walk over days in place of
schedules, the rules read anew from their text.

A life is a start, a plan, and what happened on which day. `Life.run_until(day)` gives the lines that are due by then.
"""
import calendar
import datetime
from fractions import Fraction

DAY = datetime.timedelta(days=1)


def round_half_away(value):
    """BILL-002, to an integer."""
    doubled = abs(value) * 2
    whole = (doubled.numerator + doubled.denominator) // (2 * doubled.denominator)
    return whole if value >= 0 else -whole


def add_months(day, months, anchor_day):
    """The day `anchor_day` of the month that comes `months` later, or that month's last (BILL-010)."""
    month = day.year * 12 + day.month - 1 + months
    year, month = divmod(month, 12)
    return datetime.date(year, month + 1, min(anchor_day, calendar.monthrange(year, month + 1)[1]))


MONTHS = {"month": 1, "quarter": 3, "year": 12}
DAYS = {"day": 1, "week": 7}


class Grid:
    """Boundaries from an anchor (BILL-010, BILL-014)."""

    def __init__(self, start, unit, count, anchor="anniversary"):
        self.unit, self.count = unit, count
        self.day = start.day
        self.first = start
        if unit in MONTHS and anchor != "anniversary":
            self.day = 1 if anchor == "calendar" else anchor
            month = start
            if anchor == "calendar":
                while (month.month - 1) % MONTHS[unit]:
                    month = (month.replace(day=1) - DAY)
            self.first = add_months(month, 0, self.day)
            if self.first > start:
                self.first = add_months(month, -MONTHS[unit] * count, self.day)
        elif unit == "week" and anchor != "anniversary":
            weekday = 1 if anchor == "calendar" else anchor
            self.first = start - DAY * ((start.isoweekday() - weekday) % 7)

    def boundary(self, n):
        if self.unit in MONTHS:
            return add_months(self.first, n * MONTHS[self.unit] * self.count, self.day)
        return self.first + DAY * (n * DAYS[self.unit] * self.count)

    def index(self, day):
        n = 0
        while self.boundary(n + 1) <= day:
            n += 1
        return n


class Price:
    """What one component asks for a whole period, as a fraction of minor units (BILL-030 to BILL-033)."""

    def __init__(self, model, minor_per_unit, unit=None, tiers=None, size=None, free=0):
        self.model, self.scale = model, minor_per_unit
        self.unit = Fraction(unit) if unit is not None else None
        self.tiers = [(None if up is None else Fraction(up), Fraction(price), Fraction(flat))
                      for up, price, flat in tiers or []]
        self.size, self.free = size, Fraction(free)

    def whole(self, quantity):
        return self.scale * getattr(self, self.model)(Fraction(quantity))

    def flat(self, _):
        return self.unit

    def per_unit(self, quantity):
        return self.unit * quantity

    def graduated(self, quantity):
        total = below = Fraction(0)
        for number, (up_to, price, flat) in enumerate(self.tiers):
            here = (quantity if up_to is None else min(quantity, up_to)) - below
            if here > 0 or number == 0:
                total += here * price + flat
            if up_to is None or quantity <= up_to:
                return total
            below = up_to
        raise AssertionError("no last tier")

    def volume(self, quantity):
        for up_to, price, flat in self.tiers:
            if up_to is None or quantity <= up_to:
                return quantity * price + flat
        raise AssertionError("no last tier")

    def package(self, quantity):
        beyond = max(Fraction(0), quantity - self.free)
        packages = -(-beyond // self.size)
        return self.unit * packages


def rest(charged, used, span):
    """BILL-022: what is left of a charge after `used` of its days."""
    return charged - round_half_away(Fraction(charged * used, span))


class Component:
    def __init__(self, code, price, arrears=False):
        self.code, self.price, self.arrears = code, price, arrears


class Plan:
    def __init__(self, code, components, setup=0, minimum=0):
        self.code, self.components, self.setup, self.minimum = code, components, setup, minimum


class Line:
    """What is charged for [start, end) of a period, or credited."""

    def __init__(self, day, kind, item, component, start, end, amount):
        self.day, self.kind, self.item, self.component = day, kind, item, component
        self.start, self.end, self.amount = start, end, amount


class Life:
    """One subscription, day by day. What somebody does on a day comes after what falls due on it."""

    def __init__(self, start, grid, items, trial_days=0):
        self.begin = start + DAY * trial_days
        self.grid, self.items = grid, dict(items)
        self.day, self.next = start - DAY, None
        self.alive, self.ends_at_boundary = True, False
        self.scheduled = None        # items from the next boundary on
        self.lines, self.notes = [], []
        self.cuts = []               # days on which the running period was changed
        self.recurring = 0           # charged for the running period, for the minimum
        self.set_up = set()          # items whose first period was charged, with its setup fee
        self.period = None           # (start, end, full days)

    def share(self, price, quantity, days):
        return round_half_away(price.whole(quantity) * Fraction(days, self.period[2]))

    def add(self, kind, item, component, start, end, amount):
        if amount:
            self.lines.append(Line(self.day, kind, item, component, start, end, amount))

    # -- what falls due --

    def run_until(self, last):
        while self.day < last:
            self.day += DAY
            if self.alive and self.day >= self.begin and (self.period is None or self.day == self.period[1]):
                self.boundary()

    def boundary(self):
        if self.period is not None:
            self.end_of_period(self.period[1])
            if self.ends_at_boundary:
                self.alive = False
                return
            if self.scheduled:
                self.items, self.scheduled = self.scheduled, None
        number = self.grid.index(self.day)
        end = self.grid.boundary(number + 1)
        self.period = (self.day, end, (end - self.grid.boundary(number)).days)
        self.cuts, self.recurring = [], 0
        days = (end - self.day).days
        for item, (plan, quantity) in sorted(self.items.items()):
            if item not in self.set_up:
                self.set_up.add(item)
                self.add("fee", item, "setup", self.day, end, plan.setup)
            for component in plan.components:
                if not component.arrears:
                    amount = self.share(component.price, quantity, days)
                    self.recurring += amount
                    self.add("subscription", item, component.code, self.day, end, amount)

    def end_of_period(self, end):
        """Arrears of the period that ends, and what its minimum still wants (BILL-030)."""
        start = self.period[0]
        days = (end - start).days
        for item, (plan, quantity) in sorted(self.items.items()):
            for component in plan.components:
                if component.arrears:
                    amount = self.share(component.price, quantity, days)
                    self.recurring += amount
                    self.add("subscription", item, component.code, start, end, amount)
        minimum = self.items[0][0].minimum
        if minimum:
            wanted = round_half_away(Fraction(minimum * days, self.period[2]))
            self.add("fee", 0, "minimum", start, end, max(0, wanted - self.recurring))

    # -- what somebody does --

    def left(self, component, quantity):
        """What the running period's charge for this has left after all the days on which it was cut (BILL-022)."""
        start, end, _ = self.period
        amount = self.share(component.price, quantity, (end - start).days)
        for cut in self.cuts:
            amount, start = rest(amount, (cut - start).days, (end - start).days), cut
        return amount

    def in_advance(self, items):
        return {(item, c.code): (c, quantity) for item, (plan, quantity) in items.items()
                for c in plan.components if not c.arrears}

    def change(self, items):
        """From today on; in plans that are charged in advance alone."""
        old, new = self.in_advance(self.items), self.in_advance(items)
        self.cuts.append(self.day)
        end = self.period[1]
        for key in sorted(old.keys() | new.keys()):
            if key in old and key in new and old[key][0] is new[key][0] and old[key][1] == new[key][1]:
                continue
            for side, sign, kind in ((old, -1, "credit"), (new, 1, "subscription")):
                if key in side:
                    self.add(kind, key[0], key[1], self.day, end, sign * self.left(*side[key]))
        self.items = dict(items)

    def change_at_period_end(self, items):
        self.scheduled = dict(items)

    def cancel(self, credit):
        """At once. The credit of what is unused is a note, net of tax (BILL-053)."""
        self.cuts.append(self.day)
        if credit:
            total = sum(self.left(*charge) for charge in self.in_advance(self.items).values())
            if total:
                self.notes.append((self.day, total))
        self.end_of_period(self.day)
        self.alive = False

    def cancel_at_period_end(self):
        self.ends_at_boundary = True

    def reactivate(self):
        self.ends_at_boundary = False
