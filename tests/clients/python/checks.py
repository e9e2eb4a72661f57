"""Counts what is right and tells what is wrong; compares values with ../forms.json."""

import json
import pathlib
import re

FORMS = json.loads((pathlib.Path(__file__).parent.parent / "forms.json").read_text())

BASIC = {
    "string": lambda value: isinstance(value, str),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "bool": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
}


def faults(form, value, path=""):
    """What is wrong with a value. A form is a name of forms.json or of BASIC; "X[]" is a list of X,
    "X|null" may be null, "/.../" is a pattern."""
    if form.startswith("/"):
        if isinstance(value, str) and re.search(form[1:-1], value):
            return []
        return [f"{path}: {value!r} does not match {form}"]
    if form.endswith("|null"):
        return [] if value is None else faults(form[:-5], value, path)
    if form.endswith("[]"):
        if not isinstance(value, list):
            return [f"{path}: is not a list"]
        return [text for i, item in enumerate(value) for text in faults(form[:-2], item, f"{path}/{i}")]
    if form in BASIC:
        return [] if BASIC[form](value) else [f"{path}: is not of type {form}"]
    if isinstance(FORMS[form], str):
        return faults(FORMS[form], value, path)
    return member_faults(form, value, path)


def member_faults(form, value, path):
    if not isinstance(value, dict):
        return [f"{path}: is no {form}"]
    found = []
    known = set()
    for key, inner in FORMS[form].items():
        name = key.rstrip("?")
        known.add(name)
        if name in value:
            found += faults(inner, value[name], f"{path}/{name}")
        elif name == key:
            found.append(f"{path}/{name}: is missing")
    return found + [f"{path}/{name}: is not in the form of {form}" for name in set(value) - known]


class Refused(Exception):
    """The journey cannot go on."""


class Checks:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def ok(self, condition, what):
        if condition:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED  {what}")

    def same(self, found, expected, what):
        self.ok(found == expected, f"{what}: {found!r} instead of {expected!r}")

    def form(self, form, value, what):
        found = faults(form, value)
        self.ok(not found, f"{what} is no {form}: {'; '.join(found)}")

    def done(self, answer, form, status, what):
        """A good answer with data of this form; gives the data."""
        self.same(answer.status, status, f"status of {what}")
        self.form("Answer", answer.body, what)
        self.same(answer.body.get("ok"), True, f"ok of {what}")
        self.same(answer.properties.content_type, "application/json", f"content type of {what}")
        self.form(form, answer.body.get("data"), f"data of {what}")
        if not answer.body.get("ok"):
            raise Refused(f"the journey ends at {what}: {answer.raw!r}")
        return answer.body["data"]

    def refused(self, answer, code, status, what):
        """A refusal with this code; gives the error."""
        self.same(answer.status, status, f"status of {what}")
        self.form("Refusal", answer.body, what)
        self.same(answer.body.get("ok"), False, f"ok of {what}")
        error = answer.body.get("error", {})
        self.same(error.get("code"), code, f"code of {what}")
        return error
