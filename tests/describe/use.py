"""The generated client as somebody would use it, over a transport that answers from a list. What mypy
must refuse stands behind `type: ignore`: mypy tells when it does not. Ends with "N passed, M failed"."""

from __future__ import annotations

import json
import sys
import unittest
from typing import Any

from client import (
    AnswerCut,
    Cart,
    CartUpdatedEvent,
    Incoming,
    Money,
    NoAnswer,
    Outgoing,
    PikaTransport,
    Shop,
    ShopError,
    Transport,
    decode_event,
    decode_notification,
)

ID = "6b0dd17814018a56b45e61d7"
PRICE: Money = {"amount": 1295, "currency": "GBP"}
CART: Cart = {
    "id": ID,
    "version": 1,
    "items": [],
    "total": None,
    "issues": [],
    "updatedAt": "2026-11-20T15:04:05.123Z",
}


def done(data: Any, **more: Any) -> Incoming:
    return Incoming(json.dumps({"ok": True, "data": data, **more}).encode(), {"status": 200})


def refused(code: str, status: int, retryable: bool, **headers: int) -> Incoming:
    fields = [{"pointer": "/quantity", "message": "2 left"}]
    error = {"code": code, "message": "no", "retryable": retryable, "fields": fields}
    every = {name.replace("_", "-"): value for name, value in headers.items()}
    return Incoming(json.dumps({"ok": False, "error": error}).encode(), {"status": status, **every})


class Fake:
    def __init__(self, *answers: Incoming | Exception) -> None:
        self.sent: list[Outgoing] = []
        self.answers = list(answers)

    def request(self, outgoing: Outgoing, timeout: float) -> Incoming:
        self.sent.append(outgoing)
        answer = self.answers.pop(0) if self.answers else NoAnswer("the list has ended")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        pass


def transports(pika: PikaTransport, fake: Fake) -> list[Transport]:
    """Never called: both are transports."""
    return [pika, fake]


def mistakes(shop: Shop) -> None:
    """Never called: what mypy must refuse."""
    shop.cart.item.add({"productId": ID})  # type: ignore[typeddict-item]
    shop.cart.item.add({"productId": ID, "quantity": "1"})  # type: ignore[typeddict-item]
    shop.cart.item.add({"productId": ID, "quantity": 1, "x": 1})  # type: ignore[typeddict-unknown-key]
    shop.cart.item.add({"productId": ID, "quantity": 1}, colour="red")  # type: ignore[call-arg]
    shop.order.status.set({"orderId": ID, "status": "lost"})  # type: ignore[typeddict-item]
    shop.category.update({"categoryId": ID, "name": None})  # type: ignore[typeddict-item]
    shop.category.update({"categoryId": ID, "parentId": None})
    shop.cart.get()["total"]["amount"]  # type: ignore[index]


class Use(unittest.TestCase):
    def test_sends_what_is_typed(self) -> None:
        fake = Fake(done(CART))
        shop = Shop(fake, api_key="k")
        got: Cart = shop.cart.item.add({"productId": ID, "quantity": 1}, token="t", message_id="m")
        self.assertEqual(got, CART)
        self.assertEqual(fake.sent[0].operation, "cart.item.add")
        self.assertEqual(json.loads(fake.sent[0].body), {"productId": ID, "quantity": 1})
        self.assertEqual(fake.sent[0].message_id, "m")
        self.assertEqual(fake.sent[0].headers, {"authorization": "Bearer t", "x-api-key": "k"})

    def test_only_commands_get_an_id(self) -> None:
        fake = Fake(done(CART), done(CART), done(CART))
        shop = Shop(fake).using(token="t")
        shop.cart.get()
        shop.cart.clear()
        shop.cart.clear()
        self.assertIsNone(fake.sent[0].message_id)
        self.assertRegex(fake.sent[1].message_id or "", r"^[0-9a-f-]{36}$")
        self.assertNotEqual(fake.sent[1].message_id, fake.sent[2].message_id)

    def test_repeats_have_one_id(self) -> None:
        limited = refused("RATE_LIMITED", 429, True, retry_after_ms=5)
        fake = Fake(NoAnswer("lost"), limited, done(CART))
        Shop(fake).cart.clear()
        self.assertEqual(len(fake.sent), 3)
        self.assertEqual(len({one.message_id for one in fake.sent}), 1)

    def test_gives_up(self) -> None:
        fake = Fake()
        with self.assertRaises(NoAnswer) as caught:
            Shop(fake).cart.clear(tries=1)
        self.assertEqual(caught.exception.message_id, fake.sent[0].message_id)

    def test_refusals_are_typed(self) -> None:
        fake = Fake(refused("INSUFFICIENT_STOCK", 409, False))
        with self.assertRaises(ShopError) as caught:
            Shop(fake).cart.item.add({"productId": ID, "quantity": 3})
        error = caught.exception
        self.assertEqual((error.code, error.status, len(fake.sent)), ("INSUFFICIENT_STOCK", 409, 1))
        self.assertEqual(error.fields[0]["pointer"], "/quantity")
        self.assertFalse(error.code == "NO_SUCH_CODE")  # type: ignore[comparison-overlap]

    def test_cut_answers_are_errors(self) -> None:
        with self.assertRaises(AnswerCut) as caught:
            Shop(Fake(done({"id": ID}, cut=True))).cart.clear()
        self.assertEqual(caught.exception.data, {"id": ID})

    def test_events_are_told(self) -> None:
        head = {"specversion": "1.0", "id": "1", "source": "/cartwright/cart", "subject": ID}
        event = decode_event(json.dumps({**head, "type": "cart.updated", "data": CART}))
        assert event is not None and event["type"] == "cart.updated"
        updated: CartUpdatedEvent = event
        self.assertEqual(updated["data"]["items"], [])
        self.assertIsNone(decode_event(json.dumps({**head, "type": "cart.stolen", "data": {}})))
        with self.assertRaises(ValueError):
            decode_event("{}")
        notice = decode_notification(json.dumps({"kind": "order_placed", "data": {"total": PRICE}}))
        assert notice is not None and notice["kind"] == "order_placed"
        self.assertEqual(notice["data"]["total"]["amount"], 1295)


if __name__ == "__main__":
    result = unittest.TextTestRunner(stream=sys.stdout).run(
        unittest.defaultTestLoader.loadTestsFromTestCase(Use)
    )
    wrong = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - wrong} passed, {wrong} failed")
    sys.exit(1 if wrong else 0)
