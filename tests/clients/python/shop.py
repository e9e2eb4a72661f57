"""A shop behind a message broker, in plain pika: call() sends a request and waits for its answer on
an exclusive queue of our own; hear() waits for events and notifications. Every answer, and everything
that is heard, is judged by its schema."""

import functools
import gzip
import json
import os
import sys
import time
import typing
import uuid

import pika

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tests", "schema"))
from seen import Judge  # noqa: E402

ANSWER_SECONDS = 15


@functools.cache
def judge():
    return Judge(os.environ.get("CARTWRIGHT", os.path.join(ROOT, "cartwright")))


def must_fit(what, faults):
    if faults:
        raise AssertionError(f"{what} breaks its schema: {'; '.join(faults)}")


class Heard(typing.NamedTuple):
    """An event or a notification, as it came and as it reads."""

    key: str
    properties: pika.BasicProperties
    raw: bytes
    body: dict


class Answer:
    def __init__(self, properties, body):
        self.properties = properties
        self.encoding = properties.content_encoding
        self.raw = gzip.decompress(body) if self.encoding == "gzip" else body
        self.body = json.loads(self.raw)
        self.status = (properties.headers or {}).get("status")


class Shop:
    def __init__(self, uri, prefix="cartwright"):
        self.prefix = prefix
        self.answers = {}  # lists by correlation id
        self.asked = {}  # operations by correlation id
        self.returned = []  # requests that no queue takes
        self.heard = []
        self.connection = pika.BlockingConnection(pika.URLParameters(uri))
        self.channel = self.connection.channel()
        self.channel.add_on_return_callback(self._on_return)
        self.replies = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.basic_consume(self.replies, self._on_answer)

    def listen(self, exchange, *patterns):
        """Binds a queue of our own to an exchange; what comes is kept in `heard`."""
        queue = self.channel.queue_declare("", exclusive=True).method.queue
        for pattern in patterns:
            self.channel.queue_bind(queue, f"{self.prefix}.{exchange}", pattern)
        self.channel.basic_consume(queue, self._on_heard)

    def call(self, operation, body=None, **options):
        correlation_id = self.send(operation, body, **options)
        return self.answer_to(correlation_id, operation)

    def answer_to(self, correlation_id, what="a request"):
        """The next answer to what was sent; waits for it."""
        self._wait(lambda: self.answers.get(correlation_id), f"an answer to {what}")
        answer = self.answers[correlation_id].pop(0)
        operation = self.asked[correlation_id]
        must_fit(f"the answer to {operation}", judge().reply_faults(operation, answer.body))
        return answer

    def send(self, operation, body=None, *, token=None, message_id=None, raw=None, headers=None,
             reply=True, content_type="application/json", encoding=None, **properties):
        """Publishes a request and does not wait; gives its correlation id. Further properties are those
        of AMQP: `expiration`, `timestamp`."""
        correlation_id = str(uuid.uuid4())
        self.asked[correlation_id] = operation
        headers = dict(headers or {})
        if token:
            headers["authorization"] = f"Bearer {token}"
        self.channel.basic_publish(
            f"{self.prefix}.requests",
            operation,
            raw if raw is not None else json.dumps(body or {}).encode(),
            pika.BasicProperties(
                message_id=message_id or str(uuid.uuid4()),
                correlation_id=correlation_id,
                reply_to=self.replies if reply else None,
                content_type=content_type,
                content_encoding=encoding,
                delivery_mode=2,
                headers=headers,
                **properties,
            ),
            mandatory=True,
        )
        return correlation_id

    def hear(self, wanted, what):
        """The first thing heard that `wanted(key, body)` accepts; waits for it."""
        found = []

        def is_here():
            found[:] = [(it.key, it.body) for it in self.heard if wanted(it.key, it.body)][:1]
            return bool(found)

        self._wait(is_here, what)
        key, body = found[0]
        if "specversion" in body:
            must_fit(f"event {key}", judge().event_faults(key, body))
        else:
            must_fit(f"notification {key}", judge().notification_faults(key, body))
        return body

    def close(self):
        self.connection.close()

    def _wait(self, is_done, what):
        end = time.monotonic() + ANSWER_SECONDS
        while not is_done():
            if self.returned:
                raise RuntimeError(f"no queue takes {self.returned.pop()}")
            if time.monotonic() > end:
                raise TimeoutError(f"waited {ANSWER_SECONDS} s for {what}")
            self.connection.process_data_events(time_limit=0.05)

    def _on_answer(self, channel, method, properties, body):
        self.answers.setdefault(properties.correlation_id, []).append(Answer(properties, body))
        channel.basic_ack(method.delivery_tag)

    def _on_heard(self, channel, method, properties, body):
        self.heard.append(Heard(method.routing_key, properties, body, json.loads(body)))
        channel.basic_ack(method.delivery_tag)

    def _on_return(self, _channel, method, _properties, _body):
        self.returned.append(method.routing_key)
