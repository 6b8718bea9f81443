"""What becomes of invoices that are charged: declines, retries, the end of them (BILL-080 to BILL-084). One account at a
time; the card is the customer's. The cards are the sandbox gateway's."""
import collections
import datetime

DAY = datetime.timedelta(days=1)
RETRY_DAYS = [1, 3, 5, 7, 14]   # BILL-082, after the first failure
CARDS = [  # token, what it does
    ("pm_card_visa", "pays"), ("pm_card_chargeDeclinedExpiredCard", "customer"), ("pm_card_chargeDeclinedLostCard", "never"),
    *((f"pm_card_declineOnceInsufficientFunds_{times}", "soft") for times in (1, 2, 3, 5, 6))]


class Card:
    """What is soft declines the first attempts for an invoice, as many as its name says, and pays then."""

    def __init__(self, token, kind):
        self.token, self.kind = token, kind
        self.declines = int(token.rsplit("_", 1)[1]) if kind == "soft" else 0
        self.is_barred = False


class Payment:
    """Of one invoice. `next` is when something happens to it by itself."""

    def __init__(self, number, at):
        self.number, self.next = number, at
        self.status, self.is_failing, self.is_given_up = "pending", False, False
        self.attempts = self.cycle_attempts = 0
        self.first_failure = None
        self.tried = collections.Counter()  # attempts, by the card's token

    def restart(self, at):
        """Another cycle; that it failed before stays until it succeeds."""
        self.status, self.next, self.first_failure, self.cycle_attempts = "pending", at, None, 0
        self.is_given_up = False

    def end(self, status):
        self.status, self.next = status, None

    def fail(self, at):
        self.is_failing, self.status = True, "failed"
        self.first_failure = self.first_failure or at
        self.next = self.first_failure + RETRY_DAYS[-1] * DAY

    def give_up(self):
        """BILL-083"""
        self.is_failing = self.is_given_up = True
        self.end("failed")

    def retry_at(self):
        """As told: only what was tried is tried again."""
        return self.next if self.status == "pending" and self.cycle_attempts else None


class Collection:
    def __init__(self, books, wallet):
        self.books, self.wallet, self.payments = books, wallet, []

    def open(self, number, at):
        if self.books.invoices[number].due() > 0:
            self.payments.append(Payment(number, at))

    def run_until(self, now):
        self.cancel_settled()
        while any(payment.next and payment.next <= now for payment in self.payments):
            payment = min((each for each in self.payments if each.next), key=lambda each: each.next)
            self.step(payment, payment.next)
            self.cancel_settled()

    def cancel_settled(self):
        """Whatever settled the invoice, or gave it up: nothing waits for it any more (BILL-084)."""
        for payment in self.payments:
            if payment.status in ("pending", "failed") and self.books.invoices[payment.number].due() == 0:
                payment.end("cancelled")

    def written_off(self, number):
        for payment in self.payments:
            if payment.number == number and payment.status in ("pending", "failed"):
                payment.end("cancelled")

    def new_card(self, at):
        """BILL-081: it restarts at once what waits or has failed, but for what was given up as a debt."""
        for payment in self.payments:
            if payment.status in ("pending", "failed") and self.books.invoices[payment.number].status == "open":
                payment.restart(at)

    def collect(self, number, at):
        """On somebody's word. False when nothing is owed."""
        if self.books.invoices[number].due() == 0:
            return False
        if not any(payment.number == number for payment in self.payments):
            self.open(number, at)
        for payment in self.payments:
            if payment.number == number:
                payment.restart(at)
        return True

    def step(self, payment, at):
        """BILL-081, BILL-082: what happens to it at its time."""
        card = self.wallet.card
        if payment.status == "failed":                      # nobody came with another card
            payment.give_up()
        elif card is None and payment.first_failure:
            payment.give_up()
        elif card is None:
            payment.first_failure, payment.next = at, at + RETRY_DAYS[-1] * DAY
        elif card.is_barred:                                # two at once may both have tried it
            payment.tried[card.token] += 0
            payment.fail(at)
        else:
            self.charge(payment, card, at)

    def charge(self, payment, card, at):
        payment.attempts += 1
        payment.cycle_attempts += 1
        payment.tried[card.token] += 1
        if card.kind == "pays" or (card.kind == "soft" and payment.tried[card.token] > card.declines):
            self.books.pay(payment.number, self.books.invoices[payment.number].due())
            payment.is_failing = False
            payment.end("succeeded")
            return
        payment.fail(at)
        card.is_barred = card.kind == "never"
        if self.books.invoices[payment.number].status == "uncollectible":  # it was somebody's word, for once
            payment.next = None
        elif card.kind == "soft" and payment.cycle_attempts > len(RETRY_DAYS):
            payment.give_up()
        elif card.kind == "soft":
            payment.status = "pending"
            payment.next = payment.first_failure + RETRY_DAYS[payment.cycle_attempts - 1] * DAY

    def is_past_due(self, life):
        """BILL-084: as long as an open invoice of it has a payment that failed."""
        return any(payment.is_failing and self.books.invoices[payment.number].status == "open"
                   and any(line.life is life for line in self.books.invoices[payment.number].lines)
                   for payment in self.payments)
