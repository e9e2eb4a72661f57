#!/usr/bin/env python3
"""seen.py - what tests received (tests/support/seen.h), judged by the schemas and Python's jsonschema.

Usage: seen.py CARTWRIGHT FOLDER    CARTWRIGHT: the program, which says what each operation replies
What is wrong is printed once for each operation or event. Thousands of lines are one test, as in
agreement.py: ends with "1 passed, 0 failed" or "0 passed, 1 failed".
"""

import collections
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import forms  # noqa: E402

EMPTY = {"type": "object", "maxProperties": 0}
# The attributes of every event: CloudEvents 1.0, and those of our own (docs/protocol.md).
TEXT = {"type": "string", "minLength": 1}
EVENT = {
    "type": "object",
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"$ref": forms.DEFINITION + "Id"},
        "source": TEXT,
        "type": TEXT,
        "subject": TEXT,
        "time": {"$ref": forms.DEFINITION + "Time"},
        "datacontenttype": {"const": "application/json"},
        "data": {"type": "object"},
    },
    "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
}


class Judge:
    def __init__(self, cartwright):
        self.forms = forms.Forms(is_closed=True)
        described = subprocess.run(
            [cartwright, "describe", "--json"], stdout=subprocess.PIPE, check=True
        )
        operations = json.loads(described.stdout)["operations"]
        self.replies = {o["operation"]: o.get("reply") for o in operations}
        self.validators = {}
        self.sent = {}  # routing keys by correlation or message id

    def faults(self, key, schema, value):
        """What is wrong with a value; the validator of `key` is made once."""
        if key not in self.validators:
            self.validators[key] = self.forms.validator(schema)
        return [f"{e.json_path}: {e.message[:200]}" for e in self.validators[key].iter_errors(value)]

    def by_form(self, urn, value):
        return self.faults(urn, {"$ref": urn}, value)

    def reply(self, correlation, _, text):
        if correlation not in self.sent:
            return None, None
        operation = self.sent[correlation]
        return f"reply to {operation}", self.reply_faults(operation, json.loads(text))

    def reply_faults(self, operation, body):
        if body.get("ok") is not True:
            extra = set(body) - {"ok", "error"}
            wrong = self.by_form("urn:cartwright:reply:error", body.get("error"))
            return wrong + [f"$: {name} in a refusal" for name in extra]
        if body.get("cut") is True:
            return []  # the reply was too long, and says only what it is about
        wrong = [f"$: {name} in a reply" for name in set(body) - {"ok", "data"}]
        title = self.replies.get(operation)
        if title is None or body.get("data") == {} and operation == "auth.register":
            return wrong + self.faults("empty", EMPTY, body.get("data"))
        return wrong + self.by_form(self.forms.titled(title), body.get("data"))

    def event(self, message_id, event_type, text):
        if message_id in self.sent:
            return None, None
        return f"event {event_type}", self.event_faults(event_type, json.loads(text))

    def event_faults(self, event_type, body):
        wrong = self.faults("event", EVENT, body)
        return wrong + self.by_form(f"urn:cartwright:event:{event_type}", body.get("data"))

    def notification(self, _, key, text):
        return f"notification {key}", self.notification_faults(key, json.loads(text))

    def notification_faults(self, key, body):
        kind = key.split(".", 1)[1]
        wrong = self.by_form("urn:cartwright:reply:message", body)
        return wrong + self.by_form(f"urn:cartwright:notification:{kind}", body.get("data"))

    def line(self, line):
        """(what it is, its faults); (None, None) for what is not judged."""
        what, text = line.rstrip("\n").split("\t", 1)
        kind, own_id, key = what.split(" ", 2)
        if kind == "sent":
            self.sent[own_id] = key
            return None, None
        judges = {"reply": self.reply, "event": self.event, "notification": self.notification}
        return judges[kind](own_id, key, text)


def main():
    judge = Judge(sys.argv[1])
    passed, failed, told = 0, 0, set()
    for name in sorted(os.listdir(sys.argv[2])):
        judge.sent.clear()
        with open(os.path.join(sys.argv[2], name), encoding="utf-8") as file:
            for line in file:
                what, wrong = judge.line(line)
                passed, failed = passed + (wrong == []), failed + bool(wrong)
                if wrong and what not in told:
                    told.add(what)
                    print(f"{what}: {line[:500]}")
                    print("".join(f"  {text}\n" for text in wrong), end="")
    print(f"{passed} replies, events and notifications fit their schemas, {failed} do not")
    is_good = passed > 0 and failed == 0
    print("1 passed, 0 failed" if is_good else "0 passed, 1 failed")
    sys.exit(not is_good)


if __name__ == "__main__":
    main()
