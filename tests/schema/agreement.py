#!/usr/bin/env python3
"""agreement.py - our schema interpreter and Python's jsonschema must give the same verdict.

Messages are made from the schemas themselves (a good one, then mutations), with a fixed seed, and
judged by both. The pointers of the faults must agree as well, as far as both report them.

Usage: agreement.py VALIDATE [COUNT]    VALIDATE: the program built from tests/schema/validate.c
Needs the package jsonschema (4.18 or later).

Requests are judged and, by the same rules, everything else that goes over the wire.
"""

import copy
import json
import os
import random
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import forms  # noqa: E402

SEED = 20261120
COUNT = 9000
FAULTS_MAX = 32

ID = "0123456789abcdef01234567"
# Strings that are good for at least one pattern of the schemas, and some that are good for none.
SAMPLES = [
    ID,
    "GBP",
    "GB",
    "2026-11-20",
    "2026-11-20T15:04:05.123Z",
    "ada@example.com",
    "https://example.com/a.png",
    "+44 20 7946 0000",
    "A plain name",
    "one\ntwo\tthree\r\n",
    "CW-4X0Q7ZK2M9TB",
    "pending",
    "newest",
    "customer",
    "token.A-_~",
    "Ünïcödé \U0001f600",
    "correct horse battery staple",
]
ODD = [
    "",
    " ",
    "   ",
    "\u00a0",
    "\u200b\u3000",
    "a\nb",
    "\x07",
    "\x7f",
    "\x85",
    "x" * 64,
    "x" * 65,
    "x" * 100,
    "x" * 101,
    "x" * 200,
    "x" * 201,
    "é" * 200,
    "é" * 201,
    "\U0001f600" * 100,
    "\U0001f600" * 101,
    "x" * 500,
    "x" * 501,
    "x" * 5000,
    "x" * 5001,
    "x" * 127,
    "x" * 128,
    "x" * 129,
    ID.upper(),
    ID + "0",
    ID[:-1],
    ID + "\n",
    "gbp",
    "GBPX",
    "GBP\n",
    "gb",
    "g\u00dfp",
    "a@b",
    "a@b.c",
    "a@b.cd",
    "a b@c.de",
    "a@b@c.de",
    "@b.cd",
    "a@.cd",
    "a@b..cd",
    "é@exämple.com",
    "a\n@b.cd",
    "ftp://x/",
    "http://",
    "http://x y",
    "https://x/\n",
    "HTTP://x/",
    "javascript:alert(1)",
    "https://x/" + "y" * 2038,
    "https://x/" + "y" * 2039,
    "2026-1-1",
    "2026-11-20T15:04:05Z",
    "2026-11-20T24:04:05.123Z",
    "tel",
    "+",
    "(020) 7946",
    "$where",
    "a.b",
    "PENDING",
    "price_asc",
    "\ufeff",
    "\u2028",
    "a\u2029b",
    "\ud7ff\ue000\uffff",
]
OTHER_TYPES = [None, True, False, 0, 1, -1, 1.0, 1.5, 1e2, "1", "", [], {}, [1], {"$gt": ""}, [[]]]
INTEGERS = [
    -(2**63),
    -(10**9) - 1,
    -(10**9),
    -1,
    0,
    1,
    2,
    100,
    101,
    9999,
    10000,
    10001,
    10**9,
    10**9 + 1,
    2**53 - 1,
    2**53,
    2**63 - 1,
]


def load_schemas(all_forms):
    """{the name that validate knows: schema}; an event that is another form is not judged twice."""
    found = {}
    for urn, schema in all_forms.of_kind("request", "reply", "notification", "event").items():
        if urn.split(":")[2] == "request":
            found[urn.split(":", 3)[3]] = schema
        elif "title" in schema:
            found[schema["title"]] = schema
    return found


class Maker:
    """Makes messages; everything it draws comes from one seeded generator."""

    def __init__(self, all_forms, draw):
        self.forms = all_forms
        self.draw = draw
        self.fitting = {}  # the texts that fit a rule, by the rule

    def target(self, ref):
        if ref.startswith(forms.DEFINITION):
            return self.forms.common["$defs"][ref[len(forms.DEFINITION) :]]
        return self.forms.schemas[ref]

    def rules(self, schema):
        """The schema with what its $ref and its allOf say."""
        merged = {k: v for k, v in schema.items() if k not in ("$ref", "allOf")}
        parts = schema.get("allOf", []) + ([{"$ref": schema["$ref"]}] if "$ref" in schema else [])
        for part in parts:
            target = self.rules(self.target(part["$ref"]))
            properties = {**target.get("properties", {}), **merged.get("properties", {})}
            merged = {**target, **merged}
            if properties:
                merged["properties"] = properties
        return merged

    def good(self, schema, oracle_of):
        """A value that is nearly always valid."""
        rules = self.rules(schema)
        is_nullable = "oneOf" in rules or isinstance(rules["type"], list)
        if is_nullable and self.draw.random() < 0.3:
            return None
        if "oneOf" in rules:
            return self.good(rules["oneOf"][0], oracle_of)
        if isinstance(rules["type"], list):
            rules = {**rules, "type": rules["type"][0]}
        return getattr(self, "good_" + rules["type"])(rules, oracle_of)

    def good_object(self, rules, oracle_of):
        names = list(rules.get("properties", {}))
        required = set(rules.get("required", []))
        chosen = [n for n in names if n in required or self.draw.random() < 0.5]
        if "maxProperties" in rules:
            chosen = self.draw.sample(names, rules["maxProperties"])
        self.draw.shuffle(chosen)
        return {n: self.good(rules["properties"][n], oracle_of) for n in chosen}

    def good_array(self, rules, oracle_of):
        low, high = rules.get("minItems", 0), min(rules.get("maxItems", 4), 4)
        return [self.good(rules["items"], oracle_of) for _ in range(self.draw.randint(low, high))]

    def good_string(self, rules, oracle_of):
        if "enum" in rules:
            return self.draw.choice(rules["enum"])
        key = json.dumps(rules, sort_keys=True)
        if key not in self.fitting:
            oracle = oracle_of(rules)
            self.fitting[key] = [s for s in SAMPLES + ODD if oracle.is_valid(s)]
        return self.draw.choice(self.fitting[key])

    def good_integer(self, rules, _):
        low, high = rules.get("minimum", -(2**63)), rules.get("maximum", 2**63 - 1)
        return self.draw.choice([low, high, self.draw.randint(low, high)])

    def good_boolean(self, rules, _):
        return rules.get("const", self.draw.random() < 0.5)

    def mutate(self, message):
        """Changes one place of a message, in one of the ways in which clients get it wrong."""
        message = copy.deepcopy(message)
        holder, key = self.draw.choice(self.places(message))
        change = self.draw.choice(
            [self.replace, self.replace, self.edge, self.edge, self.remove, self.add, self.repeat]
        )
        change(message, holder, key)
        return message

    def places(self, value):
        """(container, key or index) of every value, and of the message itself as (None, None)."""
        found = [(None, None)]
        pending = [value]
        while pending:
            holder = pending.pop()
            keys = list(holder) if isinstance(holder, dict) else range(len(holder))
            for key in keys:
                found.append((holder, key))
                if isinstance(holder[key], (dict, list)):
                    pending.append(holder[key])
        return found

    def replace(self, _, holder, key):
        if holder is not None:
            holder[key] = copy.deepcopy(self.draw.choice(OTHER_TYPES))

    def edge(self, _, holder, key):
        if holder is None:
            return
        if isinstance(holder[key], str):
            holder[key] = self.draw.choice(SAMPLES + ODD)
        elif type(holder[key]) is int:
            holder[key] = self.draw.choice(INTEGERS)
        elif isinstance(holder[key], bool):
            holder[key] = not holder[key]

    def remove(self, _, holder, key):
        if holder is not None:
            del holder[key]

    def add(self, message, holder, key):
        into = message if holder is None else holder[key]
        if isinstance(into, dict):
            name = self.draw.choice(
                ["extra", "productID", "$where", "a/b~c", "", "é", "id", "name", "all"]
            )
            into[name] = copy.deepcopy(self.draw.choice(OTHER_TYPES))
        elif isinstance(into, list):
            into.append(copy.deepcopy(self.draw.choice(OTHER_TYPES)))

    def repeat(self, _, holder, key):
        """A list at, and just above, the limits of the schemas."""
        if holder is not None and isinstance(holder[key], list) and holder[key]:
            times = self.draw.choice([20, 21, 100, 101])
            holder[key] = [copy.deepcopy(holder[key][0]) for _ in range(times)]


def pointer(parts):
    return (
        "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts) or "(root)"
    )


def wrong_type(error):
    """True when the value of a nullable member is not even of the type that it may have."""
    return any(e.validator == "type" and not e.path for e in error.context if e.schema_path[0] == 0)


def expected_pointers(oracle, message):
    """Where the oracle sees faults, by our way of pointing: at the missing or unknown member."""
    found = set()
    errors = list(oracle.iter_errors(message))
    while errors:
        error = errors.pop()
        path = list(error.absolute_path)
        if error.validator == "oneOf" and not wrong_type(error):
            errors += [e for e in error.context if e.schema_path[0] == 0]
        elif error.validator == "required":
            found.update(
                pointer(path + [n]) for n in error.validator_value if n not in error.instance
            )
        elif error.validator == "additionalProperties":
            known = error.schema.get("properties", {})
            found.update(pointer(path + [n]) for n in error.instance if n not in known)
        else:
            found.add(pointer(path))
    return found


def disagreement(oracle, message, answer):
    """What is wrong with our answer, or None."""
    words = answer.split(" ")
    expected = expected_pointers(oracle, message)
    if not expected:
        return None if answer == "valid" else "the oracle says valid"
    if words[0] != "invalid":
        return "the oracle says invalid: " + " ".join(sorted(expected))
    ours = set(words[1:])
    # A list that is too long is not looked into by us; and we tell of at most FAULTS_MAX.
    inside = {p for p in expected - ours if any(p.startswith(o + "/") for o in ours)}
    if ours - expected or (expected - ours - inside and len(words) - 1 < FAULTS_MAX):
        return "the oracle points at " + " ".join(sorted(expected))
    return None


def make_messages(schemas, all_forms, count):
    draw = random.Random(SEED)
    maker = Maker(all_forms, draw)
    known = {}

    def oracle_of(rules):
        key = json.dumps(rules, sort_keys=True)
        if key not in known:
            known[key] = all_forms.validator(rules)
        return known[key]

    messages = []
    for number in range(count):
        operation = list(schemas)[number % len(schemas)]
        message = maker.good(schemas[operation], oracle_of)
        for _ in range(draw.choice([0, 0, 1, 1, 1, 2, 2, 3])):
            message = maker.mutate(message)
        messages.append((operation, message))
    return messages


def ask(validate, messages):
    lines = "".join(
        f"{operation}\t{json.dumps(message, ensure_ascii=False)}\n"
        for operation, message in messages
    )
    result = subprocess.run([validate], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    answers = result.stdout.decode().split("\n")[:-1]
    if len(answers) != len(messages):
        sys.exit(f"{validate} answered {len(answers)} of {len(messages)} messages")
    return answers


def main():
    validate = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else COUNT
    all_forms = forms.Forms()
    schemas = load_schemas(all_forms)
    oracles = {name: all_forms.validator(schema) for name, schema in schemas.items()}
    messages = make_messages(schemas, all_forms, count)
    answers = ask(validate, messages)
    wrong = 0
    for (operation, message), answer in zip(messages, answers):
        problem = disagreement(oracles[operation], message, answer)
        if problem:
            wrong += 1
            print(f"{operation} {json.dumps(message)[:500]}\n  we say: {answer}\n  {problem}")
    valid = answers.count("valid")
    print(f"schema agreement: {len(messages)} messages, {valid} valid, {wrong} disagreements")
    if not len(messages) / 5 < valid < len(messages) * 4 / 5:
        sys.exit("valid and invalid messages are out of balance")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
