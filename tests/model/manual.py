"""Invoices that somebody writes by hand (BILL-070), in both worlds: begun, added to, and finalised, at once or some time
later, or deleted."""
import types
from fractions import Fraction

from api import units
from reference import Line, round_half_away


class Manual:
    def __init__(self, account):
        self.account, self.chance = account, account.chance
        self.lines, self.wants_charge = [], account.is_charged and self.chance.random() < 0.3
        body = {"customerId": account.customer.id, "currency": account.currency,
                "items": [self.random_item() for _ in range(self.chance.randint(1, 3))]}
        if self.wants_charge:
            body["collection"] = "automatic"
        self.id = account.ask_anew("/api/billing/invoices", body)["id"]

    def random_item(self):
        """Quantity x price, rounded once (BILL-002); below zero it is a discount."""
        scale, chance = self.account.scale, self.chance
        price = units(chance.randint(1, 300 * scale), scale)
        if chance.random() < 0.3:
            price = f"{chance.randint(0, 20)}.{chance.randint(0, 10**12 - 1):012d}"
        if chance.random() < 0.2:
            price = f"-{price}"
        item = {"description": f"Work {chance.randint(1, 10**6)}", "unitPrice": price}
        if chance.random() < 0.7:
            item["quantity"] = chance.choice(["1", "2", "0.5", "7.25", "0.000001", "120"])
        if chance.random() < 0.3:
            item["taxCode"] = "reduced"
        amount = round_half_away(Fraction(price) * Fraction(item.get("quantity", "1")) * scale)
        taxed_as = types.SimpleNamespace(code="base", tax_code=item.get("taxCode"))
        self.lines.append(Line("discount" if amount < 0 else "fee", item["description"], None, taxed_as, -1, None, None, amount))
        return item

    def go_on(self):
        """One thing that may be done with a draft; whether it is one still."""
        path, verb = f"/api/billing/invoices/{self.id}", self.chance.choice(["items", "items", "finalize", "finalize", "finalize", "delete"])
        if verb == "items":
            self.account.ask_anew(f"{path}/items", self.random_item())
        elif verb == "finalize":
            self.account.ask_anew(f"{path}/finalize", {})
            self.account.log.append(("by_hand", self.account.now, self.lines, self.wants_charge))
        else:
            self.account.note_done(f"delete {path}")
            self.account.api.call("DELETE", path)
        return verb == "items"
