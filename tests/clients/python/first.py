"""The program of docs/clients.md for Python, which journey.py runs as a program of its own."""
# docs: begin first
import json
import os
import time
import uuid

import pika

REPLY_TO = "amq.rabbitmq.reply-to"
ANSWER_SECONDS, TRIES = 5, 3
NO_ANSWER = {"ok": False, "error": {"code": "NO_ANSWER", "retryable": True}, "headers": {}}
heard = {}  # answers by correlation id; events by the message id that caused them


def on_answer(_channel, _method, properties, body):
    heard[properties.correlation_id] = {**json.loads(body), "headers": properties.headers}


def on_event(_channel, method, _properties, body):
    event = json.loads(body)
    heard["event", event["causationid"]] = event
    channel.basic_ack(method.delivery_tag)


def wait_for(key):
    end = time.monotonic() + ANSWER_SECONDS
    while key not in heard and time.monotonic() < end:
        connection.process_data_events(time_limit=0.1)
    return heard.pop(key, NO_ANSWER)


def call(operation, body, token=None, message_id=None):
    """One intent has one id: what got no answer is sent again as it was, and has one effect."""
    message_id = message_id or str(uuid.uuid4())
    for attempt in range(1, TRIES + 1):
        headers = {"deadline": int((time.time() + ANSWER_SECONDS) * 1000),  # as long as we wait
                   "authorization": f"Bearer {token}" if token else None}
        copy = f"{message_id}/{attempt}"
        properties = pika.BasicProperties(
            message_id=message_id, correlation_id=copy, reply_to=REPLY_TO, delivery_mode=2,
            content_type="application/json", headers=headers)
        try:
            channel.basic_publish("cartwright.requests", operation, json.dumps(body), properties, True)
            answer = wait_for(copy)
        except (pika.exceptions.NackError, pika.exceptions.UnroutableError):
            answer = NO_ANSWER
        if answer["ok"] or not answer["error"]["retryable"] or attempt == TRIES:
            return answer
        time.sleep(answer["headers"].get("retry-after-ms", 500 * attempt) / 1000)


connection = pika.BlockingConnection(pika.URLParameters(os.environ["CARTWRIGHT_CLIENT_AMQP_URI"]))
channel = connection.channel()
channel.confirm_delivery()  # from now on basic_publish raises what the broker did not take
channel.basic_consume(REPLY_TO, on_answer, auto_ack=True)
queue = channel.queue_declare("", exclusive=True).method.queue  # of our own, for events
channel.queue_bind(queue, "cartwright.events", "cart.updated")
channel.basic_consume(queue, on_event)

mug = call("product.list", {"inStock": True, "limit": 1})["data"]["items"][0]
print(f"product: {mug['name']}")
visitor = {"name": "A Visitor", "email": f"{uuid.uuid4()}@example.com", "password": "seven copper kettles"}
token = call("auth.register", visitor)["data"]["accessToken"]
line, once = {"productId": mug["id"], "quantity": 1}, str(uuid.uuid4())
for _ in range(2):  # the same message twice has one effect
    print(f"cart: version {call('cart.item.add', line, token, once)['data']['version']}")
print(f"refused: {call('cart.item.add', {**line, 'quantity': 9999}, token)['error']['code']}")
event = wait_for(("event", once))
print(f"event: {event['type']}, version {event['aggregateversion']}")
connection.close()
# docs: end first
