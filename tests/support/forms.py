"""forms.py - the schemas in schemas/ for Python's jsonschema, which is not our code.

What only our generator understands is resolved here once more, from schemas/README.md: views get the
members of their documents, and an event that is another form is a $ref to it.
"""

import copy
import json
import os
import re

import jsonschema
import referencing
import referencing.jsonschema

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCHEMAS = os.path.join(ROOT, "schemas")
COMMON = "urn:cartwright:common"
DEFINITION = COMMON + "#/$defs/"
TIME = re.compile(
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z"
)


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def files():
    for folder, _, names in sorted(os.walk(SCHEMAS)):
        for name in sorted(names):
            if name.endswith(".json"):
                yield os.path.join(folder, name)


def head(document):
    """The members that every document has."""
    key = {"$ref": DEFINITION + "Id"} if document["x-key"] == "Id" else {"type": "string"}
    time = {"$ref": DEFINITION + "Time"}
    return {"id": key, "version": {"type": "integer"}, "createdAt": time, "updatedAt": time}


def members(forms, urn):
    """({name: schema}, the required ones) of a form that is no view."""
    form = forms[urn]
    own, required = form["properties"], set(form.get("required", []))
    if "x-key" not in form:
        return own, required
    first = head(form)
    return {**first, **own}, required | set(first)


def expanded(forms, form):
    """A view as a schema of its own; anything else as it is."""
    if "x-view-of" not in form:
        return form
    known, required = members(forms, form["x-view-of"])
    chosen = form["x-members"]
    return {
        **form,
        "type": "object",
        "properties": {name: known[name] for name in chosen},
        "required": [name for name in chosen if name in required],
    }


def closed(schema):
    """The schema of a form that refuses what is not named in it: what we write holds nothing else,
    although readers have to expect more."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    done = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        done["properties"] = {k: closed(v) for k, v in schema["properties"].items()}
        if "additionalProperties" not in schema:
            done["unevaluatedProperties"] = False
    return done


class Forms:
    """All schemas, by their $id."""

    def __init__(self, is_closed=False):
        read_files = [read(path) for path in files()]
        plain = {schema["$id"]: schema for schema in read_files}
        self.common = plain.pop(COMMON)
        self.schemas = {}
        for urn, schema in plain.items():
            whole = copy.deepcopy(expanded(plain, schema))
            self.schemas[urn] = closed(whole) if is_closed else whole
        # Without "$schema": behind a $ref to one that has it, jsonschema forgets our decisions.
        resources = [
            {k: v for k, v in schema.items() if k != "$schema"}
            for schema in [self.common, *self.schemas.values()]
        ]
        of_draft = referencing.jsonschema.DRAFT202012.create_resource
        self.registry = referencing.Registry().with_resources(
            [(schema["$id"], of_draft(schema)) for schema in resources]
        )

    def of_kind(self, *kinds):
        """{$id: schema} of these kinds: request, reply, event, notification, document."""
        return {urn: s for urn, s in self.schemas.items() if urn.split(":")[2] in kinds}

    def titled(self, title):
        """The $id of the reply, event or notification with this title."""
        for urn, schema in self.of_kind("reply", "event", "notification").items():
            if schema.get("title") == title:
                return urn
        raise KeyError(title)

    def validator(self, schema, **more):
        """Our decisions, told to the oracle: 1.0 is no integer, and $ means the very end (as in
        ECMA 262, whose patterns JSON Schema uses; Python's $ lets a last line break through)."""
        base = jsonschema.Draft202012Validator
        base.check_schema(schema)
        integers = base.TYPE_CHECKER.redefine("integer", lambda _, v: type(v) is int)
        ours = jsonschema.validators.extend(
            base, {"pattern": check_pattern}, type_checker=integers
        )
        return ours(schema, registry=self.registry, format_checker=TIMES, **more)


def check_pattern(_, pattern, instance, __):
    if isinstance(instance, str) and not re.search(pattern.removesuffix("$") + r"\Z", instance):
        yield jsonschema.ValidationError(f"does not match {pattern}")


TIMES = jsonschema.FormatChecker(formats=())


@TIMES.checks("date-time")
def is_time(value):
    return not isinstance(value, str) or TIME.fullmatch(value) is not None
