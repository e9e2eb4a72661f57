"""A shop under siege: customers buy while one stranger after another floods it with what an anonymous
publisher can send. Every call of the customers must be answered well, nothing of theirs may be buried,
and the broker may raise no alarm. Prints how long the customers waited; time is no reason to fail.

Environment: CARTWRIGHT_CLIENT_AMQP_URI (a user with the rights of `web`), CARTWRIGHT_PREFIX, an admin's
SHOP_ADMIN_EMAIL and SHOP_ADMIN_PASSWORD, RIG_DIR (for the broker's log; without it alarms are not
looked for), CARTWRIGHT and CONFIG (for `dead-letter stats`)."""

import json
import multiprocessing
import os
import pathlib
import secrets
import subprocess
import sys
import time
import uuid

import pika

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "clients" / "python"))
# pylint: disable=wrong-import-position
from frames import ARRAY_LEVEL, Wire, deep_array, short_text
from shop import Shop

PASSWORD = "seven copper kettles"
BUYERS = 3
QUIET_SECONDS = 5
URI = os.environ["CARTWRIGHT_CLIENT_AMQP_URI"]
PREFIX = os.environ.get("CARTWRIGHT_PREFIX", "cartwright")
REQUESTS = f"{PREFIX}.requests"


# --- the customers -----------------------------------------------------------------------------------


def buy(shop, token, product):
    """One round of a customer: (operation, status wanted, body)."""
    for operation, status, body in (
        ("product.get", 200, {"productId": product}),
        ("cart.item.add", 200, {"productId": product, "quantity": 1}),
        ("cart.get", 200, {}),
        ("order.place", 201, {}),
    ):
        begin = time.monotonic()
        answer = shop.call(operation, body, token=token)
        took = time.monotonic() - begin
        yield took, None if answer.status == status else f"{operation}: {answer.body}"


def buyer(token, product, ending, results):
    """Buys until told to end; puts (moment, seconds, fault or None) of each call."""
    shop = Shop(URI, PREFIX)
    seen = []
    while not ending.is_set():
        try:
            seen += [(time.time(), took, fault) for took, fault in buy(shop, token, product)]
        except (TimeoutError, RuntimeError, pika.exceptions.AMQPError) as error:
            seen.append((time.time(), 15.0, repr(error)))
            shop = Shop(URI, PREFIX)
    results.put(seen)


# --- the strangers -----------------------------------------------------------------------------------


class Flood:
    """A stranger who publishes and does not wait. Replies are thrown away as they come."""

    def __init__(self):
        self.connection = pika.BlockingConnection(pika.URLParameters(URI))
        self.channel = self.connection.channel()
        self.replies = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.basic_consume(self.replies, lambda *_: None, auto_ack=True)

    def send(self, operation, body, headers=None, reply=True):
        self.channel.basic_publish(REQUESTS, operation, body, pika.BasicProperties(
            message_id=uuid.uuid4().hex, headers=headers, content_type="application/json",
            reply_to=self.replies if reply else None))

    def close(self):
        self.connection.process_data_events(time_limit=0)
        self.connection.close()


def header_bombs():
    """Four headers as deep as a frame of the broker's has room for."""
    for _ in range(4):
        wire = Wire(URI)
        levels = (wire.frame_max - 200) // ARRAY_LEVEL
        wire.publish(REQUESTS, "cart.get", b"{}", message_id=uuid.uuid4().hex,
                     headers=short_text("x-deep") + deep_array(levels))
        wire.close()


def carbon_copies():
    """Requests for a list whose CC names operations of other workers."""
    flood = Flood()
    body = json.dumps({"email": "nobody@example.com", "password": PASSWORD}).encode()
    for _ in range(2000):
        flood.send("category.list", body, {"CC": ["auth.login", "cart.clear", "order.place"]})
    flood.close()


def log_ins():
    """3,000 log-ins, each of which would cost a password hash."""
    flood = Flood()
    for number in range(3000):
        flood.send("auth.login", json.dumps({"email": f"nobody-{number}@example.com",
                                             "password": PASSWORD}).encode())
    flood.close()


def garbage():
    """5,000 pieces of noise that ask for no reply."""
    flood = Flood()
    keys = ("cart.item.add", "order.place", "product.list", "auth.register", "no.such.operation")
    for number in range(5000):
        flood.send(keys[number % len(keys)], secrets.token_bytes(200), reply=False)
    flood.close()


def unread_replies():
    """2,000 lists that are asked for on a connection that reads nothing any more."""
    wire = Wire(URI)
    wire.consume_direct_replies()
    for _ in range(2000):
        wire.publish(REQUESTS, "product.list", b'{"limit": 100}', message_id=uuid.uuid4().hex,
                     reply_to="amq.rabbitmq.reply-to")
    time.sleep(QUIET_SECONDS)
    wire.close()


ATTACKS = (header_bombs, carbon_copies, log_ins, garbage, unread_replies)


# --- the shop ----------------------------------------------------------------------------------------


def done(answer, status=200):
    if answer.status != status:
        raise RuntimeError(f"status {answer.status}: {answer.body}")
    return answer.body["data"]


def furnish(shop):
    """A hundred products with long descriptions, one of them without end, and customers."""
    admin = done(shop.call("auth.login", {"email": os.environ["SHOP_ADMIN_EMAIL"],
                                          "password": os.environ["SHOP_ADMIN_PASSWORD"]}))
    token = admin["accessToken"]
    price = {"amount": 1250, "currency": "GBP"}
    for number in range(100):
        done(shop.call("product.create", {"name": f"Siege kettle {number}", "price": price,
                                          "description": "copper " * 120}, token=token), 201)
    product = done(shop.call("product.create", {"name": "Siege mug", "price": price,
                                                "stock": 1000000}, token=token), 201)["id"]
    tokens = []
    for number in range(BUYERS):
        account = {"name": f"Buyer {number}", "email": f"siege-{uuid.uuid4().hex}@example.com",
                   "password": PASSWORD}
        tokens.append(done(shop.call("auth.register", account), 201)["accessToken"])
    return product, tokens


def alarms():
    log = pathlib.Path(os.environ.get("RIG_DIR", "."), "log", "rabbitmq.log")
    return log.read_text(errors="replace").count("alarm set") if log.exists() else 0


def buried():
    """Dead letters, all together."""
    stats = subprocess.run([os.environ["CARTWRIGHT"], "dead-letter", "stats", "--json", "--config",
                            os.environ["CONFIG"]], capture_output=True, text=True, check=True)
    return sum(domain["letters"] for domain in json.loads(stats.stdout)["domains"])


def quantile(sorted_values, part):
    return sorted_values[min(len(sorted_values) - 1, int(part * len(sorted_values)))]


def tell(name, calls):
    waits = sorted(took for _, took, _ in calls)
    faults = [fault for _, _, fault in calls if fault]
    if not waits:
        print(f"FAIL {name}: no customer was answered at all")
        return False
    print(f"{'FAIL' if faults else 'ok  '} {name:16} {len(waits):6} calls, "
          f"p50 {quantile(waits, .5) * 1000:7.1f} ms, p99 {quantile(waits, .99) * 1000:7.1f} ms, "
          f"longest {waits[-1] * 1000:7.1f} ms")
    for fault in faults[:5]:
        print(f"     {fault}")
    return not faults


def under_siege(ending):
    """[(name, begin, end)] of each attack, and of a quiet time before the first."""
    phases = [("no attack", time.time(), None)]
    time.sleep(QUIET_SECONDS)
    for attack in ATTACKS:
        phases[-1] = (*phases[-1][:2], time.time())
        phases.append((attack.__name__.replace("_", " "), time.time(), None))
        attack()
        time.sleep(QUIET_SECONDS)
    phases[-1] = (*phases[-1][:2], time.time())
    ending.set()
    return phases


def main():
    shop = Shop(URI, PREFIX)
    product, tokens = furnish(shop)
    shop.close()
    alarms_before, buried_before = alarms(), buried()
    ending, results = multiprocessing.Event(), multiprocessing.Queue()
    buyers = [multiprocessing.Process(target=buyer, args=(token, product, ending, results))
              for token in tokens]
    for process in buyers:
        process.start()
    phases = under_siege(ending)
    calls = [call for _ in buyers for call in results.get()]
    for process in buyers:
        process.join()
    verdicts = [tell(name, [call for call in calls if begin <= call[0] < end])
                for name, begin, end in phases]
    raised, died = alarms() - alarms_before, buried() - buried_before
    print(f"{'FAIL' if raised else 'ok  '} the broker raised {raised} alarms")
    print(f"{'FAIL' if died else 'ok  '} {died} messages were buried")
    verdicts += [raised == 0, died == 0]
    print(f"siege: {sum(verdicts)} passed, {len(verdicts) - sum(verdicts)} failed")
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
