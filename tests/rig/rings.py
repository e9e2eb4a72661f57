#!/usr/bin/env python3
"""rings.py - the rules of the house that a reader of text can check.

Includes go one way (a room knows only those of KNOWS, a domain of the shop only those of DOMAINS), a
library's header stays in its room, each room has a page that names its headers, no struct typedefs,
functions stay short, nothing is left "to do"."""
import glob
import os
import re
import statistics
import sys

ADAPTERS = ["bus", "store", "lock", "crypto", "config"]
BELOW = ["base", "tls", "wire"]

# room of common/ -> the rooms, or single headers of them, that it may know
KNOWS = {
    "base": [],
    "tls": ["base"],
    "wire": ["base"],
    **{adapter: BELOW for adapter in ADAPTERS},
    "service": BELOW + ADAPTERS,
    "engine": BELOW + ADAPTERS + ["service"],
    "checker": BELOW + ADAPTERS + ["service"],
    "letters": BELOW + ADAPTERS + ["service", "engine/caller.h"],
    "supervisor": BELOW + ADAPTERS + ["service", "engine"],
}

# domain of workers/ -> the other domains whose headers it may include; the rest hear of it by events
DOMAINS = {
    "auth": [],
    "catalog": ["inventory"],
    "inventory": ["catalog"],
    "cart": ["catalog", "inventory"],
    "order": ["cart", "catalog", "inventory"],
    "notification": ["auth", "order"],
    "wishlist": ["cart", "catalog", "inventory"],
}
SHOP = ["base", "wire", "crypto", "store", "service", "engine", "checker"]  # what each domain may know of common/
MAIN = ("workers", "cartwright")  # the program: knows all
COMMON_TO_ALL = ("workers", "")  # knows all, and all domains know it; common/ does not

# header -> the only places that may include it
ROOMS = [
    (r"jansson\.h|pcre2\.h", ["common/wire/"]),
    (r"amqp(_.*)?\.h|rabbitmq-c/.*", ["common/bus/"]),
    (r"(mongoc|bson).*", ["common/store/"]),
    (r"openssl/.*", ["common/tls/"]),
    (r"zstd.*\.h", ["common/store/", "common/wire/"]),  # the journal, and bodies of messages
    (r"zlib\.h", ["common/wire/"]),
    (r"hiredis/.*", ["common/lock/"]),
    (r"jwt\.h|sodium(/.*)?\.h|sodium\.h", ["common/crypto/"]),
    (r"yaml\.h", ["common/config/"]),
    (r"xxhash\.h", ["common/wire/"]),
    (r"uni[a-z]+\.h", ["workers/fold.c", "workers/catalog/", "workers/auth/"]),
    (r"idn2\.h", ["workers/auth/"]),
    (r"cmocka\.h", ["tests/"]),
]
NO_THIRD_PARTY = re.compile(r"unistd\.h")  # looks like libunistring's, is not

PAGE = "README.md"  # of a room of common/: its contract

FUNCTION_MAX = 60
FUNCTION_MEDIAN = 15
FILE_MAX = 400
HEADER_MAX = 150
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
STRUCT_TYPEDEF = re.compile(r"^\s*typedef\s+(struct|union|enum)\b[^(]*$")  # of a function: fine
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


class Report:
    def __init__(self):
        self.faults = []
        self.notes = []

    def fault(self, path, line, text):
        self.faults.append(f"{path}:{line}: {text}")


def room_of(path):
    """("common", room) or ("workers", domain) of a file, with "" as the domain of what lies in workers/ itself:
    all domains may know that, and it has the table of all (shop.c). None for tests and what is generated."""
    parts = path.split("/")
    if parts[0] not in ("common", "workers"):
        return None
    return parts[0], parts[1] if len(parts) > 2 else ""


def target_of(path, name):
    """Where a quoted include leads: a path below common/ or workers/, or None (generated)."""
    for candidate in (os.path.join(os.path.dirname(path), name), "common/" + name, "workers/" + name):
        candidate = os.path.normpath(candidate)
        if os.path.isfile(candidate):
            return candidate
    return None


def check_include(path, number, style, name, report):
    here = room_of(path)
    if not NO_THIRD_PARTY.fullmatch(name):
        for pattern, places in ROOMS:
            if re.fullmatch(pattern, name) and not path.startswith(tuple(places + ["tests/"])):
                report.fault(path, number, f"<{name}> is for {' and '.join(places)} only")
    if style == "<" or here is None:
        return
    target = target_of(path, name)
    there = room_of(target) if target else None
    if there in (None, here) or here in (MAIN, COMMON_TO_ALL):
        return
    if there[0] == "workers":
        allowed = here[0] == "workers" and (there == COMMON_TO_ALL or there[1] in DOMAINS[here[1]])
    else:
        knows = KNOWS[here[1]] if here[0] == "common" else SHOP
        allowed = there[1] in knows or name in knows
    if not allowed:
        report.fault(path, number, f'"{name}": {"/".join(here)} must not know {"/".join(there)}')


def functions(lines):
    """(first line, length of the body, lines around it) of each function, in our layout."""
    start = None
    for number, line in enumerate(lines):
        if line == "{":
            start = number
        elif line.startswith("}") and start is not None:
            yield start, number - start - 1, lines[max(0, start - 15):number]
            start = None


def check_file(path, report):
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if found:
            check_include(path, number, found.group(1), found.group(2), report)
        if STRUCT_TYPEDEF.match(line):
            report.fault(path, number, "no typedefs of structs, unions and enums")
        if LEFTOVER.search(line):
            report.fault(path, number, "finish it, or describe it where work is planned")
    limit = HEADER_MAX if path.endswith(".h") else FILE_MAX
    whole = "\n".join(lines)
    if len(lines) > limit and not path.startswith("tests/") and "long because" not in whole:
        report.notes.append(f"{path}: {len(lines)} lines (over {limit})")
    lengths = []
    for start, length, around in functions(lines):
        lengths.append(length)
        if length > FUNCTION_MAX and "long because" not in "\n".join(around):
            report.fault(path, start + 1, f"{length} lines; shorten it, or say 'long because ...'")
    return lengths


def names_file(page, name):
    """Whether the text of a page has this name of a file, and not only as the end of a longer one."""
    return re.search(rf"(?<![\w-]){re.escape(name)}\b", page) is not None


def check_page(room, report):
    page = os.path.join(room, PAGE)
    if not os.path.isfile(page):
        report.fault(page, 1, "each room opens with a page: what it promises, whom it knows, its headers")
        return
    with open(page, encoding="utf-8") as file:
        text = file.read()
    for header in sorted(glob.glob(room + "/*.h")):
        if not names_file(text, os.path.basename(header)):
            report.fault(page, 1, f"does not name {os.path.basename(header)}")


def sources(*folders):
    for folder in folders:
        for path in sorted(glob.glob(folder + "/**/*.[ch]", recursive=True)):
            yield path


def main():
    report = Report()
    lengths = []
    for path in sources("common", "workers"):
        lengths += check_file(path, report)
    for path in sources("tests"):
        check_file(path, report)
    for room in sorted(glob.glob("common/*/")):
        check_page(room.rstrip("/"), report)
    median = statistics.median(lengths) if lengths else 0
    print(f"{len(lengths)} functions, median {median:g} lines, longest {max(lengths, default=0)}")
    if median >= FUNCTION_MEDIAN:
        report.faults.append(f"median function of {median:g} lines; it must be under {FUNCTION_MEDIAN}")
    for line in report.notes:
        print("note: " + line)
    for line in report.faults:
        print(line)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
