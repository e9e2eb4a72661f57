"""The generated client over pika, on a broker with workers. Reads CARTWRIGHT_CLIENT_AMQP_URI and
CARTWRIGHT_PREFIX. Prints "N passed, M failed" last."""

from __future__ import annotations

import os
import sys
import time
import traceback
import uuid

from client import NoAnswer, PikaTransport, Shop, ShopError

URI = os.environ.get("CARTWRIGHT_CLIENT_AMQP_URI", "amqp://localhost")
PREFIX = os.environ.get("CARTWRIGHT_PREFIX", "cartwright")
EMAIL = f"typed-{uuid.uuid4().hex[:8]}@example.com"
PASSWORD = "three blue teapots"


def journey() -> None:
    transport = PikaTransport(URI, PREFIX)
    shop = Shop(transport)
    name, message_id = "Tom Typed", str(uuid.uuid4())
    entered = shop.auth.register(
        {"name": name, "email": EMAIL, "password": PASSWORD}, message_id=message_id
    )
    again = shop.auth.register(
        {"name": name, "email": EMAIL, "password": PASSWORD}, message_id=message_id
    )
    assert again["user"]["id"] == entered["user"]["id"], "the same message, the same answer"
    mine = shop.using(token=entered["accessToken"], partition_key=entered["user"]["id"])
    assert mine.user.get()["email"] == EMAIL
    assert mine.cart.get()["total"] is None
    assert len(mine.product.list({"limit": 1})["items"]) <= 1
    try:
        mine.order.place()
        raise AssertionError("an empty cart was ordered")
    except ShopError as error:
        assert (error.code, error.status) == ("CART_EMPTY", 409)
    try:
        mine.user.get(deadline=time.time() - 1)
        raise AssertionError("it was answered too late")
    except ShopError as error:
        assert error.code == "DEADLINE_EXCEEDED"
    mine.auth.logout()
    shop.close()
    assert len(shop.product.list({"limit": 1})["items"]) <= 1, "it connects again"
    shop.close()


def no_broker() -> None:
    lost = PikaTransport(URI, f"nowhere-{PREFIX}")
    try:
        Shop(lost).user.get(tries=1, timeout=3)
        raise AssertionError("nobody can have answered")
    except NoAnswer:
        lost.close()


def main() -> int:
    failed = 0
    for part in (journey, no_broker):
        try:
            part()
        except Exception:  # whatever it is, the part has failed and says where
            failed += 1
            traceback.print_exc()
    print(f"{2 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
