"""What a stranger with the rights of `web` can try, one check for each kind of attack that was ever seen
to work. The stranger may publish requests, read replies, and listen to events; nothing else.

Environment: CARTWRIGHT_CLIENT_AMQP_URI, CARTWRIGHT_PREFIX ("cartwright"), and an admin's SHOP_ADMIN_EMAIL and
SHOP_ADMIN_PASSWORD."""

import json
import os
import pathlib
import sys
import time
import uuid

import pika

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "clients" / "python"))
# pylint: disable=wrong-import-position
from frames import ARRAY_LEVEL, Wire, deep_array, short_text
from shop import Shop

PASSWORD = "seven copper kettles"
URI = os.environ["CARTWRIGHT_CLIENT_AMQP_URI"]
PREFIX = os.environ.get("CARTWRIGHT_PREFIX", "cartwright")


class Failure(Exception):
    pass


def must(holds, what):
    if not holds:
        raise Failure(what)


def code_of(answer):
    return None if answer.body["ok"] else answer.body["error"]["code"]


class Attack:
    def __init__(self, shop):
        self.shop = shop
        self.admin = self._log_in(os.environ["SHOP_ADMIN_EMAIL"], os.environ["SHOP_ADMIN_PASSWORD"])
        self.email = f"victim-{uuid.uuid4().hex}@example.com"
        answer = shop.call("auth.register", {"name": "Victim", "email": self.email,
                                             "password": PASSWORD})
        must(answer.status == 201, f"the victim could not be registered: {answer.body}")
        self.victim = answer.body["data"]

    def _log_in(self, email, password):
        answer = self.shop.call("auth.login", {"email": email, "password": password})
        must(answer.status == 200, f"no log-in: {answer.body}")
        return answer.body["data"]

    def _is_alive(self):
        answer = self.shop.call("user.get", {}, token=self.victim["accessToken"])
        must(answer.status == 200, f"the victim is shut out: {answer.body}")

    # --- tokens and sessions --------------------------------------------------------------------------

    def guessed_refresh_tokens(self):
        """Somebody's session id with junk behind it ends nothing."""
        token = self.victim["refreshToken"]
        for forged in (token[:24] + "." + "A" * 43, token[:-6] + "AAAAAA", token[:24], "A" * 60,
                       token.split(".")[0] + ".1." + "A" * 43):
            answer = self.shop.call("auth.refresh", {"refreshToken": forged})
            must(code_of(answer) in ("TOKEN_INVALID", "RATE_LIMITED", "VALIDATION_FAILED"),
                 f"{forged}: {answer.body}")
        self._is_alive()
        answer = self.shop.call("auth.refresh", {"refreshToken": token})
        must(answer.status == 200, f"the true token is spent: {answer.body}")
        self.victim.update(answer.body["data"])

    def forged_access_tokens(self):
        """No signature, another algorithm, somebody else's claims."""
        head, claims, signature = self.victim["accessToken"].split(".")
        none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
        for forged in (f"{none}.{claims}.", f"{none}.{claims}.{signature}",
                       f"{head}.{self.admin['accessToken'].split('.')[1]}.{signature}",
                       f"{head}.{claims}.", f"{head}.{claims}.{signature[:-4]}AAAA", "..", "x" * 5000):
            answer = self.shop.call("user.get", {}, token=forged)
            must(code_of(answer) == "UNAUTHENTICATED", f"{forged[:60]}: {answer.body}")

    def stolen_message_ids(self):
        """Who knows the id of somebody's log-in is not told the tokens that it was answered with."""
        message_id = str(uuid.uuid4())
        body = {"email": self.email, "password": PASSWORD}
        first = self.shop.call("auth.login", body, message_id=message_id)
        must(first.status == 200, f"no log-in: {first.body}")
        answer = self.shop.call("auth.login", {**body, "password": "guessed"},
                                message_id=message_id)
        must(code_of(answer) in ("IDEMPOTENCY_MISMATCH", "INVALID_CREDENTIALS"), str(answer.body))

    # --- headers of ours ------------------------------------------------------------------------------

    def forged_headers(self):
        """Headers that lanes write on their own copies give no rights to who sets them on a request."""
        forged = {"x-operation": "user.role.set", "x-caller": "superadmin - - 9999999999999",
                  "x-signature": "0" * 32, "x-attempt": 1, "x-history": "x" * 2000,
                  "x-original-queue": f"{PREFIX}.notification.events",
                  "x-original-exchange": f"{PREFIX}.events", "x-failure-code": "INTERNAL",
                  "x-death": [{"reason": "delivery_limit", "queue": f"{PREFIX}.notification.events",
                               "exchange": f"{PREFIX}.events", "routing-keys": ["order.placed"]}]}
        body = {"userId": self.victim["user"]["id"], "role": "superadmin"}
        answer = self.shop.call("user.role.set", body, headers=forged)
        must(code_of(answer) == "UNAUTHENTICATED", str(answer.body))
        answer = self.shop.call("user.role.set", body, headers=forged,
                                token=self.victim["accessToken"])
        must(code_of(answer) == "FORBIDDEN", str(answer.body))
        answer = self.shop.call("cart.get", {}, headers=forged, token=self.victim["accessToken"])
        must(answer.status == 200 and answer.body["data"]["items"] == [], str(answer.body))

    def carbon_copies(self):
        """A copy that CC or BCC sends to the queue of another domain is not carried out there."""
        name = f"Copied {uuid.uuid4().hex[:8]}"
        token = self.admin["accessToken"]
        for header in ("CC", "BCC"):
            answer = self.shop.call("category.create", {"name": name + header}, token=token,
                                    headers={header: ["cart.get", "order.list", "auth.login"]})
            # Each queue's lanes answer; which answer is the first does not matter.
            must(code_of(answer) in (None, "UNKNOWN_OPERATION"), str(answer.body))
        time.sleep(1)
        self.shop.connection.process_data_events(time_limit=0.2)
        items = self.shop.call("category.list", {}).body["data"]["items"]
        made = [item["name"] for item in items if item["name"].startswith(name)]
        must(len(made) == 2, f"made {made}")

    def headers_of_the_wrong_type(self):
        """A deadline that cannot be read is not ignored: it was meant to keep something from happening."""
        for deadline in ("soon", True, [1], {"ms": 1}):
            answer = self.shop.call("cart.clear", {}, headers={"deadline": deadline},
                                    token=self.victim["accessToken"])
            must(code_of(answer) == "MALFORMED", f"{deadline!r}: {answer.body}")

    def long_traces(self):
        """Kilobytes of trace context are not multiplied by every event."""
        self.shop.listen("events", "category.created")
        answer = self.shop.call("category.create", {"name": f"Traced {uuid.uuid4().hex[:8]}"},
                                token=self.admin["accessToken"],
                                headers={"traceparent": "00-" + "a" * 5000})
        must(answer.status == 201, str(answer.body))
        wanted = answer.body["data"]["id"]
        event = self.shop.hear(lambda _, body: body["subject"] == wanted, "category.created")
        must("traceparent" not in event, f"traceparent of {len(event.get('traceparent', ''))} bytes")

    def deep_headers(self):
        """A header as deep as a frame has room for costs nobody else anything."""
        wire = Wire(URI)
        levels = (wire.frame_max - 200) // ARRAY_LEVEL
        wire.publish(f"{PREFIX}.requests", "cart.get", b"{}", message_id=str(uuid.uuid4()),
                     headers=short_text("x-deep") + deep_array(levels))
        wire.close()
        answer = self.shop.call("cart.get", {}, token=self.victim["accessToken"])
        must(answer.status == 200, str(answer.body))

    # --- where replies go -----------------------------------------------------------------------------

    def foreign_reply_queues(self):
        """Nothing of ours, the broker's or another client's can be made to receive a reply."""
        for queue in (f"{PREFIX}.order", f"{PREFIX}.dead.auth", f"{PREFIX}.delay.00", "amq.topic",
                      "somebody.elses", "x" * 300):
            correlation_id = self._send_to(queue)
            self.shop.connection.process_data_events(time_limit=0.3)
            must(correlation_id not in self.shop.answers, f"an answer came by {queue}")
        self._is_alive()

    def _send_to(self, queue):
        correlation_id = str(uuid.uuid4())
        self.shop.channel.basic_publish(
            f"{PREFIX}.requests", "category.list", b"{}",
            pika.BasicProperties(message_id=correlation_id, correlation_id=correlation_id,
                                 reply_to=queue[:255], content_type="application/json"))
        return correlation_id

    # --- what the broker does not let him do ----------------------------------------------------------

    def forbidden_by_the_broker(self):
        """Events, dead letters, delays and work queues are written and read by others."""
        def publish(channel, exchange, routing_key):
            channel.confirm_delivery()
            channel.basic_publish(exchange, routing_key, b"{}")

        attempts = {
            "publish an event": lambda c: publish(c, f"{PREFIX}.events", "order.placed"),
            "publish a notification": lambda c: publish(c, f"{PREFIX}.notifications", "email.x"),
            "write a dead letter": lambda c: publish(c, "", f"{PREFIX}.dead.order"),
            "write into a work queue": lambda c: publish(c, "", f"{PREFIX}.order"),
            "write into the delays": lambda c: publish(c, f"{PREFIX}.delay.end", f"{PREFIX}.order"),
            "read requests": lambda c: c.basic_get(f"{PREFIX}.order"),
            "read dead letters": lambda c: c.basic_get(f"{PREFIX}.dead.auth"),
            "delete a queue": lambda c: c.queue_delete(f"{PREFIX}.order"),
            "purge a queue": lambda c: c.queue_purge(f"{PREFIX}.order"),
            "declare a hash exchange": lambda c: c.exchange_declare("x", "x-consistent-hash"),
        }
        for what, attempt in attempts.items():
            connection = pika.BlockingConnection(pika.URLParameters(URI))
            try:
                attempt(connection.channel())
            except pika.exceptions.ChannelClosedByBroker as refusal:
                must(refusal.reply_code == 403, f"{what}: {refusal}")
            else:
                raise Failure(f"he may {what}")
            finally:
                if connection.is_open:
                    connection.close()

    # --- guessing -------------------------------------------------------------------------------------

    def locked_out_by_others(self):
        """Wrong tries for an account are limited, and nobody who is logged in is shut out by them."""
        codes = [code_of(self.shop.call("auth.login", {"email": self.email, "password": "guess"}))
                 for _ in range(30)]
        must("RATE_LIMITED" in codes, f"30 guesses were answered {set(codes)}")
        must(None not in codes, "a guess was right")
        self._is_alive()

    def all_checks(self):
        return (self.guessed_refresh_tokens, self.forged_access_tokens, self.stolen_message_ids,
                self.forged_headers, self.carbon_copies, self.headers_of_the_wrong_type,
                self.long_traces, self.deep_headers, self.foreign_reply_queues,
                self.forbidden_by_the_broker, self.locked_out_by_others)


def main():
    failed = 0
    shop = Shop(URI, PREFIX)
    checks = Attack(shop).all_checks()
    for check in checks:
        try:
            check()
            print(f"ok   {check.__name__}")
        except (Failure, TimeoutError, RuntimeError, json.JSONDecodeError,
                pika.exceptions.AMQPError) as failure:
            failed += 1
            print(f"FAIL {check.__name__}: {failure!r}")
    shop.close()
    print(f"attack: {len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
