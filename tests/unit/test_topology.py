#!/usr/bin/env python3
"""test_topology.py - `cartwright topology --definitions`: what RabbitMQ tells of itself is compared with
what the shop needs. And docker/rabbitmq-definitions.json is what the shop needs.

$CARTWRIGHT names the executable (./cartwright)."""

import base64
import hashlib
import json
import os
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("CARTWRIGHT", os.path.join(ROOT, "cartwright"))
SCRIPT = os.path.join(ROOT, "docker", "rabbitmq-definitions.sh")
CLEAN, FINDINGS, USAGE, FAILED = 0, 1, 2, 3


def compare(definitions, **environment):
    """Exit status and findings; definitions: an object, or bytes."""
    given = definitions if isinstance(definitions, bytes) else json.dumps(definitions).encode()
    done = subprocess.run([PROGRAM, "topology", "--definitions", "-"], input=given, cwd=ROOT,
                          env={"PATH": os.environ["PATH"], **environment},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode()


def shipped(**environment):
    return subprocess.run([SCRIPT], stdout=subprocess.PIPE, check=True,
                          env={"PATH": os.environ["PATH"], **environment}).stdout.decode()


def about_rights(findings):
    """Not of exchanges, queues and bindings, which no file of ours declares."""
    return [line for line in findings if line.startswith(("user ", "there is no ", "the policy "))]


class Shipped(unittest.TestCase):
    def test_is_what_the_shop_needs(self):
        status, findings, _ = compare(json.loads(shipped()))
        self.assertEqual((status, about_rights(findings)), (FINDINGS, []))
        self.assertIn("queue cartwright.dead.order is missing; cure: cartwright topology", findings)

    def test_goes_by_the_prefix(self):
        # As somebody writes it who sets `prefix` to "my.shop".
        given = json.loads(shipped(BROKER_PREFIX=r"my\.shop"))
        _, findings, _ = compare(given, CARTWRIGHT_PREFIX="my.shop")
        self.assertEqual(about_rights(findings), [])
        _, findings, _ = compare(given)
        self.assertTrue(about_rights(findings))

    def test_a_prefix_is_a_regular_expression_and_the_whole_is_json(self):
        # As the private brokers of the tests have it; RabbitMQ 4 refuses to start with less than JSON.
        done = subprocess.run([SCRIPT], env={"PATH": os.environ["PATH"], "BROKER_PREFIX": r"(?!amq\.)[a-z]+"},
                              stdout=subprocess.PIPE, text=True, check=True)
        web = json.loads(done.stdout)["permissions"][0]
        self.assertEqual(web["write"], r"^((?!amq\.)[a-z]+\.requests$|amq\.gen-)")

    def test_nobody_can_log_in_without_a_password_given(self):
        for user in json.loads(shipped())["users"]:
            self.assertEqual(user["password_hash"], "", user["name"])
        self.assertNotIn("guest", shipped())

    def test_passwords_are_put_in_as_digests(self):
        text = shipped(BROKER_WEB_PASSWORD="se/c&r|et")
        self.assertNotIn("se/c&r|et", text)
        hashes = {user["name"]: user["password_hash"] for user in json.loads(text)["users"]}
        salted = base64.b64decode(hashes.pop("web"))
        self.assertEqual(salted[4:], hashlib.sha256(salted[:4] + b"se/c&r|et").digest())
        self.assertEqual(set(hashes.values()), {""})


class Differences(unittest.TestCase):
    def setUp(self):
        self.given = json.loads(shipped())

    def finding(self, what, cure):
        _, findings, _ = compare(self.given)
        self.assertEqual([line for line in about_rights(findings) if not line.startswith(what)], [])
        self.assertIn(cure, "".join(about_rights(findings)))

    def entry(self, section, **members):
        return next(entry for entry in self.given[section]
                    if all(entry[name] == value for name, value in members.items()))

    def test_guest(self):
        self.given["users"].append({"name": "guest"})
        self.finding("user guest exists", "rabbitmqctl delete_user guest")

    def test_a_user_is_missing(self):
        self.given["users"].remove(self.entry("users", name="reader"))
        self.finding("there is no user reader", "rabbitmqctl add_user reader")

    def test_a_user_may_do_more(self):
        self.entry("permissions", user="web")["configure"] = ".*"
        self.finding("user web may configure '.*'", "rabbitmqctl set_permissions -p '/' web '^amq\\.gen-' ")

    def test_a_user_may_do_less(self):
        self.given["permissions"].remove(self.entry("permissions", user="worker"))
        self.finding("user worker may ", "rabbitmqctl set_permissions -p '/' worker ")

    def test_a_stranger_may_do_everything(self):
        self.given["permissions"].append(
            {"user": "bob", "vhost": "/", "configure": "^$", "write": ".*", "read": "^$"})
        self.finding("user bob may write everything", "rabbitmqctl clear_permissions -p '/' bob")

    def test_strangers_elsewhere_are_their_own_business(self):
        self.given["permissions"].append(
            {"user": "bob", "vhost": "bobs", "configure": ".*", "write": ".*", "read": ".*"})
        self.assertEqual(about_rights(compare(self.given)[1]), [])

    def test_a_policy_is_missing(self):
        self.given["policies"].remove(self.entry("policies", name="cartwright-dead"))
        self.finding("there is no policy for queues ^cartwright\\.dead\\.",
                     "rabbitmqctl set_policy -p '/' --apply-to queues --priority 10 'cartwright-dead' ")

    def test_a_policy_is_another(self):
        self.entry("policies", name="cartwright-replies")["definition"]["max-length-bytes"] = 5
        self.finding("the policy for queues ^cartwright\\.reply\\. is", "set_policy")

    def test_the_order_of_a_policys_members_is_of_no_matter(self):
        policy = self.entry("policies", name="cartwright-dead")
        policy["definition"] = dict(reversed(policy["definition"].items()))
        self.assertEqual(about_rights(compare(self.given)[1]), [])


class Files(unittest.TestCase):
    def test_what_cannot_be_read(self):
        for text in (b"", b"[]", b"{", b"not json", b"{}" + b" " * (16 << 20)):
            status, findings, error = compare(text)
            self.assertEqual((status, findings), (FAILED, []), text[:20])
            self.assertTrue(error.startswith("cartwright topology: "), error)

    def test_an_empty_broker_lacks_everything(self):
        status, findings, error = compare({})
        self.assertEqual(status, FINDINGS)
        self.assertEqual(error, f"cartwright topology: {len(findings)} findings\n")


if __name__ == "__main__":
    unittest.main()
