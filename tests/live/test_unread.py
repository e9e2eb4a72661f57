#!/usr/bin/env python3
"""test_unread.py - a client that does not read what is sent to it costs the broker no more than was
agreed, and its neighbours nothing.

Needs the rig's own broker (RIG_DIR), which has the settings and policies of docker/."""

import os
import sys
import time
import unittest

import pika

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "attack"))
# pylint: disable=wrong-import-position
from frames import Wire

RIG_DIR = os.environ.get("RIG_DIR", "")
WEB = os.environ.get("CARTWRIGHT_CLIENT_AMQP_URI", "")
WORKER = os.environ.get("CARTWRIGHT_AMQP_URI", "")
REPLY = b"x" * 65536
MUCH = 512  # replies: 32 MiB, more than sockets and a queue's policy have room for
QUEUE_BYTES_MAX = 16 << 20
HEARTBEAT_SECONDS = 8


def connect(uri):
    connection = pika.BlockingConnection(pika.URLParameters(uri))
    return connection, connection.channel()


@unittest.skipUnless(os.path.exists(f"{RIG_DIR}/password.web"), "not the rig's broker")
class Unread(unittest.TestCase):
    def setUp(self):
        self.worker, self.publisher = connect(WORKER)
        self.publisher.confirm_delivery()
        self.neighbour, self.reader = connect(WEB)
        self.queue = self.reader.queue_declare("", exclusive=True).method.queue

    def tearDown(self):
        self.worker.close()
        self.neighbour.close()

    def reply(self, queue, body=REPLY):
        """False when there is no such queue any more."""
        try:
            self.publisher.basic_publish("", queue, body, mandatory=True)
            return True
        except pika.exceptions.UnroutableError:
            return False

    def neighbour_is_served(self):
        self.assertTrue(self.reply(self.queue, b"yours"))
        self.assertEqual(self.reader.basic_get(self.queue, auto_ack=True)[2], b"yours")

    def test_who_reads_nothing_is_disconnected(self):
        """Before somebody is who reads, begins later and owes heartbeats: RabbitMQ as it comes waits for
        longer than that. The queues of both go with their connections."""
        unread = Wire(WEB)
        theirs = unread.consume_own_queue()
        for _ in range(MUCH):
            self.reply(theirs)
        mute = Wire(WEB, heartbeat=HEARTBEAT_SECONDS)
        other = mute.consume_own_queue()
        while self.reply(theirs, b""):
            self.assertTrue(self.reply(other, b""), "who owed heartbeats was disconnected first")
            self.neighbour_is_served()
            time.sleep(0.2)
        self.neighbour_is_served()
        unread.close()
        mute.close()

    def test_a_queue_that_nobody_reads_keeps_the_latest(self):
        _, other = connect(WEB)
        theirs = other.queue_declare("", exclusive=True).method.queue
        for number in range(MUCH):
            self.assertTrue(self.reply(theirs, b"%06d" % number + REPLY))
        self.neighbour_is_served()
        kept = other.queue_declare(theirs, passive=True).method.message_count
        self.assertLessEqual(kept * len(REPLY), QUEUE_BYTES_MAX)
        self.assertGreater(kept, 0)
        first = int(other.basic_get(theirs, auto_ack=True)[2][:6])
        self.assertEqual(first, MUCH - kept)
        other.connection.close()


if __name__ == "__main__":
    unittest.main()
