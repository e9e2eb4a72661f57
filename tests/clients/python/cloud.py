"""Events as the official SDK of CloudEvents for Python reads them, by what it offers today and by what it
offered before its second version. Nothing here knows a shop."""

from cloudevents.core.bindings import amqp, rabbitmq
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.http import from_http
from dateutil.parser import isoparse


def by_rabbitmq(content_type, raw):
    message = rabbitmq.RabbitMQMessage(headers={}, content_type=content_type, body=raw)
    return rabbitmq.from_rabbitmq(message, JSONFormat(), CloudEvent)


def by_amqp(content_type, raw):
    message = amqp.AMQPMessage({"content-type": content_type}, {}, raw)
    return amqp.from_amqp(message, JSONFormat(), CloudEvent)


def by_version_one(content_type, raw):
    return from_http({"content-type": content_type}, raw)


READERS = {"RabbitMQ": by_rabbitmq, "AMQP": by_amqp, "version 1": by_version_one}


def read(reader, content_type, raw):
    """(attributes, data) of a valid event; times are times. Raises what the SDK says against it."""
    event = READERS[reader](content_type, raw)
    attributes = dict(event.get_attributes())
    if isinstance(attributes["time"], str):
        attributes["time"] = isoparse(attributes["time"])
    return attributes, event.get_data()


def expected(body):
    """What `read` gives for an event that reads so as JSON."""
    attributes = {name: value for name, value in body.items() if name != "data"}
    return {**attributes, "time": isoparse(attributes["time"])}, body["data"]
