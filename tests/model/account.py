"""What a customer has in one currency, in both worlds: subscriptions, their invoices, account credit; and what somebody
does by chance to these."""
import datetime
import json

from api import iso, units
from books import Books, Draft
from catalogue import SCALES
from compare import check_books, match
from manual import Manual
from dunning import Collection
from reference import begin, run_until
from subscription import Lived


class Account:
    def __init__(self, customer, currency, families, rate_of, by_line, draft_hours):
        self.customer, self.api, self.chance = customer, customer.api, customer.chance
        self.currency, self.scale, self.families = currency, SCALES[currency], families
        self.log, self.books = [], Books(rate_of, by_line)
        self.waits = datetime.timedelta(hours=draft_hours)  # before billing's invoices are finalised (BILL-071)
        # what is charged beyond the debt, since no gateway takes fils, would be credit sooner or later
        self.is_charged = currency != "KWD" and self.chance.random() < 0.5
        self.collection = Collection(self.books, customer)
        self.lives, self.written, self.invoices, self.faults, self.lines = [], [], [], [], 0

    def subscribe(self, now):
        self.lives.append(Lived(self, now))
        self.books.coupons += self.lives[-1].coupons
        self.books.lives.append(self.lives[-1].life)
        begin(self.lives[-1].life, [[lived.life for lived in account.lives] for account in self.customer.accounts], now)

    @property
    def now(self):
        return self.customer.now

    def note_done(self, text):
        self.customer.done.append(f"{iso(self.now)} {text}")

    # -- what came of it --

    def run_until(self, now):
        """What fell due, and what of that and of the last act the invoices are."""
        run_until([lived.life for lived in self.lives], now)
        self.catch_up()
        self.pass_to(now)

    def pass_to(self, instant):
        for draft in due_drafts(self.books.drafts, instant):
            if draft in self.books.drafts:
                self.finalise(draft, draft.due)
        self.books.expire(instant)
        self.collection.run_until(instant)

    def catch_up(self):
        """Brings to the books what the log says, with the order of lines that the invoices have, for ties go by order
        (BILL-003); not beyond the first fault."""
        while self.log and not self.faults:
            event, at, *what = self.log.pop(0)
            at = max(at, self.customer.begin)
            self.pass_to(at)
            if event == "invoice" and self.waits:
                self.books.draft(at, at + self.waits, *what)
            elif event == "invoice":
                self.catch_up_with(at, *what, self.is_charged)
            elif event == "by_hand":
                self.catch_up_with(at, *what)
            else:
                self.finalise_noted(at, *what)
                self.books.note(*what)

    def finalise_early(self):
        """One of billing's drafts on somebody's word, before its time (BILL-071)."""
        draft = self.chance.choice(self.books.drafts)
        seen = [invoice["id"] for invoice in self.invoices_of("draft") if match(self, invoice, draft.lines)[0]]
        if not seen:
            self.faults.append(f"the draft of {draft.made} is missing: {[line.key() for line in draft.lines]}")
            return
        self.ask_anew(f"/api/billing/invoices/{seen[0]}/finalize", {})
        self.finalise(draft, self.now)

    def finalise_noted(self, at, claims):
        """Notes are on what has a number (BILL-043)."""
        lines = [line for line, _ in claims]
        for draft in due_drafts(self.books.drafts):
            if draft in self.books.drafts and any(line in lines for line in draft.lines):
                self.finalise(draft, at)

    def finalise(self, draft, at):
        """After those of which it takes something back (BILL-022). Of those that are made alike, as the workers did."""
        if self.faults:
            return
        for other in [other for other in self.books.drafts if other is not draft and draft.takes_back(other)]:
            if other in self.books.drafts:
                self.finalise(other, at)
        self.books.expire(at)
        self.collection.run_until(at)
        if len(self.books.invoices) >= len(self.invoices):
            self.load_invoices()
        alike = [other for other in self.books.drafts if other.key() == draft.key()]
        seen = self.invoices[len(self.books.invoices):][:1]
        draft = next((other for other in alike if seen and match(self, seen[0], other.lines)[0]), draft)
        self.books.drafts.remove(draft)
        self.catch_up_with(at, draft.lines, self.is_charged)

    def catch_up_with(self, at, lines, is_charged):
        number = len(self.books.invoices)
        if number >= len(self.invoices):
            self.load_invoices()
        if number >= len(self.invoices):
            self.faults.append(f"the invoice of {at} is missing: {[line.key() for line in lines]}")
            return
        ordered, self.faults = match(self, self.invoices[number], lines)
        self.lines += len(lines)
        if ordered:
            self.books.invoice(ordered)
            if is_charged:
                self.collection.open(number, at)

    def invoices_of(self, *states):
        """All that are in one of these, or without any in whatever but drafts."""
        return [invoice for invoice in self.api.all(f"/api/billing/invoices?customerId={self.customer.id}")
                if invoice["currency"] == self.currency
                and (invoice["status"] in states if states else invoice["status"] != "draft")]

    def load_invoices(self):
        self.invoices = sorted(self.invoices_of(), key=lambda invoice: (len(invoice["invoiceNumber"]), invoice["invoiceNumber"]))

    def minor(self, amount):
        return int(amount * self.scale)

    def finish(self):
        """What was kept for the next invoice comes on the last one."""
        for lived in self.lives:
            if not self.faults and lived.life.waiting and lived.life.state != "suspended":
                lived.send("cancel", {"immediately": True, "prorate": False})
                lived.life.cancel(self.now, False)

    def check(self):
        """What differs, as text; nothing when all agree."""
        self.run_until(self.now)
        self.load_invoices()
        return self.faults or check_books(self)

    # -- what somebody does --

    def grant(self):
        amount = self.chance.randint(1, 1000 * self.scale)
        body, expires = {"amount": units(amount, self.scale), "currency": self.currency, "reason": "goodwill"}, None
        if self.chance.random() < 0.5:
            expires = self.now + datetime.timedelta(days=self.chance.randint(1, 90), seconds=11)
            body["expiresAt"] = iso(expires)
        self.note_done(f"grant {json.dumps(body)}")
        self.api.post(f"/api/billing/customers/{self.customer.id}/credits", body)
        self.books.grant(amount, "credit_granted", expires)

    def pick(self, condition):
        """One of the invoices for which it holds, the newest more often: those are about what runs."""
        numbers = [n for n, invoice in enumerate(self.books.invoices) if condition(invoice)]
        if not numbers:
            return None
        return numbers[-1] if self.chance.random() < 0.5 else self.chance.choice(numbers)

    def ask_anew(self, path, body):
        self.note_done(f"{path} {json.dumps(body)}")
        return self.api.post(path, body)

    def write(self):
        """An invoice by hand: another one, or what is to be done next with one."""
        draft = self.chance.choice(self.written) if self.written and self.chance.random() < 0.6 else None
        if draft is None:
            draft = Manual(self)
            self.written.append(draft)
        if not draft.go_on():
            self.written.remove(draft)

    def ask(self, path, body, number, expected):
        """Both worlds do it, or refuse it."""
        self.note_done(f"{path} of invoice {number + 1}: {json.dumps(body)}: {'done' if expected else 'refused'}")
        done = self.api.accepts(path, body)
        if done != expected:
            self.faults.append(f"{path} {json.dumps(body)} is {'done' if done else 'refused'}, not so in the reference")

    def pay(self):
        """From outside: in part, in full or beyond."""
        number = self.pick(lambda invoice: invoice.due() > 0)
        if number is None:
            return
        due = self.books.invoices[number].due()
        amount = self.chance.choice([due, due, max(1, due // 3), due + self.chance.randint(1, 99)])
        self.ask(f"/api/billing/invoices/{self.invoices[number]['id']}/payment",
                 {"amount": units(amount, self.scale), "method": "bank_transfer"}, number,
                 self.books.pay(number, amount))

    def void(self):
        self.end("void", self.books.void)

    def open_and_waited_for(self):
        """Invoices of which a credit that waits for its own takes something back."""
        credited = [line.credits for lived in self.lives for line in lived.life.waiting if line.credits and line.amount]
        return [n for n, invoice in enumerate(self.books.invoices)
                if invoice.status == "open" and any(line in credited for line in invoice.lines)]

    def void_of_waiting(self):
        """Then nothing is taken back."""
        number = self.chance.choice(self.open_and_waited_for())
        self.ask(f"/api/billing/invoices/{self.invoices[number]['id']}/void", {}, number, self.books.void(number))

    def write_off(self):
        self.end("uncollectible", self.given_up)

    def given_up(self, number):
        is_done = self.books.write_off(number)
        if is_done:
            self.collection.written_off(number)
        return is_done

    def collect(self):
        """Charged on somebody's word."""
        number = self.pick(lambda invoice: invoice.due() > 0 or self.chance.random() < 0.1) if self.is_charged else None
        if number is not None:
            self.ask(f"/api/billing/invoices/{self.invoices[number]['id']}/payment", {}, number,
                     self.collection.collect(number, self.now))

    def end(self, verb, expected):
        """What is open, mostly; else it is refused."""
        is_open = self.chance.random() < 0.9
        number = self.pick(lambda invoice: (invoice.status in ("open", "uncollectible")) == is_open)
        if number is not None:
            self.ask(f"/api/billing/invoices/{self.invoices[number]['id']}/{verb}", {}, number, expected(number))

    def note(self):
        """A credit note by hand: of the whole invoice, of lines of it, or of an amount; sometimes more than is left."""
        number = self.pick(lambda invoice: invoice.total > 0)
        if number is None:
            return
        invoice, seen, body, wants, amount = self.books.invoices[number], self.invoices[number], {}, None, None
        kind = self.chance.choice(["whole", "lines", "lines", "amount", "amount"])
        if kind == "lines":
            wants = self.random_wants(invoice)
            body["items"] = [{"itemId": seen["items"][invoice.lines.index(line)]["id"], "amount": units(want, self.scale)}
                             for line, want in wants.items()]
        if kind == "amount":
            rest = sum(self.books.rest(line) for line in invoice.lines)
            amount = max(1, round(rest * self.chance.choice([0.1, 0.4, 0.8, 1, 1.1])))
            body["amount"] = units(amount, self.scale)
        is_refund = self.chance.random() < 0.2
        body.update(invoiceId=seen["id"], reason="Not as ordered", disposition="refund" if is_refund else "credit")
        self.ask("/api/billing/credit-notes", body, number, self.books.issue(number, wants, amount, is_refund))

    def random_wants(self, invoice):
        wants = {}
        for line in self.chance.sample(invoice.lines, self.chance.randint(1, min(3, len(invoice.lines)))):
            part = self.chance.choice([0.2, 0.5, 1, 1, 1.05])
            wants[line] = round(self.books.rest(line) * part) or 1
        return wants


def due_drafts(drafts, instant=None):
    return sorted((draft for draft in drafts if instant is None or draft.due <= instant), key=Draft.key)


def always(_):
    return True


ACTS = [  # what, how often, when
    (Account.grant, 4, always),
    (Account.pay, 6, always),
    (Account.note, 6, always),
    (Account.void, 4, always),
    (Account.void_of_waiting, 40, Account.open_and_waited_for),
    (Account.write_off, 2, always),
    (Account.collect, 2, always),
    (Account.write, 5, always),
    (Account.finalise_early, 100, lambda account: account.books.drafts),
]
