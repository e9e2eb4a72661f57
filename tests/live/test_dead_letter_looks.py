#!/usr/bin/env python3
"""test_dead_letter_looks.py - on RabbitMQ 4 nobody looks at letters of a queue that was made without a
delivery limit: there a letter is gone after twenty looks, and a look that is refused must not count.

Where the broker is an older one, a proxy in front of it says that it is RabbitMQ 4."""

import os
import re
import socket
import subprocess
import threading
import unittest
import urllib.parse

import pika

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("CARTWRIGHT", os.path.join(ROOT, "cartwright"))
OPERATOR = os.environ["CARTWRIGHT_AMQP_OPERATOR_URI"]
PREFIX = f"looks{os.getpid()}"
DONE, REFUSED = 0, 1


def say_four(octets):
    """The first digit of the version that connection.start tells."""
    return re.sub(rb"(\x07versionS.{4})\d\.", rb"\g<1>4.", octets, count=1, flags=re.DOTALL)


def pump(source, target, change):
    try:
        while octets := source.recv(65536):
            target.sendall(change(octets))
            change = bytes
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
    source.close()


class Proxy:
    """What it says first, the broker's greeting, is changed; all else passes as it is."""

    def __init__(self, uri):
        self.uri = urllib.parse.urlsplit(uri)
        self.server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            broker = socket.create_connection((self.uri.hostname, self.uri.port))
            threading.Thread(target=pump, args=(client, broker, bytes), daemon=True).start()
            threading.Thread(target=pump, args=(broker, client, say_four), daemon=True).start()

    def address(self):
        user = self.uri.netloc.rsplit("@", 1)[0]
        return self.uri._replace(netloc=f"{user}@127.0.0.1:{self.server.getsockname()[1]}").geturl()


def cartwright(uri, *arguments):
    environment = {**os.environ, "CARTWRIGHT_PREFIX": PREFIX, "CARTWRIGHT_AMQP_OPERATOR_URI": uri}
    done = subprocess.run([PROGRAM, *arguments], cwd=ROOT, env=environment, text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout + done.stderr


class Looks(unittest.TestCase):
    def setUp(self):
        self.proxy = Proxy(OPERATOR)
        self.addCleanup(self.proxy.server.close)
        status, told = cartwright(OPERATOR, "topology")
        self.assertEqual(status, DONE, told)
        self.connection = pika.BlockingConnection(pika.URLParameters(OPERATOR))
        self.channel = self.connection.channel()
        self.queue = f"{PREFIX}.dead.cart"
        self.channel.queue_delete(self.queue)
        self.channel.queue_declare(self.queue, durable=True, arguments={"x-queue-type": "quorum"})
        self.channel.confirm_delivery()
        self.channel.basic_publish("", self.queue, b"letter", pika.BasicProperties(delivery_mode=2))

    def tearDown(self):
        for kind in ("queue", "exchange"):
            for line in cartwright(OPERATOR, "topology")[1].splitlines():
                words = line.split()
                if words and words[0] == kind:
                    getattr(self.channel, f"{kind}_delete")(words[2])
        self.connection.close()

    def test_a_refused_look_touches_nothing(self):
        four = self.proxy.address()
        for command in (("stats",), ("list", "cart"), ("show", "~0"), ("list", "--all")):
            status, told = cartwright(four, "dead-letter", *command)
            self.assertEqual(status, REFUSED, told)
            self.assertIn("the letters of cart may be gone after 20 looks", told)
        status, told = cartwright(four, "dead-letter", "list", "order")
        self.assertEqual(status, DONE, told)
        letter, _, body = self.channel.basic_get(self.queue)
        self.assertEqual((letter.redelivered, body), (False, b"letter"))

    def test_who_has_set_the_policy_says_so(self):
        status, told = cartwright(self.proxy.address(), "dead-letter", "list", "cart",
                                  "--limit-by-policy")
        self.assertEqual(status, DONE, told)
        self.assertIn("NOT_OURS", told)

    def test_older_brokers_have_no_limit(self):
        probe = pika.BlockingConnection(pika.URLParameters(OPERATOR))
        version = probe._impl.server_properties["version"]
        probe.close()
        if int(version.split(".")[0]) >= 4:
            self.skipTest("this one has")
        status, told = cartwright(OPERATOR, "dead-letter", "list", "cart")
        self.assertEqual(status, DONE, told)


if __name__ == "__main__":
    unittest.main()
