#!/usr/bin/env python3
"""operations.py - each operation is whole: whatever has a schema of a request stands in the table of a domain
that the shop serves, has a flow script that sends it, is taken by a pool of each configuration that is
deployed, and is in the reference.

A text is all that is read, so nothing need be built."""
import glob
import os
import re
import sys

NOT_SERVED = {"admin"}  # a domain that only a command carries out; no lane serves it
CONFIGS = ["config/dev.yaml", "config/production.yaml"]
REFERENCE = "docs/reference/README.md"
DOMAIN = re.compile(r'^const struct domain (\w+)_domain = \{\n(.*?)^\};', re.MULTILINE | re.DOTALL)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def operations():
    """The operations that have a schema: {"cart.item.add": its path}."""
    paths = sorted(glob.glob("schemas/*/*.json"))
    return {".".join(path[len("schemas/"):-len(".json")].split("/")): path for path in paths}


def symbol(operation):
    return re.sub(r"[A-Z]", lambda match: "_" + match[0].lower(), operation).replace(".", "_")


def tables():
    """{symbol of an operation: its domain} of all tables in workers/."""
    found = {}
    for path in sorted(glob.glob("workers/*/domain.c")):
        for domain, body in DOMAIN.findall(read(path)):
            found.update({name: domain for name in re.findall(r"&(\w+)", body)})
    return found


def sent():
    """Whatever a flow script sends."""
    texts = [read(path) for path in glob.glob("tests/flow/*.flow")]
    return {name for text in texts for name in re.findall(r"^send ([\w.]+)", text, re.MULTILINE)}


def pooled(path):
    """The domains in the pools of a configuration."""
    lists = re.findall(r"^ *domains: \[(.*)\]", read(path), re.MULTILINE)
    return {name.strip() for names in lists for name in names.split(",")}


def faults():
    domains, flows = tables(), sent()
    served = set(re.findall(r"&(\w+)_domain,", read("workers/shop.c")))
    pools = {path: pooled(path) for path in CONFIGS}
    reference = read(REFERENCE) if os.path.isfile(REFERENCE) else ""
    for operation, path in operations().items():
        domain = domains.get(symbol(operation))
        if domain in NOT_SERVED:
            continue
        if domain is None:
            yield f"{path}: {operation} is in no table of a domain (workers/<domain>/domain.c)"
        elif domain not in served:
            yield f"{path}: {operation} is of the domain {domain}, which is not in workers/shop.c"
        if operation not in flows:
            yield f"{path}: no script in tests/flow sends {operation}"
        for config in CONFIGS:
            if domain is not None and domain not in pools[config]:
                yield f"{config}: no pool has the domain {domain}, so nobody takes {operation}"
        if f"[`{operation}`]" not in reference:
            yield f"{REFERENCE}: does not tell of {operation}; run make reference"


def main():
    found = list(faults())
    print("\n".join(found) if found else f"{len(operations())} operations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
