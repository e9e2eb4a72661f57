#!/usr/bin/env python3
"""test_topology.py - `cartwright topology` on a real broker: what differs is told, and the cure that is
told cures it. The cures are carried out as they stand, so they are tried, too.

Needs the rig's own broker (RIG_DIR, rabbitmqctl); its users' permissions and policies are those of a
production broker meanwhile, for the prefix of this test."""

import json
import os
import subprocess
import tempfile
import unittest

import pika

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("CARTWRIGHT", os.path.join(ROOT, "cartwright"))
RIG_DIR = os.environ.get("RIG_DIR", "")
PREFIX = f"topology{os.getpid()}"
USERS = ("web", "worker", "operator", "reader")
CLEAN, FINDINGS, USAGE, FAILED = 0, 1, 2, 3
FRAME_MAX = 16384


def shell(command, given=None):
    return subprocess.run(command, cwd=ROOT, input=given, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, stdin=None if given else
                          subprocess.DEVNULL)


def rabbitmqctl(*arguments):
    done = shell([f"{ROOT}/tests/rig/servers.sh", "ctl", RIG_DIR, "-q", *arguments])
    if done.returncode != 0:
        raise AssertionError(f"rabbitmqctl {arguments}: {done.stderr}{done.stdout}")
    return done.stdout


def topology(*arguments):
    """Exit status, the lines of findings (or of what was declared), and what was said besides."""
    done = shell([PROGRAM, "topology", *arguments])
    return done.returncode, done.stdout.splitlines(), done.stderr


# Where a command is meant for a shell, it is the rig's rabbitmqctl and the program that is tested.
SHELL = """
rabbitmqctl() { "$ROOT/tests/rig/servers.sh" ctl "$RIG_DIR" "$@"; }
cartwright() { "$CARTWRIGHT" "$@"; }
"""


def carry_out(cure):
    """A cure as somebody types it."""
    done = subprocess.run(["bash", "-c", SHELL + cure], check=False, stdin=subprocess.DEVNULL,
                          env={**os.environ, "ROOT": ROOT, "CARTWRIGHT": PROGRAM},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise AssertionError(f"'{cure}': {done.stdout}")


def use_definitions(prefix):
    """Loads docker/rabbitmq-definitions.json for this prefix, with the rig's passwords."""
    environment = {**os.environ, "BROKER_PREFIX": prefix}
    for user in USERS:
        environment[f"BROKER_{user.upper()}_PASSWORD_FILE"] = f"{RIG_DIR}/password.{user}"
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        subprocess.run([f"{ROOT}/docker/rabbitmq-definitions.sh"], check=True, env=environment,
                       stdout=file)
        rabbitmqctl("import_definitions", file.name)


def operator():
    connection = pika.BlockingConnection(
        pika.URLParameters(os.environ["CARTWRIGHT_AMQP_OPERATOR_URI"]))
    return connection, connection.channel()


@unittest.skipUnless(os.path.exists(f"{RIG_DIR}/password.web"), "not the rig's broker")
class Topology(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.environ["CARTWRIGHT_PREFIX"] = PREFIX
        use_definitions(PREFIX)
        status, _, told = topology()
        assert status == CLEAN, told
        assert "queues were made, with members on the nodes that the cluster has now" in told, told
        assert f"rabbitmq-queues grow NODE all --vhost-pattern '^/$' --queue-pattern '^{PREFIX}\\.'" in told

    @classmethod
    def tearDownClass(cls):
        rabbitmqctl("import_definitions", f"{RIG_DIR}/rabbitmq/definitions.json")
        # The names of these are of the rig's patterns again.
        connection, channel = operator()
        names = json.loads(cls.exported())
        for queue in names["queues"]:
            if queue["name"].startswith(PREFIX):
                channel.queue_delete(queue["name"])
        for exchange in names["exchanges"]:
            if exchange["name"].startswith(PREFIX):
                channel.exchange_delete(exchange["name"])
        connection.close()
        del os.environ["CARTWRIGHT_PREFIX"]

    def run(self, result=None):
        """What a test that failed has left must not fail the others."""
        failed = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) == failed:
            return result
        use_definitions(PREFIX)
        shell([f"{ROOT}/tests/rig/servers.sh", "ctl", RIG_DIR, "-q", "delete_user", "guest"])
        connection, channel = operator()
        channel.queue_delete(f"{PREFIX}.cart")
        channel.queue_delete(f"{PREFIX}.dead.cart")
        channel.exchange_delete(f"{PREFIX}.notifications")
        connection.close()
        topology()
        return result

    @staticmethod
    def exported():
        with tempfile.TemporaryDirectory() as folder:
            rabbitmqctl("export_definitions", f"{folder}/broker.json")
            with open(f"{folder}/broker.json", encoding="utf-8") as file:
                return file.read()

    def all_findings(self):
        """By both ways of looking, and each must agree with its exit status."""
        status, seen, told = topology("--check")
        self.assertIn(status, (CLEAN, FINDINGS), told)
        self.assertEqual(status == CLEAN, not seen, seen)
        done = shell([PROGRAM, "topology", "--definitions", "-"], self.exported())
        self.assertEqual(done.returncode == CLEAN, not done.stdout, done.stderr)
        return seen, done.stdout.splitlines()

    def cured(self, seen=None, told=None):
        """Of both ways of looking: what the finding begins with; None: nothing is to be seen. One cure of
        all that is found is carried out, then nothing is found any more."""
        found = self.all_findings()
        cures = []
        for findings, wanted in zip(found, (seen, told)):
            if wanted is None:
                self.assertEqual(findings, [])
            else:
                self.assertTrue(findings)
                for line in findings:
                    self.assertTrue(line.startswith(wanted), line)
                    cures.append(line.split("; cure: ")[1])
        for cure in dict.fromkeys(cures):
            carry_out(cure)
        self.assertEqual(self.all_findings(), ([], []))

    def test_all_is_well(self):
        self.assertEqual(self.all_findings(), ([], []))

    def test_declaring_again_makes_nothing(self):
        status, _, told = topology()
        self.assertEqual((status, told), (CLEAN, ""))

    def test_a_queue_is_missing(self):
        connection, channel = operator()
        channel.queue_delete(f"{PREFIX}.cart")
        connection.close()
        self.cured(seen=f"queue {PREFIX}.cart is missing", told=f"queue {PREFIX}.cart is ")

    def test_an_exchange_is_missing(self):
        connection, channel = operator()
        channel.exchange_delete(f"{PREFIX}.notifications")
        connection.close()
        self.cured(seen=f"exchange {PREFIX}.notifications is missing",
                   told=f"exchange {PREFIX}.notifications is missing")

    def test_an_exchange_is_another(self):
        connection, channel = operator()
        channel.exchange_delete(f"{PREFIX}.notifications")
        channel.exchange_declare(f"{PREFIX}.notifications", "fanout", durable=True)
        connection.close()
        self.cured(seen=f"exchange {PREFIX}.notifications has other settings",
                   told=f"exchange {PREFIX}.notifications has type 'fanout' instead of 'topic'")

    def test_a_work_queue_bears_fewer_deliveries(self):
        connection, channel = operator()
        channel.queue_delete(f"{PREFIX}.cart")
        channel.queue_declare(f"{PREFIX}.cart", durable=True, arguments={
            "x-queue-type": "quorum", "x-delivery-limit": 20, "x-dead-letter-exchange": f"{PREFIX}.died",
            "x-overflow": "reject-publish", "x-dead-letter-strategy": "at-least-once"})
        connection.close()
        status, _, told = topology()  # taken as it is, and bound
        self.assertEqual(status, CLEAN)
        self.assertIn(f"queue {PREFIX}.cart keeps the limits that it has", told)
        self.cured(seen=f"queue {PREFIX}.cart has other settings",
                   told=f"queue {PREFIX}.cart has x-delivery-limit 20 instead of 100")

    def test_a_work_queue_of_an_earlier_version(self):
        connection, channel = operator()
        channel.queue_delete(f"{PREFIX}.cart")
        channel.queue_declare(f"{PREFIX}.cart", durable=True, arguments={
            "x-queue-type": "quorum", "x-delivery-limit": 100, "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": f"{PREFIX}.dead.cart", "x-overflow": "reject-publish",
            "x-dead-letter-strategy": "at-least-once"})
        connection.close()
        status, _, told = topology()  # taken as it is, and bound
        self.assertEqual(status, CLEAN, told)
        self.assertIn(f"queue {PREFIX}.cart is of an earlier release, and what expires in it becomes a "
                      "dead letter", told)
        self.cured(seen=f"queue {PREFIX}.cart has other settings",
                   told=f"queue {PREFIX}.cart has x-dead-letter-")

    def test_a_work_queue_whose_dead_get_lost_is_refused(self):
        connection, channel = operator()
        channel.queue_delete(f"{PREFIX}.cart")
        channel.queue_declare(f"{PREFIX}.cart", durable=True, arguments={
            "x-queue-type": "quorum", "x-delivery-limit": 100})
        connection.close()
        status, _, told = topology()
        self.assertEqual(status, FAILED)
        self.assertIn(f"queue {PREFIX}.cart exists with other settings", told)
        self.assertNotIn("of an earlier release", told)
        self.cured(seen=f"queue {PREFIX}.cart has other settings", told=f"queue {PREFIX}.cart ")

    def test_a_dead_queue_of_an_earlier_version_needs_the_policy(self):
        connection, channel = operator()
        channel.queue_delete(f"{PREFIX}.dead.cart")
        channel.queue_declare(f"{PREFIX}.dead.cart", durable=True, arguments={"x-queue-type": "quorum"})
        connection.close()
        status, _, told = topology()
        self.assertEqual(status, CLEAN)
        self.assertIn("; cure: rabbitmqctl set_policy -p '/' --apply-to queues --priority 10 "
                      f"'{PREFIX}-dead' '^{PREFIX}\\.dead\\.'", told)
        self.assertEqual(self.all_findings(), ([], []))  # the policy is there
        rabbitmqctl("clear_policy", "cartwright-dead")
        self.cured(told=("queue ", "there is no policy for queues "))
        rabbitmqctl("clear_policy", f"{PREFIX}-dead")
        use_definitions(PREFIX)

    def test_another_kind_of_queue_is_refused(self):
        connection, channel = operator()
        channel.queue_delete(f"{PREFIX}.dead.cart")
        channel.queue_declare(f"{PREFIX}.dead.cart", durable=True)
        connection.close()
        status, _, told = topology()
        self.assertEqual(status, FAILED)
        self.assertIn(f"queue {PREFIX}.dead.cart exists with other settings", told)
        self.cured(seen=f"queue {PREFIX}.dead.cart has other settings", told=f"queue {PREFIX}.dead.cart has ")

    def test_a_binding_is_missing(self):
        connection, channel = operator()
        channel.queue_unbind(f"{PREFIX}.cart", f"{PREFIX}.requests", "cart.#")
        connection.close()
        self.cured(told=f"queue {PREFIX}.cart is not bound to {PREFIX}.requests by 'cart.#'")

    def test_a_policy_is_missing(self):
        rabbitmqctl("clear_policy", "cartwright-subscribers")
        self.cured(told="there is no policy for queues ")
        rabbitmqctl("clear_policy", f"{PREFIX}-subscribers")
        use_definitions(PREFIX)

    def test_guest(self):
        rabbitmqctl("add_user", "guest", "guest")
        rabbitmqctl("set_permissions", "guest", "^$", "^$", "^$")
        self.cured(seen="user guest exists", told="user guest exists")

    def test_users_may_do_more(self):
        for user in ("web", "worker", "reader"):
            rabbitmqctl("set_permissions", user, ".*", ".*", ".*")
        seen, _ = self.all_findings()
        for line in (
                "user web (web) may forge events", "user web (web) may take requests away",
                "user web (web) may make exchanges with names of its own",
                "user web (web) may read dead letters", "user worker (worker) may send requests",
                "user worker (worker) may read dead letters", "user reader (reader) may forge events"):
            self.assertTrue([found for found in seen if found.startswith(line)], line)
        self.cured(seen="user ", told="user ")

    def test_users_may_do_less(self):
        for user in ("web", "worker", "reader"):
            rabbitmqctl("set_permissions", user, "^amq\\.gen-", "^$", "^$")
        seen, _ = self.all_findings()
        for line in ("user web (web) may not send requests", "user worker (worker) may not take requests",
                     "user worker (worker) may not publish events"):
            self.assertTrue([found for found in seen if found.startswith(line)], line)
        self.cured(seen="user ", told="user ")

    def test_the_operator_may_not_declare(self):
        rabbitmqctl("set_permissions", "operator", "^$", ".*", ".*")
        seen, _ = self.all_findings()
        self.assertTrue([line for line in seen if "may not declare, so settings cannot be compared; cure: "
                         "set amqp.operatorUri" in line], seen)
        self.assertEqual(topology()[0], FAILED)
        use_definitions(PREFIX)
        self.assertEqual(self.all_findings(), ([], []))

    def test_long_frames(self):
        rabbitmqctl("eval", "application:set_env(rabbit, frame_max, 131072).")
        seen, told = self.all_findings()
        rabbitmqctl("eval", f"application:set_env(rabbit, frame_max, {FRAME_MAX}).")
        self.assertEqual(len(seen), 1)
        self.assertTrue(seen[0].startswith("the broker takes frames of 131072 bytes"), seen)
        self.assertIn("; cure: 'frame_max = 16384' in rabbitmq.conf", seen[0])
        self.assertEqual(told, [])

    def test_long_replies(self):
        os.environ["CARTWRIGHT_MESSAGE_REPLY_MAX"] = "2MiB"
        try:
            seen, told = self.all_findings()
        finally:
            del os.environ["CARTWRIGHT_MESSAGE_REPLY_MAX"]
        self.assertEqual(len(seen), 1, seen)
        self.assertTrue(seen[0].startswith("the broker takes no message of 2097152 bytes"), seen)
        self.assertIn("max_message_size", seen[0])
        self.assertEqual(told, [])

    def test_looking_changes_nothing(self):
        connection, channel = operator()
        channel.basic_publish("", f"{PREFIX}.dead.cart", b"letter",
                              pika.BasicProperties(delivery_mode=2))
        before = json.loads(self.exported())
        self.all_findings()
        after = json.loads(self.exported())
        letter, _, body = channel.basic_get(f"{PREFIX}.dead.cart", auto_ack=True)
        connection.close()
        for section in ("queues", "exchanges", "bindings", "permissions", "policies"):
            self.assertEqual(sorted(map(str, before[section])), sorted(map(str, after[section])))
        self.assertEqual((letter.redelivered, body), (False, b"letter"))

    def test_letters_survive_any_number_of_looks(self):
        connection, channel = operator()
        queue = f"{PREFIX}.dead.cart"
        channel.confirm_delivery()
        channel.basic_publish("", queue, b"letter", pika.BasicProperties(delivery_mode=2))
        for _ in range(150):  # more than a work queue bears
            letter, _, _ = channel.basic_get(queue)
            self.assertIsNotNone(letter)
            channel.basic_nack(letter.delivery_tag)
        letter, _, _ = channel.basic_get(queue, auto_ack=True)
        self.assertIsNotNone(letter)
        connection.close()

    def test_a_full_dead_queue_says_so_and_loses_nothing(self):
        rabbitmqctl("set_policy", "--apply-to", "queues", "--priority", "20", "small",
                    f"^{PREFIX}\\.dead\\.",
                    '{"max-length":3,"overflow":"reject-publish","delivery-limit":1000000000}')
        connection, channel = operator()
        queue = f"{PREFIX}.dead.cart"
        channel.confirm_delivery()
        taken = 0
        try:
            for _ in range(20):  # it takes some more than it should
                channel.basic_publish("", queue, b"letter", pika.BasicProperties(delivery_mode=2))
                taken += 1
        except pika.exceptions.NackError:
            pass
        rabbitmqctl("clear_policy", "small")
        left = channel.queue_declare(queue, passive=True).method.message_count
        channel.queue_purge(queue)
        connection.close()
        self.assertLess(taken, 20)
        self.assertEqual(left, taken)


if __name__ == "__main__":
    unittest.main()
