"""What the workers made of an account beside what the books say: each invoice by its lines, then all that became of it. The
faults are texts; none when both agree."""
import collections
import json

from api import iso


def key_of(account, line, item):
    """With a tax that is in the price the invoice's amount is net; it is compared afterwards."""
    amount = account.minor(item["amount"]) if item["taxInclusive"] else line.amount
    start, end = (at and iso(at) for at in (line.start, line.end))
    return line.kind, line.text, start, end, amount


def match(account, invoice, lines):
    """The lines in the order of the invoice's own, or nothing; and faults."""
    name, ordered, rest = invoice["invoiceNumber"], [], list(lines)
    for item in invoice["items"]:
        key = (item["itemType"], item["description"], item["periodStart"], item["periodEnd"], account.minor(item["amount"]))
        found = [line for line in rest if key_of(account, line, item) == key]
        if not found:
            expected = "\n    ".join(str(key_of(account, line, item)) for line in rest)
            return None, [f"invoice {name} has\n    {key}\n  where the reference has\n    {expected}"]
        ordered.append(found[0])
        rest.remove(found[0])
    if rest:
        return None, [f"invoice {name} lacks {[line.key() for line in rest]}"]
    return ordered, []


def check_lines(account, seen, expected):
    faults = []
    for item, line in zip(seen["items"], expected.lines):
        figures = [account.minor(item[field]) for field in ("amount", "discountAmount", "taxAmount")]
        wanted = [line.net + line.net_discount, line.net_discount, line.tax]
        if figures != wanted:
            faults.append(f"invoice {seen['invoiceNumber']}, {item['description']}: {figures}, {wanted} in the reference")
        faults += check_explanation(account, f"/api/billing/invoices/{seen['id']}", item["id"])
    return faults


def check_explanation(account, document, item_id):
    """Computed again from what was stored with it, a line is what was stored (BILL-025)."""
    explanation = account.api.get(f"{document}/items/{item_id}/explain")
    return [] if explanation["matches"] else [json.dumps(explanation, default=str)]


def check_invoices(account):
    faults, books = [], account.books
    if len(books.invoices) != len(account.invoices):
        faults.append(f"{len(account.invoices)} invoices, {len(books.invoices)} in the reference")
    for seen, expected in zip(account.invoices, books.invoices):
        faults += check_lines(account, seen, expected)
        figures = [account.minor(seen[field]) for field in
                   ("totalAmount", "creditApplied", "amountCredited", "amountPaid", "amountDue")] + [seen["status"]]
        wanted = [expected.total, expected.credit_applied, expected.credited, expected.paid, expected.due(),
                  expected.status]
        if figures != wanted:
            faults.append(f"invoice {seen['invoiceNumber']}: total, credit, notes, paid, due, status {figures}, "
                          f"{wanted} in the reference")
    return faults


def check_notes(account):
    faults, ids = [], {invoice["id"]: n for n, invoice in enumerate(account.invoices)}
    notes = [note for note in account.api.all(f"/api/billing/credit-notes?customerId={account.customer.id}")
             if note["currency"] == account.currency]
    given = sorted((ids[note["invoiceId"]], account.minor(note["amount"]), account.minor(note["taxAmount"]))
                   for note in notes)
    if given != sorted(account.books.notes):
        faults.append(f"credit notes {given}, {sorted(account.books.notes)} in the reference")
    for note in notes:
        for item in note["items"]:
            faults += check_explanation(account, f"/api/billing/credit-notes/{note['id']}", item["itemId"])
    if account.books.unplaced:
        faults.append(f"{account.books.unplaced} of what was unused has no credit note in the reference")
    return faults


def check_money(account):
    faults, books = [], account.books
    entries, ledger = account.api.get(f"/api/customers/{account.customer.id}/ledger"), collections.Counter()
    for entry in entries:
        if entry["currency"] == account.currency:
            ledger[entry["account"]] += account.minor(entry["amount"])
    if len(entries) < 1000 and (+ledger != +books.ledger or -ledger != -books.ledger):  # more are not told
        faults.append(f"ledger {dict(ledger)}, {dict(books.ledger)} in the reference")
    balances = [each for each in account.api.get(f"/api/customers/{account.customer.id}/balance")
                if each["currency"] == account.currency]
    seen = [account.minor(balances[0][field]) for field in ("due", "credit", "refundable")] if balances else [0, 0, 0]
    if seen != books.balance():
        faults.append(f"due, credit, refundable {seen}, {books.balance()} in the reference")
    return faults


def check_payments(account):
    """That a card was lost the first payment finds out; of some at once each may."""
    ids = {invoice["id"]: n for n, invoice in enumerate(account.invoices)}
    seen = {ids[payment["invoiceId"]]: payment for payment in account.api.all(f"/api/payments?customerId={account.customer.id}")
            if payment["source"] == "gateway" and payment["currency"] == account.currency}
    wanted = {payment.number: payment for payment in account.collection.payments}
    if seen.keys() != wanted.keys():
        yield f"payments of {sorted(seen)}, {sorted(wanted)} in the reference"
    for number in seen.keys() & wanted.keys():
        payment, expected = seen[number], wanted[number]
        figures = [payment["status"], payment["attempts"], payment["nextRetryAt"], bool(payment["failureCode"])]
        figures_wanted = [expected.status, expected.attempts, expected.retry_at() and iso(expected.retry_at()), expected.is_failing]
        if payment["status"] == "failed":
            figures.append(bool(payment["deadLetterId"]))
            figures_wanted.append(expected.is_given_up)
        if any("Lost" in token for token in expected.tried):
            figures[1] = figures_wanted[1] = None
        if figures != figures_wanted:
            yield (f"payment of invoice {number + 1}: status, attempts, next, failed, given up {figures}, "
                   f"{figures_wanted} in the reference")


def check_subscriptions(account):
    for lived in account.lives:
        status, expected = account.api.get(f"/api/billing/subscriptions/{lived.id}")["status"], lived.life.state
        if expected == "active" and account.collection.is_past_due(lived.life):
            expected = "past_due"
        if status != expected:
            yield f"{lived.id} is {status}, {expected} in the reference"


def check_books(account):
    return [*check_invoices(account), *check_notes(account), *check_money(account), *check_payments(account),
            *check_subscriptions(account)]
