#!/usr/bin/env python3
"""test_command_line.py - `cartwright` without any server: what it says of itself, and what its
sub-commands do when the configuration is not whole.

$CARTWRIGHT names the executable (./cartwright)."""

import json
import os
import re
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("CARTWRIGHT", os.path.join(ROOT, "cartwright"))
NOWHERE = "127.0.0.1:9"  # discard: nobody listens there
WHOLE = {
    "CARTWRIGHT_AMQP_URI": f"amqp://guest:guest@{NOWHERE}/",
    "CARTWRIGHT_MONGODB_URI": f"mongodb://{NOWHERE}/x?replicaSet=rs0",
    "CARTWRIGHT_REDIS_URI": f"redis://{NOWHERE}/0",
    "CARTWRIGHT_AUTH_MASTER_KEY": "00112233445566778899aabbccddeeff" * 2,
    "CARTWRIGHT_AUTH_TOKEN_KEY": "ffeeddccbbaa99887766554433221100" * 2,
}
OK, REFUSED, USAGE, FAILED = 0, 1, 2, 3


def run(*arguments, folder=ROOT, **environment):
    return subprocess.run(
        [PROGRAM, *arguments], cwd=folder, env={"PATH": os.environ["PATH"], **environment},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


class Help(unittest.TestCase):
    def test_every_way_to_ask(self):
        for arguments in (("help",), ("--help",), ("-h",), ("help", "help"), ("help", "--help")):
            done = run(*arguments)
            self.assertEqual((done.returncode, done.stderr), (OK, ""), arguments)
            self.assertIn("cartwright call OPERATION", done.stdout)

    def test_each_command_tells_of_itself(self):
        names = re.findall(r"^  cartwright ([a-z]\S+)", run("help").stdout, re.MULTILINE)
        self.assertIn("dead-letter", names)
        for name in names:
            for arguments in (("help", name), (name, "--help"), (name, "-h")):
                done = run(*arguments)
                self.assertEqual((done.returncode, done.stderr), (OK, ""), arguments)
                self.assertIn("cartwright " + name, done.stdout)

    def test_what_there_is_not(self):
        for arguments in (("nothing",), ("help", "nothing"), ("--nothing",)):
            done = run(*arguments)
            self.assertEqual((done.returncode, done.stdout), (USAGE, ""), arguments)
            self.assertIn("cartwright help", done.stderr)

    def test_version(self):
        with open(os.path.join(ROOT, "VERSION"), encoding="utf-8") as file:
            version = file.read().strip()
        for arguments in (("--version",), ("version",)):
            done = run(*arguments)
            self.assertEqual((done.returncode, done.stderr), (OK, ""))
            self.assertRegex(done.stdout, rf"^cartwright {re.escape(version)}(\+[0-9a-f]+)?\n$")


class Describe(unittest.TestCase):
    def test_one_operation(self):
        done = run("describe", "cart.item.add")
        self.assertEqual((done.returncode, done.stderr), (OK, ""))
        for part in ("cart.item.add", "command", "customer", "domain cart", "productId", "quantity",
                     "INSUFFICIENT_STOCK 409"):
            self.assertIn(part, done.stdout)

    def test_one_operation_as_json(self):
        for arguments in (("--json", "order.place"), ("order.place", "--json")):
            described = json.loads(run("describe", *arguments).stdout)
            self.assertEqual([row["operation"] for row in described["operations"]], ["order.place"])
        self.assertGreater(len(json.loads(run("describe", "--json").stdout)["operations"]), 20)

    def test_the_form_of_a_reply(self):
        described = json.loads(run("describe", "--json", "cart.item.add").stdout)["operations"][0]
        schema = described["replySchema"]
        self.assertEqual(schema["title"], "Cart")
        line = schema["properties"]["items"]["items"]
        self.assertEqual(line["properties"]["quantity"], {"$ref": "#/$defs/Count"})
        self.assertEqual(schema["$defs"]["Count"]["type"], "integer")
        self.assertIn("amount", schema["$defs"]["Money"]["properties"])
        self.assertIn("quantity", line["required"])
        described = json.loads(run("describe", "--json", "category.list").stdout)["operations"][0]
        page = described["replySchema"]
        self.assertEqual(page["allOf"], [{"$ref": "#/$defs/Paging"}])
        paging = page["$defs"]["Paging"]
        self.assertEqual(paging["properties"]["nextCursor"], {"type": ["string", "null"]})
        self.assertEqual(page["required"], ["items"])
        for operation in json.loads(run("describe", "--json").stdout)["operations"]:
            self.assertEqual(operation["replySchema"]["type"], "object", operation["operation"])
        self.assertIn('"unitPrice"', run("describe", "cart.item.add").stdout)

    def test_an_operation_that_is_not(self):
        done = run("describe", "cart.item.ad")
        self.assertEqual((done.returncode, done.stdout), (USAGE, ""))
        self.assertIn("cart.item.add", done.stderr)


class Configuration(unittest.TestCase):
    def test_shown_although_it_is_not_whole(self):
        done = run("config", CARTWRIGHT_SHOP_LOW_STOCK="7")
        self.assertEqual(done.returncode, USAGE)
        self.assertRegex(done.stdout, r"(?m)^shop\.lowStock +7 +# CARTWRIGHT_SHOP_LOW_STOCK: ")
        for name in ("amqp.uri", "mongodb.uri", "redis.uri", "auth.masterKey", "auth.tokenKey"):
            self.assertRegex(done.stdout, rf"(?m)^{re.escape(name)} +# missing, required: ")
        self.assertIn("amqp.uri is required", done.stderr)
        self.assertIn("CARTWRIGHT_AMQP_URI", done.stderr)

    def test_whole(self):
        done = run("config", "--config", "config/dev.yaml", **WHOLE)
        self.assertEqual((done.returncode, done.stderr), (OK, ""))
        self.assertNotIn("missing", done.stdout)
        self.assertNotIn("guest", done.stdout)

    def test_wrong_values_are_refused_all_the_same(self):
        done = run("config", CARTWRIGHT_SHOP_LOW_STOCK="many")
        self.assertEqual((done.returncode, done.stdout), (USAGE, ""))
        self.assertIn("CARTWRIGHT_SHOP_LOW_STOCK", done.stderr)


class DeadLetter(unittest.TestCase):
    def test_an_option_at_the_end_has_no_value(self):
        """--config and its value are taken out of the arguments: they are no value of what stands at the end."""
        done = run("dead-letter", "discard", "x", "--config", "config/dev.yaml", "--reason", **WHOLE)
        self.assertEqual((done.returncode, done.stdout), (USAGE, ""))
        self.assertIn("'--reason' is not for `discard`, or lacks its value", done.stderr)


class Health(unittest.TestCase):
    def test_needs_no_address(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("health", CARTWRIGHT_WORKER_STATUS_FILE=os.path.join(folder, "worker.json"))
        self.assertEqual((done.returncode, done.stderr), (FAILED, ""))
        self.assertRegex(done.stdout, "^not running: .*worker.json")

    def test_says_what_to_set(self):
        done = run("health")
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("worker.statusFile is not set", done.stdout)
        self.assertIn("--config", done.stdout)


class Needs(unittest.TestCase):
    """A command asks for the addresses that it uses, and for no others."""

    def test_only_what_is_used(self):
        for name, needed in (
            ("topology", "AMQP_URI"),
            ("index", "MONGODB_URI"),
            ("migrate", "MONGODB_URI"),
        ):
            done = run(name)
            self.assertEqual(done.returncode, USAGE)
            self.assertIn("CARTWRIGHT_" + needed, done.stderr)
        done = run("topology", CARTWRIGHT_AMQP_URI=WHOLE["CARTWRIGHT_AMQP_URI"])
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("no broker at " + NOWHERE, done.stderr)

    def test_everything_for_a_worker(self):
        for name in WHOLE:
            done = run("worker", **{key: value for key, value in WHOLE.items() if key != name})
            self.assertEqual(done.returncode, USAGE)
            self.assertIn(name, done.stderr)


class Migrate(unittest.TestCase):
    def test_says_what_it_does_not_know(self):
        at = {"CARTWRIGHT_MONGODB_URI": WHOLE["CARTWRIGHT_MONGODB_URI"]}
        for arguments, told in (
            (["cart"], "there is no collection 'cart'"),
            (["carts", "--fast"], "usage: cartwright migrate"),
            (["--rate", "0"], "usage: cartwright migrate"),
            (["--rate"], "usage: cartwright migrate"),
        ):
            done = run("migrate", *arguments, **at)
            self.assertEqual(done.returncode, USAGE, arguments)
            self.assertIn(told, done.stderr)


class StaleAddresses(unittest.TestCase):
    """Whose shell still has the addresses of yesterday's `make up` is told so."""

    def told(self, file):
        with tempfile.TemporaryDirectory() as folder:
            if file is not None:
                os.mkdir(os.path.join(folder, ".run"))
                with open(os.path.join(folder, ".run", "env"), "w", encoding="utf-8") as env:
                    env.write(file)
            done = run("topology", folder=folder, CARTWRIGHT_AMQP_URI=WHOLE["CARTWRIGHT_AMQP_URI"])
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("no broker at " + NOWHERE, done.stderr)
        return done.stderr

    def test_other_addresses(self):
        other = WHOLE["CARTWRIGHT_AMQP_URI"] + "other"
        self.assertIn(
            "other addresses than .run/env; for those: `. .run/env`",
            self.told(f"# Addresses\nexport CARTWRIGHT_AMQP_URI='{other}'\n"))

    def test_its_addresses(self):
        uri = WHOLE["CARTWRIGHT_AMQP_URI"]
        self.assertIn("`make up` starts", self.told(f"# Addresses\nexport CARTWRIGHT_AMQP_URI='{uri}'\n"))

    def test_no_such_file(self):
        self.assertNotIn(".run/env", self.told(None))


POOLS = """
pools:
  - name: shop
    domains: [auth, password, catalog, inventory, cart, notification]
    lanes: 1
"""


class Doubts(unittest.TestCase):
    """What starts and is not as it was meant is in the log and in what `health` reads."""

    def test_workers_in_no_pool(self):
        with tempfile.TemporaryDirectory() as folder:
            status, config = os.path.join(folder, "worker.json"), os.path.join(folder, "pools.yaml")
            with open(config, "w", encoding="utf-8") as file:
                file.write(POOLS)
            worker = subprocess.Popen(
                [PROGRAM, "worker", "--config", config], cwd=ROOT, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                env={"PATH": os.environ["PATH"], **WHOLE, "CARTWRIGHT_WORKER_STATUS_FILE": status})
            try:
                while not os.path.exists(status) and worker.poll() is None:
                    time.sleep(0.05)
                told = run("health", "--json", "--config", config,
                           CARTWRIGHT_WORKER_STATUS_FILE=status)
            finally:
                worker.terminate()
                log = worker.communicate()[1]
        warnings = json.loads(told.stdout)["worker"]["warnings"]
        for doubt in ("domain order is in no pool", "nobody answers operations that do not exist"):
            self.assertTrue(any(warning.startswith(doubt) for warning in warnings), warnings)
            self.assertIn(doubt, log)


class Secrets(unittest.TestCase):
    def test_an_api_key_has_a_least_length(self):
        done = run("config", CARTWRIGHT_AUTH_API_KEYS="a-key-that-is-long-enough,too-short")
        self.assertEqual((done.returncode, done.stdout), (USAGE, ""))
        self.assertIn("CARTWRIGHT_AUTH_API_KEYS: auth.apiKeys: ", done.stderr)
        self.assertIn("at least 16 bytes", done.stderr)
        self.assertNotIn("too-short", done.stderr)

    def test_a_token_may_come_from_a_file(self):
        for option in ("--token-file", "--api-key-file"):
            done = run("call", "cart.get", option, "/nowhere/token")
            self.assertEqual(done.returncode, USAGE)
            self.assertIn("/nowhere/token", done.stderr)
            done = run("call", "cart.get", option, "/dev/null")
            self.assertEqual(done.returncode, USAGE)
            with tempfile.NamedTemporaryFile("w") as file:
                file.write("a-token\n")
                file.flush()
                done = run("call", "cart.get", option, file.name, **WHOLE)
            self.assertEqual(done.returncode, FAILED)
            self.assertIn("no broker at " + NOWHERE, done.stderr)

    def test_nothing_is_left_where_others_look(self):
        """The keys are not in the environment that the kernel shows, and files are for their owner."""
        with tempfile.TemporaryDirectory() as folder:
            status = os.path.join(folder, "worker.json")
            environment = {**WHOLE, "CARTWRIGHT_WORKER_STATUS_FILE": status, "OTHER": "stays"}
            old_mask = os.umask(0)
            try:
                worker = subprocess.Popen(
                    [PROGRAM, "worker", "--config", "config/ci.yaml"], cwd=ROOT, stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    env={"PATH": os.environ["PATH"], **environment})
            finally:
                os.umask(old_mask)
            try:
                pids = [worker.pid] + self.lanes(worker, status)
                for pid in pids:
                    with open(f"/proc/{pid}/environ", "rb") as file:
                        seen = file.read().decode()
                    self.assertIn("OTHER=stays", seen)
                    for value in WHOLE.values():
                        self.assertNotIn(value, seen)
                self.assertEqual(os.stat(status).st_mode & 0o777, 0o600)
            finally:
                worker.terminate()
                worker.wait()

    def lanes(self, worker, path):
        while worker.poll() is None:
            try:
                with open(path, encoding="utf-8") as file:
                    pools = json.load(file)["pools"]
                pids = [lane["pid"] for pool in pools for lane in pool["lanes"] if lane.get("pid", 0) > 0]
                if pids:
                    return pids
            except FileNotFoundError:
                pass
            time.sleep(0.05)
        self.fail(f"the worker ended with status {worker.returncode}")


if __name__ == "__main__":
    unittest.main()
