"""A small, slow, obviously right reference of what subscriptions are charged (BILL-010 to BILL-056). It shares nothing
with the product: fractions in place of scaled integers, one subscription at a time, the rules read anew from their text.
What invoices, coupons, taxes and credit make of the charges is in books.py.

A life is a start, what is subscribed to, and what happened at which instant. `run_until(lives, instant)` passes the
boundaries of an account's lives that come before; their log says what was invoiced and what was given back, in order.
"""
import calendar
import collections
import datetime
from fractions import Fraction

DAY = datetime.timedelta(days=1)
UTC = datetime.timezone.utc


def round_half_away(value):
    """BILL-002, to an integer."""
    doubled = abs(value) * 2
    whole = (doubled.numerator + doubled.denominator) // (2 * doubled.denominator)
    return whole if value >= 0 else -whole


# --- calendar ---------------------------------------------------------------------------------------------

def midnight(day, zone):
    """The instant at which a day begins (BILL-013): a midnight that does not exist is the first instant of the day, of
    one that comes twice the earlier."""
    return datetime.datetime.combine(day, datetime.time(), zone).astimezone(UTC)


def add_months(day, months, anchor_day):
    """The day `anchor_day` of the month that comes `months` later, or that month's last (BILL-010)."""
    month = day.year * 12 + day.month - 1 + months
    year, month = divmod(month, 12)
    return datetime.date(year, month + 1, min(anchor_day, calendar.monthrange(year, month + 1)[1]))


MONTHS = {"month": 1, "quarter": 3, "year": 12}
DAYS = {"day": 1, "week": 7}
MEAN_DAYS = {"day": 1, "week": 7, "month": Fraction(146097, 4800), "quarter": Fraction(146097, 1600),
             "year": Fraction(146097, 400)}


class Grid:
    """Boundaries from an anchor (BILL-010, BILL-014); `origin` is the number of the first period."""

    def __init__(self, start, unit, anchor="anniversary", origin=0):
        self.unit, self.origin = unit, origin
        self.day, self.first = start.day, start
        if unit in MONTHS and anchor != "anniversary":
            self.day = 1 if anchor == "calendar" else anchor
            month = start
            while anchor == "calendar" and (month.month - 1) % MONTHS[unit]:
                month = month.replace(day=1) - DAY
            self.first = add_months(month, 0, self.day)
            if self.first > start:
                self.first = add_months(month, -MONTHS[unit], self.day)
        elif unit == "week" and anchor != "anniversary":
            weekday = 1 if anchor == "calendar" else anchor
            self.first = start - DAY * ((start.isoweekday() - weekday) % 7)

    def boundary(self, n):
        if self.unit in MONTHS:
            return add_months(self.first, (n - self.origin) * MONTHS[self.unit], self.day)
        return self.first + DAY * ((n - self.origin) * DAYS[self.unit])

    def index(self, day):
        n = self.origin
        while self.boundary(n + 1) <= day:
            n += 1
        return n


# --- prices -----------------------------------------------------------------------------------------------

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


class Component:
    def __init__(self, code, price, arrears=False, tax_code=None):
        self.code, self.price, self.arrears, self.tax_code = code, price, arrears, tax_code


class Plan:
    """One version of a plan (BILL-035): what differs between versions is another Plan of the same code."""

    def __init__(self, code, unit, components, setup=0, minimum=0, version=1, basis="day"):
        self.code, self.unit, self.components = code, unit, components
        self.setup, self.minimum, self.version, self.basis = setup, minimum, version, basis


def recurring(items):
    """What a state costs by the day (BILL-052), for a mean period."""
    whole = sum(round_half_away(c.price.whole(quantity)) for plan, quantity in items.values() for c in plan.components)
    return Fraction(whole) / MEAN_DAYS[items[0][0].unit]


# --- what is charged --------------------------------------------------------------------------------------

class Line:
    """What is charged for [start, end), or credited: `credits` is the line of which it takes something back."""

    def __init__(self, kind, text, plan, component, index, start, end, amount, credits=None):
        self.kind, self.text, self.plan, self.component = kind, text, plan, component
        self.index, self.start, self.end, self.amount, self.credits = index, start, end, amount, credits
        self.life = None
        self.is_true_up = False
        self.is_cut = False  # asked for, and less when its invoice came: it stays there, even as nothing

    def key(self):
        return self.kind, self.text, self.start, self.end, self.amount


class Charge:
    """What the state in force is charged in advance for a period: the whole of it, whatever was changed within."""

    def __init__(self, item, plan, quantity, component, index, start, end, whole, line):
        self.item, self.plan, self.quantity, self.component = item, plan, quantity, component
        self.index, self.start, self.end, self.whole, self.line = index, start, end, whole, line

    def place(self):
        return self.item, self.component.code, self.index


class Mark(collections.namedtuple("Mark", "day midnight at")):
    """Where a state begins or ends: its day, the instant at which that begins or was told to, and the very instant."""

    def place(self, basis):
        """BILL-020: what is counted from one mark to another, days or seconds."""
        return self.day if basis == "day" else self.at

    def shown(self, basis):
        return self.midnight if basis == "day" else self.at


def seconds(span):
    return span // datetime.timedelta(seconds=1)


def rest_after(rest, start, end, cuts):
    """BILL-022: the rest of the rest after each of the days, or instants, at which something was changed."""
    for cut in cuts:
        cut = min(max(cut, start), end)
        if start < end:
            rest -= round_half_away(Fraction(rest * seconds(cut - start), seconds(end - start)))
        start = cut
    return rest


class OpenPeriod:
    """A period that was begun and is not settled: arrears and minimum are still to come, from `open` on."""

    def __init__(self, index, open, end):
        self.index, self.open, self.end = index, open, end
        self.charged = self.wanted = self.uncredited = 0


def invoice(log, life, at, lines):
    """An invoice of what is not nothing; each line says whose it is."""
    lines = [line for line in lines if line.amount or line.is_cut]
    for line in lines:
        line.life = line.life or life
    if lines:
        log.append(("invoice", at, lines))


def run_until(lives, instant):
    """BILL-061: what falls due for a customer's subscriptions in one currency on one day is one invoice."""
    while any(life.is_due(instant) for life in lives):
        at = min(life.due_at() for life in lives if life.is_due(instant))
        together = []
        for life in lives:
            if life.is_due(at):
                for line in life.with_waiting(life.boundary(at)):
                    line.life = life
                    together.append(line)
        invoice(lives[0].log, None, at, together)


def begin(life, accounts, now):
    """The first invoice is made at once, with what the customer's others owe up to its day; what was missed since comes by a
    run (BILL-051, BILL-061). `accounts`: all lives of the customer, by currency."""
    if life.is_due(now):
        day = life.bounds(life.next)[0]
        end = min(now, midnight(day + DAY, life.zone) - datetime.timedelta(microseconds=1))
        for lives in accounts:
            run_until(lives, end)


def span(first, last):
    return f"{first} to {last}"


class Life:
    def __init__(self, start, unit, anchor, items, zone, log, books, trial_days=0):
        self.start = start + DAY * trial_days
        self.has_trial = trial_days > 0
        self.state = "trialing" if trial_days else "active"
        self.grid, self.items = Grid(self.start, unit, anchor), dict(items)
        self.zone, self.next_zone, self.asked_at = zone, None, None
        self.next = 0                # the first period that is not billed
        self.next_at = midnight(self.start, zone)  # when it begins
        self.told = {}               # the instants of each period that was begun
        self.ends_at, self.auto_renew = None, True  # BILL-053: the instant that was told; BILL-055
        self.scheduled = None        # what is to be changed at a boundary
        self.moves = []              # (version, version) of plans: what has the one then gets the other (BILL-035)
        self.scheduled_index = None  # the first period that these change
        self.numbers = len(items)    # items ever had
        self.charges = []
        self.cuts = []               # marks of what somebody did within periods
        self.open = []               # periods that were begun and are not settled; those after the first, early (BILL-055)
        self.set_up = set()          # items that were charged once, with their setup fee
        self.waiting = []            # lines for the next invoice
        self.log = log               # the account's: ("invoice", instant, lines), ("note", instant, [(line, amount)])
        self.books = books           # which say what of a line notes and voids have left (BILL-022)

    def is_running(self):
        """Whether a period runs that was charged, in a subscription that is billed."""
        return self.state == "active" and self.next > 0

    # -- periods --

    def bounds(self, index):
        """The days of a period."""
        return max(self.grid.boundary(index), self.start), self.grid.boundary(index + 1)

    def part(self, index, basis):
        """What a first, short period is of the whole one (BILL-021)."""
        whole, (start, end) = self.grid.boundary(index), self.bounds(index)
        if start == whole:
            return Fraction(1)
        if basis == "second":
            whole, start, end = (midnight(day, self.zone) for day in (whole, start, end))
        return Fraction(seconds(end - start), seconds(end - whole))

    def share(self, plan, component, quantity, index):
        return round_half_away(component.price.whole(quantity) * self.part(index, plan.basis))

    def counted(self, basis, index):
        """The bounds of a period as they are counted: days, or the instants that were told, in whatever zones they were
        (BILL-013); and all cuts alike."""
        return *(self.bounds(index) if basis == "day" else self.told[index]), [cut.place(basis) for cut in self.cuts]

    def left(self, charge):
        """What of a charge is not used up."""
        return rest_after(charge.whole, *self.counted(charge.plan.basis, charge.index))

    def text(self, item, component, what):
        plan = self.items[item][0] if component is None else component[0]
        if component and len(plan.components) > 1:
            return f"{plan.code} ({component[1].code}), {what}"
        return f"{plan.code}, {what}"

    def in_advance(self, item, index):
        """What the item would be charged for the period."""
        plan, quantity = self.items[item]
        start, end = self.bounds(index)
        for component in plan.components:
            if not component.arrears:
                whole = self.share(plan, component, quantity, index)
                yield Charge(item, plan, quantity, component, index, start, end, whole, None)

    def setup_fee(self, item, index, start, end):
        """BILL-030: once, with the first period that the item is charged for."""
        if item in self.set_up:
            return []
        self.set_up.add(item)
        plan = self.items[item][0]
        return [Line("fee", f"{plan.code}, setup fee", plan, None, index, start, end, plan.setup)]

    # -- what falls due --

    def due_at(self):
        """The next boundary: where the period that runs ends."""
        return self.open[0].end.at if len(self.open) > 1 else self.next_at

    def is_due(self, instant):
        return self.state in ("trialing", "active") and self.due_at() <= instant

    def with_waiting(self, lines):
        """These, and what waited for an invoice; credits that have become nothing go with others, or wait on."""
        self.look_for_voids()
        if not any(line.amount or line.is_cut and not line.credits for line in lines + self.waiting):
            return lines
        waited, self.waiting = self.waiting, []
        return lines + waited

    def look_for_voids(self):
        """Nothing is taken back of what is void by now (BILL-022); so it was charged, and counts (BILL-030)."""
        for credit in self.waiting:
            if credit.credits and credit.amount and self.books.is_void(credit.credits):
                for period in self.open:
                    period.uncredited -= credit.amount if period.index == credit.index else 0
                for line in self.waiting:
                    if line.is_true_up and line.index == credit.index:
                        line.is_cut = line.is_cut or bool(line.amount)
                        line.amount = max(0, line.amount + credit.amount)
                credit.amount, credit.is_cut = 0, True

    def emit(self, at, lines):
        self.emit_alone(at, self.with_waiting(lines))

    def boundary(self, at):
        day = self.open[0].end.day if self.open else self.bounds(self.next)[0]
        lines = self.settle(Mark(day, at, at))
        self.charges = [charge for charge in self.charges if charge.end > day]
        goes_on = bool(self.open)  # the next period was begun early
        if not goes_on and self.ends_at and at >= self.ends_at:
            self.end("cancelled")
        elif not goes_on and not self.auto_renew and self.next > 0:
            self.end("expired")
        else:
            if not goes_on and self.waits() and self.next >= self.scheduled_index:
                self.apply_scheduled(day)
            self.enter_zone(at)
            if not goes_on:
                lines += self.begin(self.zone)
        return lines

    def move(self, at, zone):
        """BILL-013: from the first boundary after it on."""
        self.next_zone, self.asked_at = zone, at

    def enter_zone(self, boundary):
        if self.next_zone and boundary > self.asked_at:
            self.zone, self.next_zone = self.next_zone, None

    def end(self, state):
        self.state, self.charges, self.scheduled, self.moves = state, [], None, []

    def begin(self, zone):
        """The next period, which ends in that zone: its setup fees and what is charged for it in advance."""
        index, self.next, self.state = self.next, self.next + 1, "active"
        first, last = self.bounds(index)
        start, end = self.told[index] = self.next_at, midnight(last, zone)
        self.next_at = end
        self.open.append(OpenPeriod(index, Mark(first, start, start), Mark(last, end, end)))
        lines = []
        for item in sorted(self.items):
            lines += self.setup_fee(item, index, start, end)
            for charge in self.in_advance(item, index):
                charge.line = Line("subscription", self.text(item, (charge.plan, charge.component), span(first, last)),
                                   charge.plan, charge.component, index, start, end, charge.whole)
                self.charges.append(charge)
                self.open[-1].charged += charge.whole
                lines.append(charge.line)
        return lines

    def piece(self, whole, basis, period, until):
        """What of an amount for a period is used in what is open of it up to a mark (BILL-022)."""
        start, end, cuts = self.counted(basis, period.index)
        first, last = period.open.place(basis), until.place(basis)
        return (rest_after(whole, start, end, [*(cut for cut in cuts if cut < first), first])
                - rest_after(whole, start, end, [*(cut for cut in cuts if cut < last), last]))

    def until(self, period, cut):
        """Where the state ends that is open in a period: with that, or at a cut within it."""
        if cut.day >= period.end.day:
            return period.end
        day = max(period.open.day, cut.day)
        return Mark(day, midnight(day, self.zone), min(max(period.open.at, cut.at), period.end.at))

    def close(self, cut):
        """What the state that ends owes in arrears for the period that runs, and its part of the minimum (BILL-030)."""
        lines, own = [], self.items[0][0]
        for period in self.open[:1]:
            until = self.until(period, cut)
            for item, (plan, quantity) in sorted(self.items.items()):
                for component in plan.components:
                    if component.arrears:
                        whole = self.share(plan, component, quantity, period.index)
                        amount = self.piece(whole, plan.basis, period, until)
                        period.charged += amount
                        text = self.text(item, (plan, component), span(period.open.day, until.day))
                        lines.append(Line("subscription", text, plan, component, period.index,
                                          period.open.shown(plan.basis), until.shown(plan.basis), amount))
            minimum = round_half_away(own.minimum * self.part(period.index, own.basis))
            period.wanted += self.piece(minimum, own.basis, period, until)
            period.closed, period.open = period.open, until
        return lines

    def settle(self, cut):
        """What the period that runs owes in arrears up to a cut, and the rest up to its minimum (BILL-030)."""
        self.look_for_voids()
        lines, own = self.close(cut), self.items[0][0]
        for period in self.open[:1]:
            text = self.text(0, None, f"minimum commitment, {span(period.closed.day, period.open.day)}")
            missing = max(0, period.wanted - period.charged)
            true_up = Line("fee", text, own, None, period.index, period.closed.shown(own.basis),
                           period.open.shown(own.basis), max(0, missing - period.uncredited))
            true_up.is_true_up, true_up.is_cut = True, true_up.amount < missing
            lines.append(true_up)
        del self.open[:1]
        return lines

    # -- what somebody does --

    def day_of(self, at):
        """The day of the zone (BILL-020)."""
        return at.astimezone(self.zone).date()

    def cut(self, at):
        """Something is done: to the second."""
        day = self.day_of(at)
        self.cuts.append(Mark(day, midnight(day, self.zone), at.replace(microsecond=0)))
        return self.cuts[-1]

    def rest_of(self, charge):
        """From the last cut on: the days in words, and the instants, those of its period as they were told."""
        start, end = self.told[charge.index]
        cut, day = self.cuts[-1], max(self.cuts[-1].day, charge.start)
        begin = cut.at if charge.plan.basis == "second" else midnight(day, self.zone) if day < charge.end else end
        return span(day, charge.end), max(start, begin), end

    def unused(self, charge):
        """What is left of a charge, unless somebody gave it back already (BILL-022)."""
        return min(self.left(charge), self.books.left(charge.line))

    def credit(self, charge):
        """What is left of a charge is taken back."""
        days, *times = self.rest_of(charge)
        return Line("credit", f"{charge.plan.code}, unused {days}", charge.plan, charge.component, charge.index, *times,
                    -self.unused(charge), charge.line)

    def charge_rest(self, charge):
        """What the new state costs from now on, by the same rule."""
        days, *times = self.rest_of(charge)
        charge.line = Line("subscription", self.text(charge.item, (charge.plan, charge.component), days),
                           charge.plan, charge.component, charge.index, *times, self.left(charge))
        return charge.line

    def replace_charges(self, new):
        """From the charges in force to these; what both have stays as it is (BILL-022, BILL-024)."""
        old, lines = {charge.place(): charge for charge in self.charges}, []
        kept, added = [], []
        for charge in new:
            same = old.get(charge.place())
            if same and same.plan is charge.plan and same.quantity == charge.quantity:
                kept.append(old.pop(charge.place()))
            else:
                added.append(charge)
        lines += [self.credit(charge) for charge in self.charges if charge.place() in old]
        lines += [self.charge_rest(charge) for charge in added]
        self.count_for_minimum(lines)
        self.charges = kept + added
        return lines

    def count_for_minimum(self, lines):
        for period in self.open:
            period.charged += sum(line.amount for line in lines if line.index == period.index)

    def periods_from(self, day):
        """The periods that are billed and not over."""
        return [index for index in range(self.next) if self.bounds(index)[1] > day]

    def change(self, at, items, prorate=True, billing=None):
        """BILL-052, now."""
        old_items, self.items = self.items, dict(items)
        cut = self.cut(at)
        if self.items[0][0].unit != old_items[0][0].unit:
            lines = self.begin_other_interval(cut, old_items, prorate)
        else:
            running = self.periods_from(cut.day) if self.state == "active" else []
            new_items, self.items = self.items, old_items
            lines = self.close(cut) if running else []
            self.items = new_items
            for item in sorted(self.items):
                if running and item not in old_items:
                    lines += self.setup_fee(item, running[0], at, at)
            if prorate:
                lines += self.replace_charges([charge for index in running for item in sorted(self.items)
                                               for charge in self.in_advance(item, index)])
        if billing == "now" or (billing is None and sum(line.amount for line in lines) > 0):
            self.emit(at, lines)
        else:
            self.waiting += lines

    def begin_other_interval(self, cut, old_items, prorate):
        """A new period, anchored on the day of the change."""
        day, new_items, unit = cut.day, self.items, self.items[0][0].unit
        if not self.is_running():
            self.grid = Grid(self.bounds(self.next)[0], unit, origin=self.next)
            return []
        lines = [self.credit(charge) for charge in self.charges] if prorate else []
        self.count_for_minimum(lines)
        self.items = old_items
        lines += self.settle(cut)
        self.items, self.charges, self.open = new_items, [], []
        self.grid = Grid(day, unit, origin=self.next)
        self.next_at = midnight(day, self.zone)
        self.enter_zone(self.next_at)
        return lines + self.begin(self.zone)

    def change_at_period_end(self, change):
        """`change` makes the new items of those that there are by then."""
        self.scheduled, self.scheduled_index = change, self.next

    def waits(self):
        return bool(self.scheduled or self.moves)

    def moved(self, items):
        for old, new in self.moves:
            items = {n: (new if plan is old else plan, quantity) for n, (plan, quantity) in items.items()}
        return items

    def by_then(self):
        """The items at the boundary, when nothing else is asked for until it comes."""
        items = self.moved(self.items)
        return self.moved(self.scheduled(items)) if self.scheduled else items

    def migrate(self, at, old, new):
        """BILL-035: at the first boundary that has not come, or with what waits already."""
        if not self.waits():
            self.scheduled_index = max(self.next, self.grid.index(self.day_of(at)) + 1 if self.next else 0)
        self.moves.append((old, new))

    def withdraw(self):
        """The change that waits; a migration is nobody's to take back with it."""
        self.scheduled = None

    def apply_scheduled(self, day):
        unit = self.items[0][0].unit
        self.items, self.scheduled, self.moves = self.by_then(), None, []
        if self.items[0][0].unit != unit:
            self.grid = Grid(day, self.items[0][0].unit, origin=self.next)

    def stop(self, at, state, credit):
        """What was used is billed, the unused rest given back by a note (BILL-053, BILL-054)."""
        cut = self.cut(at)
        unused = [(charge.line, self.unused(charge)) for charge in self.charges if charge.end > cut.day]
        if credit:
            for period in self.open:
                period.charged -= sum(rest for line, rest in unused if line.index == period.index)
        self.emit(at, self.settle(cut) if self.state == "active" else [])
        if credit:
            self.log.append(("note", at, [(line, rest) for line, rest in unused if rest]))
        self.running = self.grid.index(cut.day)
        self.state, self.charges, self.open = state, [], []

    def cancel(self, at, credit):
        self.stop(at, "cancelled", credit)
        self.scheduled, self.moves = None, []

    def suspend(self, at, credit):
        self.stop(at, "suspended", credit)
        self.ends_at = None

    def resume(self, at):
        """BILL-054: the rest of the period is charged; what passed meanwhile never is."""
        day = self.day_of(at)
        index = self.grid.index(day)
        cut = self.cut(at)
        if index != self.running:
            self.enter_zone(at)
        if self.waits() and self.scheduled_index <= index:  # its boundary passed meanwhile
            self.next = self.scheduled_index
            self.apply_scheduled(self.bounds(self.next)[0])
            index = self.grid.index(day)
        if index >= self.next:
            self.next = index + 1
            self.told[index] = tuple(midnight(bound, self.zone) for bound in self.bounds(index))
            self.next_at = self.told[index][1]
        self.state = "trialing" if self.has_trial and day < self.start else "active"  # BILL-056
        for index in self.periods_from(day):
            (start, end), (first, last) = self.bounds(index), self.told[index]
            begin = Mark(max(start, day), max(first, midnight(day, self.zone)), max(first, cut.at))
            self.open.append(OpenPeriod(index, begin, Mark(end, last, last)))
        lines = [fee for item in sorted(self.items) for fee in self.setup_fee(item, index, at, at)]
        lines += self.replace_charges([charge for index in self.periods_from(day) for item in sorted(self.items)
                                       for charge in self.in_advance(item, index)])
        self.emit_alone(at, lines)

    def emit_alone(self, at, lines):
        invoice(self.log, self, at, lines)

    def renew(self, at):
        """BILL-055: the next period now; the end moves by one period, the grid stays. It begins at a boundary, and so ends
        in the zone that is to come with the next one (BILL-013)."""
        self.emit(at, self.begin(self.next_zone or self.zone))
