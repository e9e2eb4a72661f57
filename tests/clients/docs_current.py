#!/usr/bin/env python3
"""docs_current.py [--write] - the code on docs/clients.md is what the tests run.

A block on the page stands below a line `<!-- code: PATH REGION -->` and is the part of that file between
`docs: begin REGION` and `docs: end REGION`, each in a comment of a line of its own. Fails with a diff when
a block is anything else, and when a region of tests/clients is not on the page. --write copies the
regions to the page."""

import difflib
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "clients.md"
BLOCK = re.compile(r"^<!-- code: (\S+) (\S+) -->\n```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"^\s*(?://|#|<!--) docs: (begin|end) (\S+)(?: -->)?\s*$")


class Wrong(Exception):
    """The page or a source is not as it should be."""


def regions(path):
    """{name: text} of one source."""
    found, name, lines = {}, None, []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        mark = MARK.match(line)
        if not mark:
            lines.append(line)
        elif mark[1] == "begin" and name is None and mark[2] not in found:
            name, lines = mark[2], []
        elif mark[1] == "end" and mark[2] == name:
            found[name], name = textwrap.dedent("".join(lines)), None
        else:
            raise Wrong(f"{path}: 'docs: {mark[1]} {mark[2]}' is out of place")
    if name is not None:
        raise Wrong(f"{path}: region {name} has no end")
    return found


def sources(root):
    """{(path, region): text} of all that a page could show."""
    found = {}
    for path in sorted((root / "tests" / "clients").rglob("*")):
        if path.suffix in (".mjs", ".py", ".java", ".go", ".xml"):
            for name, text in regions(path).items():
                found[path.relative_to(root).as_posix(), name] = text
    return found


def current(page, found):
    """The page as it should be, and which regions it shows."""
    shown = set()

    def block(match):
        key = match[1], match[2]
        if key not in found:
            raise Wrong(f"no region {key[1]} in {key[0]}")
        shown.add(key)
        return f"<!-- code: {key[0]} {key[1]} -->\n```{match[3]}\n{found[key]}```"

    return BLOCK.sub(block, page), shown


def check(root=ROOT, page=PAGE, write=False):
    """What is wrong, as a text; empty when nothing is."""
    try:
        found = sources(root)
        text = page.read_text(encoding="utf-8")
        wanted, shown = current(text, found)
    except Wrong as fault:
        return str(fault)
    missing = sorted(set(found) - shown)
    if missing or not found:
        return f"{page.name} does not show {missing or 'any code'}"
    if write:
        page.write_text(wanted, encoding="utf-8")
        return ""
    return "".join(difflib.unified_diff(text.splitlines(True), wanted.splitlines(True),
                                        page.name, "the sources"))


def main():
    wrong = check(write="--write" in sys.argv[1:])
    if wrong:
        print(wrong.rstrip())
        print("docs_current.py: after a change of a source, tests/clients/docs_current.py --write")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
