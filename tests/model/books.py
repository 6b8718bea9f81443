"""What invoices, coupons, taxes, credit notes, payments and account credit make of the lines of lives (BILL-003, BILL-022,
BILL-040 to BILL-043, BILL-070, BILL-072): slow, in fractions, one customer's one currency at a time, and with the ledger
that must come of it.

Everything is worked out invoice by invoice, in order; an amount is in minor units.
"""
import collections
import copy
import math
from fractions import Fraction

from reference import round_half_away

Rate = collections.namedtuple("Rate", "percent inclusive category")
NO_TAX = Rate(Fraction(0), False, "zero")


def apportion(shares):
    """BILL-003: exact shares to integers that sum to the rounded sum: largest remainder, ties by order. A sum below zero
    is the mirror image."""
    sign = -1 if sum(shares) < 0 else 1
    shares = [sign * share for share in shares]
    parts = [math.floor(share) for share in shares]
    left = round_half_away(sum(shares)) - sum(parts)
    by_remainder = sorted(range(len(shares)), key=lambda n: parts[n] - shares[n])
    for n in by_remainder[:left]:
        parts[n] += 1
    return [sign * part for part in parts]


class Coupon:
    """Of one subscription. `until` is the first period that it does not cover; None: it covers all."""
    life = None

    def __init__(self, code, percent=None, amount=None, until=None, plans=None):
        self.code, self.percent, self.amount, self.until, self.plans = code, percent, amount, until, plans
        self.used = collections.Counter()  # of a fixed amount, by period

    def covers(self, line):
        return (line.life is self.life and line.kind != "credit" and (self.until is None or line.index < self.until)
                and (self.plans is None or line.plan.code in self.plans))


class Invoice:
    def __init__(self, lines, total):
        self.lines, self.total = lines, total
        self.credit_applied = self.credited = self.paid = 0
        self.used = []              # of which grants, how much
        self.money_back = 0         # what notes gave back of what was paid in money
        self.end = None             # "void", "uncollectible": somebody's word (BILL-070)

    def due(self):
        if self.end == "void":
            return 0
        return max(0, self.total - self.credit_applied - self.credited - self.paid)

    @property
    def status(self):
        if self.end == "void":
            return "void"
        return "paid" if self.due() == 0 else self.end or "open"


class Draft:
    """One of billing's, until its time comes (BILL-071)."""

    def __init__(self, made, due, lines):
        self.made, self.due, self.lines = made, due, lines

    def key(self):
        return self.due, self.made, min(line.start for line in self.lines)

    def takes_back(self, other):
        return any(line.credits in other.lines for line in self.lines if line.credits)


class Grant:
    """Account credit. What is set apart to be refunded pays no invoice."""

    def __init__(self, amount, expires=None, is_refund=False):
        self.left, self.expires, self.is_refund = amount, expires, is_refund


class Books:
    """Of one account. `rate_of` says which rate a line has, `by_line` where taxes are rounded (BILL-041)."""

    def __init__(self, rate_of, by_line):
        self.rate_of, self.by_line = rate_of, by_line
        self.lives, self.coupons = [], []
        self.invoices, self.drafts, self.grants = [], [], []
        self.notes = []             # of which invoice, net, tax
        self.unplaced = 0           # unused, and given back nowhere: never
        self.ledger = collections.Counter()
        self.now = None

    def post(self, debit, credit, amount):
        self.ledger[debit] += amount
        self.ledger[credit] -= amount

    # -- account credit --

    def grant(self, amount, account, expires=None, is_refund=False):
        if amount:
            self.grants.append(Grant(amount, expires, is_refund))
            self.post(account, "customer_credit", amount)

    def expire(self, now):
        self.now = now
        for grant in self.grants:
            if self.is_over(grant) and grant.left:
                self.post("customer_credit", "credit_granted", grant.left)
                grant.left = 0

    def is_over(self, grant):
        return grant.expires is not None and grant.expires <= self.now

    def use_credit(self, invoice):
        """Oldest first; what is left of a credit stays (BILL-040)."""
        for grant in self.grants:
            used = 0 if grant.is_refund else min(grant.left, invoice.due())
            grant.left -= used
            invoice.credit_applied += used
            invoice.used.append([grant, used])
            self.post("customer_credit", "receivable", used)

    def return_credit(self, invoice, amount):
        """To where it came from, what was used last first, and for no longer than it was."""
        self.post("receivable", "customer_credit", amount)
        for use in reversed(invoice.used):
            grant, part = use[0], min(amount, use[1])
            use[1] -= part
            amount -= part
            if self.is_over(grant):
                self.post("customer_credit", "credit_granted", part)
            else:
                grant.left += part

    def balance(self):
        """What is due, what can be used, what is to be refunded."""
        return [sum(invoice.due() for invoice in self.invoices),
                sum(grant.left for grant in self.grants if not grant.is_refund),
                sum(grant.left for grant in self.grants if grant.is_refund)]

    # -- an invoice --

    def invoice(self, lines):
        for line in lines:
            line.discount = line.taken = line.discount_taken = line.given = line.tax_given = 0
            line.net = None
        for line in lines:
            if line.credits and line.credits not in lines:
                self.take_back(line)
        for coupon in self.coupons:
            self.apply(coupon, lines)
        for line in lines:
            if line.credits and line.credits in lines:
                self.take_back(line)
        self.tax(lines)
        net, tax = sum(line.net for line in lines), sum(line.tax for line in lines)
        invoice = Invoice(lines, net + tax)
        self.invoices.append(invoice)
        self.post("receivable", "revenue", net)
        self.post("receivable", "tax_payable", tax)
        self.use_credit(invoice)
        self.grant(max(0, -invoice.total), "receivable")

    def draft(self, made, due, lines):
        """What it takes back counts from now on, as far as that is known."""
        if any(line.credits for line in lines):
            ahead, then = copy.deepcopy((self, lines))
            for draft in sorted(ahead.drafts, key=Draft.key):
                ahead.invoice(draft.lines)
            ahead.invoice(then)
            for line, known in zip(lines, then):
                line.net, line.tax = known.net, known.tax
        self.drafts.append(Draft(made, due, lines))

    def take_back(self, line):
        """BILL-022: with its share of the discount, of what notes have left of it."""
        of = line.credits
        if not line.amount:
            return
        noted = self.noted_share(of)
        of.taken -= line.amount
        undone = [(credit, self.noted_share(credit)) for credit in self.credits_of(of)]
        taken = of.taken + sum(round_half_away(credit.amount * share) for credit, share in undone)
        discount_taken = of.discount_taken + sum(round_half_away(credit.discount * share) for credit, share in undone)
        taken = min(of.amount, taken + round_half_away(of.amount * noted))
        share = round_half_away(Fraction(of.discount * taken, of.amount))
        share = max(0, share - discount_taken - round_half_away(of.discount * noted))
        of.discount_taken += share
        line.discount = -share
        for coupon, given in getattr(of, "shares", []):
            if coupon.amount is not None and of.discount:
                coupon.used[of.index] -= round_half_away(Fraction(given * share, of.discount))

    def apply(self, coupon, lines):
        """BILL-040: a percentage once for the invoice, a fixed amount once for each of the subscription's periods."""
        covered = [line for line in lines if coupon.covers(line)]
        if coupon.amount is None:
            self.spread(coupon, covered, lines, sum(line.amount - line.discount for line in covered) * coupon.percent / 100)
            return
        for index in dict.fromkeys(line.index for line in covered):
            here = [line for line in covered if line.index == index]
            coupon.used[index] += self.spread(coupon, here, lines, coupon.amount - coupon.used[index])

    def spread(self, coupon, covered, lines, wanted):
        left = [line.amount - line.discount for line in covered]
        charged = sum(line.amount - line.discount for line in lines if line.kind != "credit")
        taken = max(0, min(round_half_away(Fraction(wanted)), sum(left), charged))
        if taken:
            for line, part in zip(covered, apportion([Fraction(taken * part, sum(left)) for part in left])):
                line.discount += part
                line.shares = [*getattr(line, "shares", []), (coupon, part)]
        return taken

    def tax(self, lines):
        """BILL-041. The exact tax of a line, rounded by line or once for each rate."""
        for line in lines:
            line.rate = line.credits.rate if line.credits and line.credits not in lines else self.rate_of(line)
            line.exact = self.tax_in(line.rate, line.amount - line.discount)
            line.tax = round_half_away(line.exact)
        if not self.by_line:
            for rate in {(line.rate.percent, line.rate.category) for line in lines}:
                group = [line for line in lines if (line.rate.percent, line.rate.category) == rate]
                for line, tax in zip(group, apportion([line.exact for line in group])):
                    line.tax = tax
        for line in lines:
            line.net = line.amount - line.discount - (line.tax if line.rate.inclusive else 0)
            line.net_discount = line.discount
            if line.rate.inclusive:
                line.net_discount -= round_half_away(self.tax_in(line.rate, line.discount))

    @staticmethod
    def tax_in(rate, listed):
        return Fraction(listed) * rate.percent / (100 + (rate.percent if rate.inclusive else 0))

    # -- afterwards --

    def pay(self, number, amount):
        """BILL-072: what is beyond the debt becomes credit. False when there is no debt."""
        invoice = self.invoices[number]
        if invoice.status not in ("open", "uncollectible"):
            return False
        settled = min(amount, invoice.due())
        self.recover(invoice, settled)
        invoice.paid += settled
        self.post("cash", "receivable", amount)
        self.grant(amount - settled, "receivable")
        return True

    def recover(self, invoice, amount):
        """What was given up is owed again by as much as is settled."""
        if invoice.status == "uncollectible":
            self.post("receivable", "bad_debt", amount)

    def write_off(self, number):
        """BILL-070; the customer still owes it, but nobody counts on it."""
        invoice = self.invoices[number]
        if invoice.status != "open":
            return False
        self.post("bad_debt", "receivable", invoice.due())
        invoice.end = "uncollectible"
        return True

    def void(self, number):
        """BILL-070: as if it had never been, but for what notes gave back; the credit that it used is there again.
        False when a later invoice took something of it back: that would stand alone (BILL-022)."""
        invoice = self.invoices[number]
        if invoice.status not in ("open", "uncollectible") or invoice.paid or self.is_taken_back(invoice):
            return False
        self.recover(invoice, invoice.due())
        notes = [(net, tax) for of, net, tax in self.notes if of == number]
        self.post("revenue", "receivable", sum(line.net for line in invoice.lines) - sum(net for net, _ in notes))
        self.post("tax_payable", "receivable", sum(line.tax for line in invoice.lines) - sum(tax for _, tax in notes))
        self.return_coupons(invoice)
        self.return_credit(invoice, invoice.credit_applied)
        invoice.end = "void"
        return True

    def return_coupons(self, invoice):
        """A fixed amount can be given again in its period; what a credit had given back of one, not any more."""
        for line in invoice.lines:
            for coupon, given in [] if line.credits else getattr(line, "shares", []):
                if coupon.amount is not None:
                    coupon.used[line.index] -= given
            of = line.credits
            for coupon, given in getattr(of, "shares", []) if of and of.discount else []:
                if coupon.amount is not None:
                    coupon.used[of.index] += round_half_away(Fraction(given * -line.discount, of.discount))

    def credits_of(self, line):
        """On invoices that are not void."""
        return [credit for invoice in self.invoices if invoice.status != "void"
                for credit in invoice.lines if credit.credits is line]

    def is_taken_back(self, invoice):
        others = [other for other in self.invoices if other is not invoice and other.status != "void"]
        return any(line.credits and line.amount and self.invoice_of(line.credits) is invoice
                   for other in others + self.drafts for line in other.lines)

    # -- credit notes (BILL-043) --

    @staticmethod
    def noted_share(line):
        """What part of a line notes have given back."""
        return Fraction(line.given, line.net) if line.net else Fraction(0)

    def left(self, line):
        """What of a line, as charged, may still be credited: nothing of a void invoice. What is on none yet, is whole."""
        if self.invoice_of(line) is None:
            return line.amount
        return 0 if self.is_void(line) else line.amount - round_half_away(line.amount * self.noted_share(line))

    def invoice_of(self, line):
        return next((invoice for invoice in self.invoices if line in invoice.lines), None)

    def is_void(self, line):
        return self.invoice_of(line) is not None and self.invoice_of(line).status == "void"

    def issue(self, number, wants, amount, is_refund):
        """By hand: of lines, of an amount, or the whole. False when that is more than is left."""
        invoice = self.invoices[number]
        rests = {line: self.rest(line) for line in invoice.lines}
        room = sum(rests.values())
        if wants:
            if any(want * line.net <= 0 or abs(want) > abs(rests[line]) for line, want in wants.items()):
                return False
            parts = {line: (want, self.tax_of(line, want, self.given)) for line, want in wants.items()}
        elif amount is None or amount == room:
            parts = {line: (line.net - self.given(line)[0], line.tax - self.given(line)[1]) for line in invoice.lines}
        elif amount > room:
            return False
        else:
            rests = {line: (rest, line.tax - self.given(line)[1]) for line, rest in rests.items()}
            if sum(map(sum, rests.values())) <= 0:
                return False
            parts = self.spread_note(rests, amount, self.given)
        total = sum(map(sum, parts.values()))
        if not 0 < total <= invoice.total - invoice.credited or invoice.status == "void":
            return False
        self.give(number, parts, is_refund)
        return True

    def note(self, claims):
        """What is unused of lines is given back where they were invoiced, without their discount and with their tax; then
        what is more than these invoices have left, on older ones."""
        rests = []
        for number in range(len(self.invoices) - 1, -1, -1):
            wants = {}
            for line, amount in claims:
                if line in self.invoices[number].lines and self.invoices[number].status != "void":
                    want = round_half_away(Fraction(line.net * amount, line.amount))
                    wants[line] = min(want, self.rest(line))
            if any(wants.values()):
                parts = {line: (want, self.tax_of(line, want, self.given)) for line, want in wants.items()}
                rests.append((number, self.note_on(number, parts, self.given, claims[0][0].life)))
        for number, rest in rests:
            for older in range(number - 1, -1, -1):
                if rest > 0:
                    rest = self.note_older(older, rest, claims[0][0].life)
            self.unplaced += rest

    def given(self, line):
        """What notes and credits have given back of a line, net, and its tax; both may have, but no more than it is. A credit
        that was given back takes nothing back; one that waits for its invoice will."""
        net, tax = self.noted(line)
        for credit in self.credits_of(line):
            net, tax = net - (credit.net - credit.given), tax - (credit.tax - credit.tax_given)
        for credit in (credit for life in self.lives for credit in life.waiting if credit.credits is line):
            net += round_half_away(Fraction(line.net * -credit.amount, line.amount))
            tax += round_half_away(Fraction(line.tax * -credit.amount, line.amount))
        for credit in (credit for draft in self.drafts for credit in draft.lines if credit.credits is line):
            net, tax = net - credit.net, tax - credit.tax
        return (line.net, line.tax) if abs(net) > abs(line.net) else (net, tax)

    @staticmethod
    def noted(line):
        """What notes alone have given back: what a later invoice took back made that one less, and is looked for here."""
        return line.given, line.tax_given

    def rest(self, line):
        return line.net - self.given(line)[0]

    @staticmethod
    def tax_of(line, want, given):
        """The tax of the k-th note on a line: that of all that is credited by then, less what was credited before."""
        before, tax_before = given(line)
        if want == 0:
            return 0
        return round_half_away(Fraction(line.tax * (before + want), line.net)) - tax_before

    def note_on(self, number, parts, given, life):
        """What the invoice has room for, on lines of the subscription alone; returns the rest."""
        invoice = self.invoices[number]
        rests = {line: (line.net - given(line)[0], line.tax - given(line)[1]) for line in invoice.lines if line.life is life}
        left, room = invoice.total - invoice.credited, sum(rest for rest, _ in rests.values())
        wanted = fits = sum(want for want, _ in parts.values())
        total = sum(map(sum, parts.values()))
        if not 0 < total <= left:
            fits = min(wanted, room) if sum(map(sum, rests.values())) > 0 else 0
            while fits > 0:
                parts = rests if fits == room else self.spread_note(rests, fits, given)
                total = sum(map(sum, parts.values()))
                if 0 < total <= left:
                    break
                fits = min(fits - 1, fits * left // total) if total > left > 0 else 0
            if fits <= 0:
                return wanted
        self.give(number, parts)
        return wanted - fits

    def spread_note(self, rests, wanted, given):
        """Over what charges have left; over credits, too, when with its tax that would be more than is left."""
        left = sum(map(sum, rests.values()))
        parts = self.spread_over({line: max(0, rest) for line, (rest, _) in rests.items()}, wanted, given)
        if sum(map(sum, parts.values())) <= left:
            return parts
        parts = self.spread_over({line: rest for line, (rest, _) in rests.items()}, wanted, given)
        total = sum(map(sum, parts.values()))
        over = total - min(max(total, 1), left)
        for line, (part, tax) in parts.items():
            if over:
                fitted = min(max(tax - over, min(0, rests[line][1])), max(0, rests[line][1]))
                over -= tax - fitted
                parts[line] = (part, fitted)
        return parts

    def spread_over(self, weights, wanted, given):
        parts = apportion([Fraction(weight * wanted, sum(weights.values())) for weight in weights.values()])
        return {line: (part, self.tax_of(line, part, given)) for line, part in zip(weights, parts)}

    def note_older(self, number, amount, life):
        invoice = self.invoices[number]
        rests = {line: (line.net - self.noted(line)[0], line.tax - self.noted(line)[1])
                 for line in invoice.lines if line.life is life}
        room = sum(rest for rest, _ in rests.values())
        wanted = min(amount, room)
        if wanted <= 0 or sum(map(sum, rests.values())) <= 0 or invoice.total <= invoice.credited or invoice.status == "void":
            return amount
        parts = rests if wanted == room else self.spread_note(rests, wanted, self.noted)
        return amount - wanted + self.note_on(number, parts, self.noted, life)

    def give(self, number, parts, is_refund=False):
        invoice = self.invoices[number]
        net, tax = (sum(column) for column in zip(*parts.values()))
        for line, (given, tax_given) in parts.items():
            line.given += given
            line.tax_given += tax_given
        self.notes.append((number, net, tax))
        self.post("revenue", "receivable", net)
        self.post("tax_payable", "receivable", tax)
        self.recover(invoice, min(net + tax, invoice.due()))
        rest = max(0, net + tax - invoice.due())
        money = min(rest, invoice.paid - invoice.money_back)
        back = min(rest - money, sum(used for _, used in invoice.used))
        invoice.money_back += rest - back
        self.return_credit(invoice, back)
        self.grant(rest - back, "receivable", is_refund=is_refund)
        invoice.credited += net + tax
