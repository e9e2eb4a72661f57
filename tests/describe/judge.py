"""judge.py FOLDER SCHEMAS - what cartwright describe wrote into FOLDER is valid, leads nowhere, and is
complete beside the files in SCHEMAS. Prints a line for each check, and "N passed, M failed" last."""

import json
import pathlib
import sys

import jsonschema
import openapi_spec_validator

FOLDER, SCHEMAS = (pathlib.Path(argument) for argument in sys.argv[1:3])


def load(name):
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def refs(value):
    """All that the "$ref" in a document say."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref" and isinstance(inner, str):
                yield inner
            yield from refs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from refs(inner)


def leads_to(document, ref):
    at = document
    for word in ref.removeprefix("#/").split("/"):
        word = word.replace("~1", "/").replace("~0", "~")
        if not isinstance(at, dict) or word not in at:
            return False
        at = at[word]
    return ref.startswith("#/")


def lost_refs(name):
    document = load(name)
    return sorted({ref for ref in refs(document) if not leads_to(document, ref)})


def metaschema():
    jsonschema.Draft202012Validator.check_schema(load("json-schema.json"))
    return []


def openapi():
    validator = openapi_spec_validator.OpenAPIV31SpecValidator(load("openapi.json"))
    return [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors()]


def names(pattern):
    """The names of the forms in files such as cart/event/cart.updated.json."""
    return {path.name.removesuffix(".json") for path in SCHEMAS.glob(pattern)}


def requests():
    """admin.add is no operation that a client may ask for."""
    paths = SCHEMAS.glob("*/*.json")
    return {f"{path.parent.name}.{path.name.removesuffix('.json')}" for path in paths} - {"admin.add"}


def differences(found, wanted):
    return [f"lacks {name}" for name in sorted(wanted - found)] + [
        f"has {name} too many" for name in sorted(found - wanted)
    ]


def bundle_is_complete():
    bundle = load("json-schema.json")
    faults = differences(set(bundle["x-operations"]), requests())
    faults += differences(set(bundle["x-events"]), names("*/event/*.json"))
    for name in requests():
        folder, rest = name.split(".", 1)
        file = json.loads((SCHEMAS / folder / f"{rest}.json").read_text(encoding="utf-8"))
        if list(file["properties"]) != list(bundle["$defs"][name]["properties"]):
            faults.append(f"{name} has other members than its file")
    return faults


def asyncapi_is_complete():
    wanted = requests() | {"reply"}
    wanted |= {f"event.{name}" for name in names("*/event/*.json")}
    wanted |= {f"notice.{name}" for name in names("*/notification/*.json")}
    return differences(set(load("asyncapi.json")["channels"]), wanted)


def openapi_is_complete():
    ids = [
        method["operationId"]
        for path in load("openapi.json")["paths"].values()
        for method in path.values()
    ]
    return differences({one.split(".by.")[0] for one in ids}, requests())


def requests_are_judged_alike():
    """The rules of the forms hold in the bundle."""
    bundle = load("json-schema.json")
    good = {"productId": "6b0dd17814018a56b45e61d7", "quantity": 1}
    cases = [(good, True), ({**good, "quantity": 0}, False), ({**good, "productId": "x"}, False)]
    cases += [({**good, "colour": "red"}, False), ({}, False)]
    schema = {**bundle, "$ref": "#/$defs/cart.item.add"}
    validator = jsonschema.Draft202012Validator(schema)
    return [f"{value}" for value, is_good in cases if validator.is_valid(value) != is_good]


CHECKS = {
    "json-schema: the metaschema of 2020-12": metaschema,
    "json-schema: every $ref leads somewhere": lambda: lost_refs("json-schema.json"),
    "json-schema: has every request and event": bundle_is_complete,
    "json-schema: accepts and refuses": requests_are_judged_alike,
    "asyncapi: every $ref leads somewhere": lambda: lost_refs("asyncapi.json"),
    "asyncapi: has every request, event and notification": asyncapi_is_complete,
    "openapi: openapi-spec-validator": openapi,
    "openapi: every $ref leads somewhere": lambda: lost_refs("openapi.json"),
    "openapi: has a route for every operation": openapi_is_complete,
}


def faults_of(check):
    try:
        return check()
    except Exception as error:  # whatever it is, the check has failed and says why
        return [repr(error)]


def main():
    failed = 0
    for name, check in CHECKS.items():
        faults = faults_of(check)
        failed += bool(faults)
        print(f"{'FAILED' if faults else 'ok    '} {name}")
        for fault in faults[:20]:
            print(f"       {fault}")
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
