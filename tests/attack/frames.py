"""AMQP 0-9-1 frame by frame, for what no client library would send: headers nested thousands of levels
deep, replies that are never read. Not a client: it checks nothing that it is told."""

import socket
import struct
from urllib.parse import unquote, urlsplit

METHOD, HEADER, BODY = 1, 2, 3
FRAME_END = b"\xce"
CHANNEL = 1
ARRAY_LEVEL = 5  # bytes: kind and length


def short_text(text):
    octets = text.encode()
    return bytes([len(octets)]) + octets


def long_octets(octets):
    return struct.pack(">I", len(octets)) + octets


def deep_array(levels):
    """The value of a header: an array in an array in an array ..."""
    value = b""
    for _ in range(levels):
        value = b"A" + long_octets(value)
    return value


class Wire:
    """A connection with one channel, logged in as the user of the URI. It promises a sign of life every
    `heartbeat` seconds (0: never), and gives none."""

    def __init__(self, uri, frame_max=None, heartbeat=0):
        address = urlsplit(uri)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=30)
        self.socket.sendall(b"AMQP\0\0\x09\x01")
        self._await(10, 10)
        secret = f"\0{unquote(address.username)}\0{unquote(address.password)}".encode()
        self._method(0, 10, 11, long_octets(b"") + short_text("PLAIN") + long_octets(secret)
                     + short_text("en_US"))
        tune = self._await(10, 30)
        channels, offered, _ = struct.unpack(">HIH", tune[4:12])
        self.frame_max = min(offered, frame_max or offered)
        self._method(0, 10, 31, struct.pack(">HIH", channels, self.frame_max, heartbeat))
        vhost = unquote(address.path[1:]) or "/"
        self._method(0, 10, 40, short_text(vhost) + short_text("") + b"\0")
        self._await(10, 41)
        self._method(CHANNEL, 20, 10, short_text(""))
        self._await(20, 11)

    def publish(self, exchange, routing_key, body, *, headers=b"", message_id="", reply_to=""):
        """`headers` are the octets of a table, without its length."""
        flags, properties = 0, b""
        for bit, value in ((13, long_octets(headers) if headers else b""),
                           (9, short_text(reply_to) if reply_to else b""),
                           (7, short_text(message_id) if message_id else b"")):
            if value:
                flags |= 1 << bit
                properties += value
        frame = self._frame(METHOD, CHANNEL, struct.pack(">HHH", 60, 40, 0) + short_text(exchange)
                            + short_text(routing_key) + b"\0")
        frame += self._frame(HEADER, CHANNEL,
                             struct.pack(">HHQH", 60, 0, len(body), flags) + properties)
        if body:
            frame += self._frame(BODY, CHANNEL, body)
        self.socket.sendall(frame)

    def consume_direct_replies(self):
        """The pseudo-queue of direct reply-to, without acknowledgements, as it wants it."""
        self._consume("amq.rabbitmq.reply-to")

    def consume_own_queue(self):
        """A queue that goes with the connection, without acknowledgements; gives its name."""
        self._method(CHANNEL, 50, 10, struct.pack(">H", 0) + short_text("") + bytes([0b00100])
                     + long_octets(b""))
        declared = self._await(50, 11)
        queue = declared[5:5 + declared[4]].decode()
        self._consume(queue)
        return queue

    def close(self):
        self.socket.close()

    def _consume(self, queue):
        self._method(CHANNEL, 60, 20, struct.pack(">H", 0) + short_text(queue)
                     + short_text("") + bytes([0b0010]) + long_octets(b""))
        self._await(60, 21)

    def _method(self, channel, class_id, method_id, arguments):
        self.socket.sendall(self._frame(METHOD, channel,
                                        struct.pack(">HH", class_id, method_id) + arguments))

    @staticmethod
    def _frame(kind, channel, payload):
        return struct.pack(">BHI", kind, channel, len(payload)) + payload + FRAME_END

    def _await(self, class_id, method_id):
        """The payload of the next frame, which must be this method."""
        _, _, size = struct.unpack(">BHI", self._exactly(7))
        payload = self._exactly(size + 1)[:-1]
        if struct.unpack(">HH", payload[:4]) != (class_id, method_id):
            raise RuntimeError(f"the broker said {payload[:4].hex()}, {class_id}.{method_id} is due")
        return payload

    def _exactly(self, size):
        octets = b""
        while len(octets) < size:
            piece = self.socket.recv(size - len(octets))
            if not piece:
                raise ConnectionError("the broker closed the connection")
            octets += piece
        return octets
