"""The ten steps from an account to the history of an order, as a Python web tier would take them,
and the ways in which a shop must say no.

Environment: CARTWRIGHT_CLIENT_AMQP_URI, CARTWRIGHT_PREFIX ("cartwright"), and an admin's SHOP_ADMIN_EMAIL
and SHOP_ADMIN_PASSWORD. Every reply is compared with its form, member by member."""

import base64
import datetime
import decimal
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import traceback
import uuid
import zlib

from nacl.public import PublicKey, SealedBox

import cloud
from checks import Checks
from shop import Shop

PASSWORD = "seven copper kettles"
FIRST = pathlib.Path(__file__).with_name("first.py")
TOLD = ("product: .*\ncart: version 1\ncart: version 1\nrefused: QUANTITY_LIMIT\n"
        "event: cart.updated, version 1\n")
EVENTS = {
    "user.registered", "category.created", "category.updated", "product.created", "product.updated",
    "stock.changed", "stock.low", "stock.out", "cart.updated",
    "order.placed", "order.status_changed", "order.cancelled",
}


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def to_base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def write_down(path, events):
    """For other readers: one JSON object on a line."""
    with open(path, "w", encoding="ascii") as file:
        for it in events:
            line = {"contentType": it.properties.content_type,
                    "body": base64.b64encode(it.raw).decode()}
            print(json.dumps(line), file=file)


def gbp(amount):
    return {"amount": amount, "currency": "GBP"}


class Journey:
    def __init__(self, shop, checks):
        self.shop = shop
        self.checks = checks
        self.run = uuid.uuid4().hex[:8]
        self.email = f"python-{self.run}@example.com"

    def done(self, form, status, operation, body=None, **options):
        return self.checks.done(self.shop.call(operation, body, **options), form, status, operation)

    def refused(self, code, status, what, operation, body=None, **options):
        return self.checks.refused(self.shop.call(operation, body, **options), code, status, what)

    # --- the ten steps ------------------------------------------------------------------------

    def register(self):
        self.written_email = self.email.upper()
        body = {"name": "Pia Python", "email": self.written_email, "password": PASSWORD}
        data = self.done("Entered", 201, "auth.register", body)
        self.checks.same(data["user"]["email"], self.written_email, "email as it was written")
        self.checks.same(data["user"]["role"], "customer", "role of the user")
        self.user_id = data["user"]["id"]
        self.refused("EMAIL_TAKEN", 409, "a second register", "auth.register",
                     dict(body, email=self.email))
        weak = dict(body, email=f"weak-{self.run}@example.com", password="password1")
        self.refused("WEAK_PASSWORD", 422, "a common password", "auth.register", weak)

    def login(self):
        data = self.done("Entered", 200, "auth.login", {"email": self.email, "password": PASSWORD})
        self.checks.same(data["user"]["id"], self.user_id, "whose login it is")
        self.token = data["accessToken"]
        self.refresh_token = data["refreshToken"]
        office = self.done("Entered", 200, "auth.login", {
            "email": os.environ["SHOP_ADMIN_EMAIL"],
            "password": os.environ["SHOP_ADMIN_PASSWORD"],
        })
        self.checks.ok(office["user"]["role"] in ("admin", "superadmin"), "the admin is one")
        self.admin = office["accessToken"]
        self.admin_id = office["user"]["id"]
        me = self.done("User", 200, "user.get", {}, token=self.token)
        self.checks.same(me, data["user"], "user.get tells who is logged in")
        other = self.done("User", 200, "user.get", {"userId": self.user_id}, token=self.admin)
        self.checks.same(other, me, "an admin sees the same")

    def add_products(self):
        parent = self.done("Category", 201, "category.create", {"name": f"Kitchen {self.run}"},
                           token=self.admin)
        child = self.done("Category", 201, "category.create",
                          {"name": f"Kettles {self.run}", "parentId": parent["id"]},
                          token=self.admin)
        self.checks.same(child.get("parentId"), parent["id"], "parent of the category")
        self.refused("DUPLICATE_SLUG", 409, "a wished slug that is taken", "category.create",
                     {"name": "Kettles", "slug": child["slug"]}, token=self.admin)
        self.refused("CYCLE", 409, "a category inside itself", "category.update",
                     {"categoryId": parent["id"], "parentId": child["id"]}, token=self.admin)
        self.category = self.done("Category", 200, "category.update",
                                  {"categoryId": child["id"], "name": f"Copper kettles {self.run}",
                                   "expectedVersion": child["version"]}, token=self.admin)
        self.refused("VERSION_CONFLICT", 409, "an update of an old version", "category.update",
                     {"categoryId": child["id"], "name": "Too late",
                      "expectedVersion": child["version"]}, token=self.admin)
        self.kettle = self.done("Product", 201, "product.create", {
            "name": f"Copper kettle {self.run}", "categoryId": child["id"], "price": gbp(4999),
            "sku": f"KETTLE-{self.run}", "stock": 10,
        }, token=self.admin)
        self.checks.same(self.kettle["description"], "", "description that was not given")
        self.checks.same(self.kettle["images"], [], "images that were not given")
        self.spoon = self.done("Product", 201, "product.create",
                               {"name": f"Copper spoon {self.run}", "price": gbp(150)},
                               token=self.admin)
        self.checks.same(self.spoon["category"], None, "a product without a category")
        self.checks.same(self.spoon["stock"], {"available": 0, "status": "out_of_stock"},
                         "a product without stock")
        self.refused("DUPLICATE_SKU", 409, "a SKU that is taken", "product.create",
                     {"name": "Another", "price": gbp(1), "sku": f"KETTLE-{self.run}"},
                     token=self.admin)

    def stock_up(self):
        spoon = self.spoon["id"]
        stock = self.done("Inventory", 200, "inventory.set",
                          {"productId": spoon, "onHand": 20, "changeFrom": 0}, token=self.admin)
        self.checks.same((stock["onHand"], stock["reserved"], stock["available"]), (20, 0, 20),
                         "stock after a count")
        self.refused("STALE_QUANTITY", 409, "a count of old goods", "inventory.set",
                     {"productId": spoon, "onHand": 5, "changeFrom": 0}, token=self.admin)
        self.refused("NEGATIVE_STOCK", 409, "more broken than there are", "inventory.adjust",
                     {"productId": spoon, "delta": -21}, token=self.admin)
        self.spoon = self.done("Product", 200, "product.update",
                               {"productId": spoon, "price": gbp(175),
                                "description": "For the tea.", "categoryId": self.category["id"],
                                "expectedVersion": self.done("Product", 200, "product.get",
                                                             {"productId": spoon})["version"]},
                               token=self.admin)
        self.checks.same(self.spoon["price"], gbp(175), "the new price")

    def browse(self):
        page = self.done("ProductPage", 200, "product.list",
                         {"categoryId": self.category["id"], "sort": "priceAsc"})
        self.checks.same([item["id"] for item in page["items"]],
                         [self.spoon["id"], self.kettle["id"]], "cheapest first")
        page = self.done("ProductPage", 200, "product.list",
                         {"categoryId": self.category["id"], "sort": "priceDesc", "limit": 1,
                          "page": 2})
        self.checks.same([item["id"] for item in page["items"]], [self.spoon["id"]],
                         "the second page of one")
        self.checks.same((page["totalItems"], page["totalPages"]), (2, 2), "how many there are")
        page = self.done("ProductPage", 200, "product.list",
                         {"search": f"kettle {self.run}", "minPrice": 4000, "maxPrice": 5000})
        self.checks.ok(self.kettle["id"] in [item["id"] for item in page["items"]],
                       "the search finds the kettle")
        self.checks.same(self.done("Product", 200, "product.get", {"slug": self.spoon["slug"]}),
                         self.spoon, "the product by its slug")
        self.done("CategoryList", 200, "category.list")

    def fill_cart(self):
        cart = self.done("Cart", 200, "cart.get", {}, token=self.token)
        self.checks.same((cart["items"], cart["total"]), ([], None), "an empty cart")
        for product, quantity in ((self.kettle, 1), (self.spoon, 6), (self.kettle, 1)):
            cart = self.done("Cart", 200, "cart.item.add",
                             {"productId": product["id"], "quantity": quantity}, token=self.token)
        self.checks.same([(item["sku"], item["quantity"]) for item in cart["items"]],
                         [(self.kettle["sku"], 2), (self.spoon["sku"], 6)], "lines of the cart")
        self.checks.same(cart["total"], gbp(2 * 4999 + 6 * 175), "total of the cart")
        self.refused("QUANTITY_LIMIT", 409, "over 9999 of one product", "cart.item.add",
                     {"productId": self.spoon["id"], "quantity": 9999}, token=self.token)
        self.refused("INSUFFICIENT_STOCK", 409, "more than there is", "cart.item.update",
                     {"productId": self.spoon["id"], "quantity": 21}, token=self.token)
        self.done("Cart", 200, "cart.item.remove", {"productId": self.spoon["id"]},
                  token=self.token)
        self.refused("NOT_FOUND", 404, "what is not in the cart", "cart.item.remove",
                     {"productId": self.spoon["id"]}, token=self.token)
        cleared = self.done("Cart", 200, "cart.clear", {}, token=self.token)
        self.checks.same(cleared["items"], [], "a cleared cart")
        for product, quantity in ((self.kettle, 2), (self.spoon, 6)):
            self.done("Cart", 200, "cart.item.add",
                      {"productId": product["id"], "quantity": quantity}, token=self.token)
        self.cart = self.done("Cart", 200, "cart.get", {}, token=self.token)
        self.checks.same(self.cart["total"], cart["total"], "the same total as before")

    def place_order(self):
        self.refused("VERSION_CONFLICT", 409, "an order of an old cart", "order.place",
                     {"expectedVersion": self.cart["version"] - 1}, token=self.token)
        self.refused("PRICE_CHANGED", 409, "an order at another total", "order.place",
                     {"expectedTotal": gbp(1)}, token=self.token)
        self.order = self.done("Order", 201, "order.place",
                               {"expectedTotal": self.cart["total"], "note": "ring twice"},
                               token=self.token)
        self.checks.same(self.order["total"], self.cart["total"], "total of the order")
        self.checks.same(sum(item["lineTotal"]["amount"] for item in self.order["items"]),
                         self.order["total"]["amount"], "the lines make the total")
        self.checks.same([step["status"] for step in self.order["history"]], ["pending"],
                         "history of a new order")
        self.checks.ok("shippingAddress" not in self.order, "no address was given")

    def is_stored(self):
        stored = self.done("Order", 200, "order.get", {"number": self.order["number"]},
                           token=self.token)
        self.checks.same(stored, self.order, "the stored order")
        self.checks.same(self.done("Order", 200, "order.get", {"orderId": self.order["id"]},
                                   token=self.admin), self.order, "as an admin sees it")
        cart = self.done("Cart", 200, "cart.get", {}, token=self.token)
        self.checks.same((cart["items"], cart["total"]), ([], None), "the cart is empty again")
        self.stock_is("after the order", 20, 6)

    def stock_is(self, when, on_hand, reserved):
        stock = self.done("Inventory", 200, "inventory.get", {"productId": self.spoon["id"]},
                          token=self.admin)
        self.checks.same((stock["onHand"], stock["reserved"], stock["available"]),
                         (on_hand, reserved, on_hand - reserved), f"stock {when}")

    def deliver(self):
        for status in ("paid", "processing", "shipped", "delivered"):
            moved = self.done("Order", 200, "order.status.set",
                              {"orderId": self.order["id"], "status": status}, token=self.admin)
            last = moved["history"][-1]
            self.checks.same((moved["status"], last["status"], last["by"]),
                             (status, status, self.admin_id), "the step taken")
        self.stock_is("after the delivery", 14, 0)
        self.refused("ILLEGAL_TRANSITION", 409, "delivered goods are not shipped again",
                     "order.status.set", {"orderId": self.order["id"], "status": "shipped"},
                     token=self.admin)

    def change_of_mind(self):
        self.done("Cart", 200, "cart.item.add", {"productId": self.spoon["id"], "quantity": 4},
                  token=self.token)
        second = self.done("Order", 201, "order.place", {}, token=self.token)
        self.stock_is("while it is reserved", 14, 4)
        gone = self.done("Order", 200, "order.cancel",
                         {"orderId": second["id"], "reason": "too many spoons"}, token=self.token)
        self.checks.same((gone["status"], gone["history"][-1].get("note")),
                         ("cancelled", "too many spoons"), "the cancelled order")
        self.stock_is("after the cancellation", 14, 0)
        self.refused("NOT_CANCELLABLE", 409, "a second cancellation", "order.cancel",
                     {"orderId": second["id"]}, token=self.token)
        self.second = second

    def read_history(self):
        page = self.done("OrderPage", 200, "order.list", {"limit": 1}, token=self.token)
        self.checks.same((page["totalItems"], page["totalPages"]), (2, 2), "how many orders")
        self.checks.same(page["items"][0]["id"], self.second["id"], "newest first")
        page = self.done("OrderPage", 200, "order.list", {"status": "delivered"}, token=self.token)
        self.checks.same([order["id"] for order in page["items"]], [self.order["id"]],
                         "the delivered one")
        page = self.done("OrderPage", 200, "order.list", {"all": True, "userId": self.user_id},
                         token=self.admin)
        self.checks.same(page["totalItems"], 2, "an admin sees both")
        self.refused("FORBIDDEN", 403, "a customer who asks for all", "order.list", {"all": True},
                     token=self.token)

    # --- what is told ---------------------------------------------------------------------------

    def read_notifications(self):
        expected = 7  # two orders, four steps of the first, the end of the second
        for _ in range(200):
            page = self.shop.call("notification.list", {"limit": 50}, token=self.token)
            if page.body.get("data", {}).get("totalItems", 0) >= expected:
                break
            time.sleep(0.05)
        data = self.checks.done(page, "NotificationPage", 200, "notification.list")
        self.checks.same((data["totalItems"], data["unread"]), (expected, expected),
                         "notifications, none of them read")
        kinds = sorted(item["kind"] for item in data["items"])
        self.checks.same(kinds, ["order_placed"] * 2 + ["order_status_changed"] * 5,
                         "kinds of the notifications")
        one = [data["items"][0]["id"]]
        left = self.done("Unread", 200, "notification.read", {"ids": one}, token=self.token)
        self.checks.same(left, {"unread": expected - 1}, "one is read")
        unread = self.done("NotificationPage", 200, "notification.list", {"unread": True},
                           token=self.token)
        self.checks.same(unread["totalItems"], expected - 1, "the list of the unread ones")

    def hear_event(self, kind, subject, form):
        event = self.shop.hear(
            lambda key, body: key == kind and body["subject"] == subject, f"{kind} of {subject}")
        self.checks.form("Event", event, kind)
        self.checks.form(form, event["data"], f"data of {kind}")
        return event["data"]

    def hear_all(self):
        placed = self.hear_event("order.placed", self.order["id"], "Order")
        self.checks.same(placed, self.order, "order.placed carries the order")
        for kind, subject, form in (
            ("order.status_changed", self.order["id"], "Order"),
            ("order.cancelled", self.second["id"], "Order"),
            ("user.registered", self.user_id, "User"),
            ("category.created", self.category["id"], "Category"),
            ("category.updated", self.category["id"], "Category"),
            ("product.created", self.kettle["id"], "Product"),
            ("product.updated", self.spoon["id"], "Product"),
            ("stock.changed", self.spoon["id"], "Inventory"),
        ):
            self.hear_event(kind, subject, form)
        carts = [it.body for it in self.shop.heard if it.key == "cart.updated"]
        for event in [body for body in carts if body["data"]["id"] == self.cart["id"]][:2]:
            self.checks.form("Cart", event["data"], "data of cart.updated")
        for channel in ("inapp", "email"):
            for kind in ("order_placed", "order_status_changed"):
                key = f"{channel}.{kind}"
                told = self.shop.hear(
                    lambda heard, body: heard == key and body["to"]["userId"] == self.user_id, key)
                self.checks.form("NotificationMessage", told, key)
                self.checks.same((told["channel"], told["kind"], told["to"]["email"]),
                                 (channel, kind, self.written_email), f"what {key} says")

    def cloud_events(self):
        """Every event, as the official SDK reads it: valid, and saying what it says as plain JSON."""
        events = [it for it in self.shop.heard if "specversion" in it.body]
        self.checks.same({it.key for it in events}, EVENTS, "kinds of events that were raised")
        for it in events:
            for reader in cloud.READERS:
                what = f"{it.key} as {reader} of the SDK reads it"
                try:
                    found = cloud.read(reader, it.properties.content_type, it.raw)
                    self.checks.same(found, cloud.expected(it.body), what)
                except Exception as fault:  # whatever the SDK has against it
                    self.checks.ok(False, f"{what}: {fault!r}")
            self.checks.same((it.properties.message_id, it.key), (it.body["id"], it.body["type"]),
                             f"properties of {it.key}")
        if "SHOP_HEARD" in os.environ:
            write_down(os.environ["SHOP_HEARD"], events)

    # --- the ways to say no -----------------------------------------------------------------------

    def refusals(self):
        fields = self.refused("VALIDATION_FAILED", 422, "an unknown member", "order.place",
                              {"colour": "red"}, token=self.token).get("fields", [])
        self.checks.same([field["pointer"] for field in fields], ["/colour"], "where it stands")
        fields = self.refused("VALIDATION_FAILED", 422, "a nested fault", "product.create",
                              {"name": "x", "price": {"amount": -1, "currency": "GBP"}},
                              token=self.admin).get("fields", [])
        self.checks.same([field["pointer"] for field in fields], ["/price/amount"], "where it is")
        for raw, what in ((b"", "nothing"), (b"[]", "a list"), (b'{"a":1,"a":2}', "a double key"),
                          (b'{"a":' * 40 + b"1" + b"}" * 40, "too deep")):
            self.refused("MALFORMED", 400, what, "cart.get", raw=raw, token=self.token)
        big = b'{"note":"' + b"x" * (300 * 1024) + b'"}'
        self.refused("TOO_LARGE", 413, "more than is read", "order.place", raw=big,
                     token=self.token)
        self.refused("UNAUTHENTICATED", 401, "no token", "order.list")
        self.refused("UNAUTHENTICATED", 401, "no real token", "order.list", token="a.b.c")
        self.refused("FORBIDDEN", 403, "a customer in the back office", "inventory.get",
                     {"productId": self.spoon["id"]}, token=self.token)
        self.refused("UNKNOWN_OPERATION", 404, "an operation that nobody serves", "order.teleport",
                     {}, token=self.token)
        self.refused("NOT_FOUND", 404, "no such product", "product.get", {"sku": "no-such-sku"})
        self.refused("INVALID_CREDENTIALS", 401, "an unknown account", "auth.login",
                     {"email": f"nobody-{self.run}@example.com", "password": PASSWORD})
        self.refused("UNSUPPORTED_VERSION", 400, "a version of the future", "cart.get", {},
                     token=self.token, headers={"x-api-version": "999"})

    def headers(self):
        """Clients have different ideas of a number; what is not understood is refused, not ignored."""
        late = ("1763651045000", 1763651045000, decimal.Decimal("1763651045"),
                datetime.datetime(2025, 11, 20, tzinfo=datetime.timezone.utc))
        for value in late:
            self.refused("DEADLINE_EXCEEDED", 504, f"a deadline as {type(value).__name__}",
                         "user.get", {}, token=self.token, headers={"deadline": value})
        for value in ("soon", True, [1], -1):
            self.refused("MALFORMED", 400, f"the deadline {value}", "user.get", {},
                         token=self.token, headers={"deadline": value})
        self.done("User", 200, "user.get", {}, token=self.token,
                  headers={"deadline": None, "x-api-version": 1})

    def encodings(self):
        """Bodies come as Spring, kombu and others send them, and go as they are asked for."""
        for encoding in (None, "utf-8", "UTF-8", "identity", "binary"):
            self.done("User", 200, "user.get", {}, token=self.token, encoding=encoding,
                      content_type="Application/JSON; charset=utf-8")
        self.done("User", 200, "user.get", token=self.token, raw=gzip.compress(b"{}"),
                  encoding="gzip")
        self.done("User", 200, "user.get", token=self.token, raw=zlib.compress(b"{}"),
                  encoding="deflate")
        bomb = gzip.compress(b" " * 64_000_000)
        self.refused("TOO_LARGE", 413, "a body that grows", "user.get", token=self.token, raw=bomb,
                     encoding="gzip")
        self.refused("MALFORMED", 400, "no gzip", "user.get", token=self.token, raw=b"{}",
                     encoding="gzip")
        self.refused("MALFORMED", 400, "JSON with padding", "user.get", token=self.token,
                     content_type="application/jsonp")
        page = self.shop.call("product.list", {"limit": 20}, headers={"accept-encoding": "gzip"})
        self.checks.same(page.status, 200, "a list in gzip")
        self.checks.same(page.encoding, "gzip" if len(page.raw) >= 1024 else None, "its encoding")

    def copies(self):
        """A copy in another worker's queue is not carried out: only the one in its own queue is."""
        ticket = self.shop.send("user.get", {}, token=self.token, headers={"CC": ["order.place"]})
        statuses = sorted(self.shop.answer_to(ticket).status for _ in range(2))
        self.checks.same(statuses, [200, 404], "what the two copies of a request are answered")

    def strangers(self):
        """What belongs to somebody else is not there."""
        other = self.done("Entered", 201, "auth.register", {
            "name": "Olga Other", "email": f"other-{self.run}@example.com", "password": PASSWORD,
        })
        for operation in ("order.get", "order.cancel"):
            self.refused("NOT_FOUND", 404, f"{operation} of another's order", operation,
                         {"orderId": self.order["id"]}, token=other["accessToken"])

    def promotion(self):
        """A superadmin makes an admin, who may then do what a customer may not."""
        name = {"name": "Uma Upward", "email": f"uma-{self.run}@example.com", "password": PASSWORD}
        user = self.done("Entered", 201, "auth.register", name)["user"]
        self.refused("FORBIDDEN", 403, "a customer who makes admins", "user.role.set",
                     {"userId": self.user_id, "role": "admin"}, token=self.token)
        changed = self.done("User", 200, "user.role.set", {"userId": user["id"], "role": "admin"},
                            token=self.admin)
        self.checks.same((changed["id"], changed["role"]), (user["id"], "admin"), "the new admin")
        entered = self.done("Entered", 200, "auth.login",
                            {"email": name["email"], "password": PASSWORD})
        self.checks.same(entered["user"]["role"], "admin", "role at the next login")
        self.done("Inventory", 200, "inventory.get", {"productId": self.spoon["id"]},
                  token=entered["accessToken"])
        self.refused("FORBIDDEN", 403, "an admin who makes superadmins", "user.role.set",
                     {"userId": user["id"], "role": "superadmin"}, token=entered["accessToken"])

    def idempotency(self):
        once = {"token": self.admin, "message_id": f"python-{self.run}-once"}
        body = {"productId": self.spoon["id"], "delta": -2, "reason": "bent"}
        first = self.shop.call("inventory.adjust", body, **once)
        self.checks.done(first, "Inventory", 200, "inventory.adjust")
        again = self.shop.call("inventory.adjust", body, **once)
        self.checks.same(again.raw, first.raw, "the same message id, the same reply")
        self.checks.same(again.status, first.status, "and the same status")
        self.refused("IDEMPOTENCY_MISMATCH", 422, "the same message id with another body",
                     "inventory.adjust", dict(body, delta=-3), **once)
        self.stock_is("after one effect", 12, 0)
        # Without a queue for replies a command is simply carried out.
        self.shop.send("inventory.adjust", dict(body, delta=1), token=self.admin, reply=False)
        self.shop.hear(lambda key, event: key == "stock.changed"
                       and event["subject"] == self.spoon["id"]
                       and event["data"]["onHand"] == 13, "the effect of a silent command")
        self.stock_is("after a silent command", 13, 0)

    def sell_out(self):
        """The last ones go, in a message whose ids are as odd as they may be."""
        ids = {"message_id": f"{self.run} \u2028 \u00e9\U0001f375\"\\<&", "headers": {
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}
        for kind, delta in (("stock.low", -12), ("stock.out", -1)):
            self.done("Inventory", 200, "inventory.adjust",
                      {"productId": self.spoon["id"], "delta": delta}, token=self.admin, **ids)
            ids["message_id"] += "'"
            self.hear_event(kind, self.spoon["id"], "Inventory")

    def sealed_password(self):
        """As a web tier that does not want the broker to know its customers' passwords."""
        key = os.environ.get("SHOP_SEALING_KEY")
        if not key:
            return
        box = SealedBox(PublicKey(from_base64url(key)))
        sealed = to_base64url(box.encrypt(PASSWORD.encode()))
        body = {"email": self.email, "password": sealed}
        headers = {"x-sealed": "crypto_box_seal"}
        self.done("Entered", 200, "auth.login", body, headers=headers)
        self.refused("MALFORMED", 400, "a password in clear that is said to be sealed",
                     "auth.login", {**body, "password": PASSWORD}, headers=headers)

    def sessions(self):
        rotated = self.done("Tokens", 200, "auth.refresh", {"refreshToken": self.refresh_token})
        self.done("User", 200, "user.get", {}, token=rotated["accessToken"])
        self.done("Nothing", 200, "auth.logout", {}, token=rotated["accessToken"])
        self.refused("TOKEN_INVALID", 401, "a refresh after the logout", "auth.refresh",
                     {"refreshToken": rotated["refreshToken"]})

    def first_program(self):
        """The program of docs/clients.md, as its reader runs it: in a shop with the usual prefix."""
        if self.shop.prefix != "cartwright":
            return
        done = subprocess.run([sys.executable, FIRST], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        self.checks.same(done.returncode, 0, f"status of the first program: {done.stdout}")
        self.checks.ok(re.fullmatch(TOLD, done.stdout), f"what the first program says: {done.stdout}")

    def go(self):
        self.shop.listen("events", "#")
        self.shop.listen("notifications", "email.*", "inapp.*")
        for step in (self.register, self.login, self.add_products, self.stock_up, self.browse,
                     self.fill_cart, self.place_order, self.is_stored, self.deliver,
                     self.change_of_mind, self.read_history, self.read_notifications,
                     self.hear_all, self.refusals, self.headers, self.encodings, self.copies,
                     self.strangers, self.promotion,
                     self.idempotency, self.sell_out, self.sealed_password, self.sessions, self.cloud_events,
                     self.first_program):
            step()


def main():
    checks = Checks()
    shop = Shop(os.environ["CARTWRIGHT_CLIENT_AMQP_URI"], os.environ.get("CARTWRIGHT_PREFIX", "cartwright"))
    try:
        Journey(shop, checks).go()
    except Exception:  # whatever it is, the journey has failed and says where
        checks.ok(False, traceback.format_exc())
    shop.close()
    print(f"the journey of a Python client: {checks.passed} passed, {checks.failed} failed")
    return 0 if checks.failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
