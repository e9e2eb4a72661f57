"""dead_letters.py - the promises of `cartwright dead-letter` on real servers.

Letters are made by real lanes: a stock adjustment in a version of the protocol that is not spoken, and
which nobody waits for, is buried. Sent again, without its headers, it adds one to the stock; so the
stock counts the effects."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid

import pika

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "clients", "python"))
from shop import Shop  # noqa: E402

LETTERS = 1000
KILLS = 5
PATIENCE_S = 120
QUEUE = "cartwright.inventory"
CARTWRIGHT, CONFIG, RIG_DIR = (os.environ[name] for name in ("CARTWRIGHT", "CONFIG", "RIG_DIR"))


class Failed(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failed(text)


def command(*args):
    return [CARTWRIGHT, "dead-letter", *args, "--config", CONFIG]


def operator(*args, status=0):
    """Runs one command to its end; what it says on stdout (stderr has the log)."""
    done = subprocess.run(command(*args), capture_output=True, text=True, timeout=PATIENCE_S)
    check(done.returncode == status,
          f"{' '.join(args)}: exit status {done.returncode}, not {status}: {done.stdout}{done.stderr}")
    return done.stdout


def begin(*args):
    return subprocess.Popen(command(*args), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            text=True)


def workers(verb):
    subprocess.run(["tests/rig/workers.sh", verb, RIG_DIR], check=True, stdout=subprocess.DEVNULL)


def await_true(condition, what):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        check(time.monotonic() < end, f"waited {PATIENCE_S} s for {what}")
        time.sleep(0.1)


def buried():
    """Letters of the worker, as a monitoring script counts them."""
    told = json.loads(operator("stats", "--json"))
    return next(row["letters"] for row in told["domains"] if row["domain"] == "inventory")


def sent_of(process):
    """How many letters it says it has sent."""
    out, _ = process.communicate(timeout=PATIENCE_S)
    for line in out.splitlines():
        if "sent again" in line:
            return int(line.split()[0])
    return 0


class Test:
    def __init__(self):
        self.uri = os.environ["CARTWRIGHT_CLIENT_AMQP_URI"]
        self.shop = None
        self.connect()

    def connect(self):
        self.shop = Shop(self.uri)
        self.token = self.shop.call("auth.login", {
            "email": os.environ["SHOP_ADMIN_EMAIL"],
            "password": os.environ["SHOP_ADMIN_PASSWORD"],
        }).body["data"]["accessToken"]

    def product(self):
        run = uuid.uuid4().hex[:8]
        answer = self.shop.call("product.create", {
            "name": f"Lost mug {run}", "price": {"amount": 100, "currency": "GBP"},
            "sku": f"LOST-{run}", "stock": 0}, token=self.token)
        check(answer.status == 201, f"product.create: {answer.body}")
        return answer.body["data"]["id"]

    def stock(self, product):
        answer = self.shop.call("inventory.get", {"productId": product}, token=self.token)
        return answer.body["data"]["onHand"]

    def bury(self, product, count, prefix="lost"):
        """So many letters, each worth one piece of stock; their message ids."""
        ids = [f"{prefix}-{uuid.uuid4().hex}" for _ in range(count)]
        for message_id in ids:
            self.shop.send("inventory.adjust", {"productId": product, "delta": 1},
                           token=self.token, message_id=message_id, headers={"x-api-version": "0"},
                           reply=False)
        await_true(lambda: buried() == count, f"{count} dead letters")
        return ids

    def queued(self):
        """Message ids in the queue of requests; they stay there."""
        connection = pika.BlockingConnection(
            pika.URLParameters(os.environ["CARTWRIGHT_AMQP_OPERATOR_URI"]))
        channel = connection.channel()
        ids = []
        while True:
            method, properties, _ = channel.basic_get(QUEUE)
            if method is None:
                break
            ids.append(properties.message_id)
        connection.close()
        return ids

    def check_effects(self, product, count):
        """Each letter was worth one, asked once, after all is done: an empty queue is not enough for that,
        lanes may hold what was in it; what they do not finish when they are stopped is in it again."""
        left = [None]
        while left:
            await_true(lambda: self.shop.channel.queue_declare(QUEUE, passive=True).method
                       .message_count == 0, "an empty queue")
            workers("stop")
            left = self.queued()
            workers("start")
        stock = self.stock(product)
        check(stock == count, f"stock {stock}, not {count}")

    # --- the tests --------------------------------------------------------------------------------

    def killed_in_the_middle(self):
        product = self.product()
        ids = self.bury(product, LETTERS)
        self.shop.close()
        workers("stop")
        for _ in range(KILLS):
            process = begin("replay", "--all", "--domain", "inventory", "--rate", "100")
            time.sleep(random.uniform(1.0, 1.8))  # so that at most 900 are sent before the last one
            process.kill()
            process.wait()
        time.sleep(1)
        operator("replay", "--all", "--domain", "inventory", "--rate", "2000")
        copies = self.queued()
        check(set(copies) == set(ids), f"{len(set(ids) - set(copies))} of {LETTERS} letters are lost")
        doubles = len(copies) - len(ids)
        print(f"    {KILLS} kills, {doubles} copies more than letters", flush=True)
        check(doubles <= 3 * KILLS, f"{doubles} doubles after {KILLS} kills")
        workers("start")
        self.connect()
        self.check_effects(product, LETTERS)
        check(buried() == 0, "letters came back")

    def two_at_once(self):
        product = self.product()
        ids = self.bury(product, LETTERS)
        self.shop.close()
        workers("stop")
        both = [begin("replay", "--all", "--domain", "inventory", "--rate", "500")
                for _ in range(2)]
        sent = [sent_of(process) for process in both]
        copies = self.queued()
        print(f"    {sent[0]} and {sent[1]} letters", flush=True)
        check(sum(sent) == LETTERS, f"{sent} letters sent by two")
        check(sorted(copies) == sorted(ids), "not each message once")
        workers("start")
        self.connect()
        self.check_effects(product, LETTERS)

    def interrupted_and_given_again(self):
        product = self.product()
        self.bury(product, 300)
        process = begin("replay", "--all", "--domain", "inventory", "--rate", "50")
        time.sleep(2.5)
        process.send_signal(signal.SIGINT)
        first = sent_of(process)
        check(process.returncode == 3, f"exit status {process.returncode} after Ctrl-C")
        check(0 < first < 300, f"{first} letters before Ctrl-C")
        check(buried() == 300 - first, "the rest is not there")
        operator("replay", "--all", "--domain", "inventory", "--rate", "1000")
        self.check_effects(product, 300)

    def shown_and_not_obeyed(self):
        """What a stranger wrote gives no orders to the operator's terminal."""
        orders = ("\u009b2J", "\u202e", "\u2066", "\u2028")
        self.bury(self.product(), 1, prefix="lost" + "".join(orders))
        listed = operator("list", "inventory", "--letters", "--json")
        shown = operator("show", json.loads(listed)["letters"][0]["digest"])
        check("u202e" in shown, f"the id is not shown: {shown}")
        for told in (listed, shown, operator("list", "inventory"),
                     operator("list", "inventory", "--letters")):
            for order in orders:
                check(order[0] not in told, f"{order!r} is not escaped: {told}")
        operator("discard", "--code", "UNSUPPORTED_VERSION", "--reason", "a test")

    def expired_and_answered(self):
        """What its publisher wanted to expire is answered when lanes are back, and is no letter."""
        product = self.product()
        body = {"productId": product, "delta": 1}
        done = f"done-{uuid.uuid4().hex}"
        first = self.shop.call("inventory.adjust", body, token=self.token, message_id=done)
        check(first.status == 200, f"inventory.adjust: {first.body}")
        now, late = int(time.time()), {"expiration": "100"}

        def forged(exchange):
            """A death of the same kind. RabbitMQ keeps the rest of what is said about it; since version 4 it
            does not listen to publishers at all."""
            return {"x-death": [{"reason": "expired", "queue": QUEUE, "exchange": exchange,
                                 "original-expiration": "9999999",
                                 "routing-keys": ["order.placed"]}]}

        broker = self.shop.connection._impl.server_properties["version"]  # pylint: disable=protected-access
        of_events = 503 if int(broker.split(".")[0]) >= 4 else 404
        rows = (
            (done, {**late, "timestamp": now}, 200), (done, late, 200),
            (f"late-{uuid.uuid4().hex}", {**late, "timestamp": now}, 504),
            (f"late-{uuid.uuid4().hex}", late, 503),
            (f"late-{uuid.uuid4().hex}", {**late, "headers": forged("cartwright.requests")}, 503),
            (f"late-{uuid.uuid4().hex}", {**late, "headers": forged("cartwright.events")}, of_events),
            (f"late-{uuid.uuid4().hex}", {**late, "headers": forged("cartwright.delay.end")}, 503),
        )
        workers("stop")
        tickets = [self.shop.send("inventory.adjust", body, token=self.token, message_id=name, **how)
                   for name, how, _ in rows]
        self.shop.send("inventory.adjust", body, token=self.token, reply=False, **late)
        await_true(lambda: self.shop.channel.queue_declare(QUEUE, passive=True).method
                   .message_count == 0, "the end of all")
        workers("start")
        for ticket, (name, how, status) in zip(tickets, rows):
            answer = self.shop.answer_to(ticket, name)
            check(answer.status == status, f"{name} {how}: {answer.body}")
            check(name != done or answer.raw == first.raw, f"another answer to a repeat: {answer.raw}")
        check(self.stock(product) == 1, "something expired and was carried out")
        for name, _, status in rows[2:]:
            answer = self.shop.call("inventory.adjust", body, token=self.token, message_id=name)
            check(answer.status == 200, f"{name} without an end: {answer.body}")
        check(self.stock(product) == 1 + len(rows[2:]), "what came again was not carried out")
        check(buried() == 0, "something that expired is a letter")

    def looked_at_tried_corrected_and_dropped(self):
        product = self.product()
        one, two, three = self.bury(product, 3)
        shown = operator("list", "inventory")
        check("UNSUPPORTED_VERSION" in shown and "3 x inventory.adjust" in shown, shown)
        group = json.loads(operator("list", "--json"))["groups"][0]
        check(group["count"] == 3, str(group))
        shown = operator("show", one)
        check(product in shown and "authorization" not in shown, shown)
        shown = operator("replay", one, "--dry-run")
        check("would be done" in shown and "onHand: 0 -> 1" in shown and "stock.changed" in shown,
              shown)
        check(self.stock(product) == 0, "a dry run changed the stock")
        operator("edit", one, "--set", "/delta=many", status=1)
        operator("edit", one, "--set", "/delta=40")
        operator("discard", two, "--reason", "a test")
        operator("replay", "--group", group["fingerprint"], "--dry-run")
        operator("replay", "--group", group["fingerprint"])
        await_true(lambda: self.stock(product) == 41, "the effects")
        operator("show", three, status=1)
        operator("replay", "--all", status=1)
        operator("replay", status=2)
        operator("list", "nobody", status=2)
        operator("purge", "inventory", status=2)
        check(buried() == 0, "letters are left")


TESTS = ("shown_and_not_obeyed", "expired_and_answered", "looked_at_tried_corrected_and_dropped",
         "interrupted_and_given_again",
         "killed_in_the_middle", "two_at_once")


def main():
    test, failed = Test(), 0
    for name in TESTS:
        begun = time.monotonic()
        try:
            getattr(test, name)()
            print(f"  {name:<40} ok ({time.monotonic() - begun:.1f} s)", flush=True)
        except Failed as fault:
            failed += 1
            print(f"  {name:<40} FAILED: {fault}", flush=True)
            workers("start")
            test.connect()
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
