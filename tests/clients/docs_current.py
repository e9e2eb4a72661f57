#!/usr/bin/env python3
"""docs_current.py [--write] - the code on docs/clients.md is what the tests run, and the code on
docs/tutorial.md is what stands in the tree.

A block on the page stands below a line `<!-- code: PATH REGION -->` and is the part of that file between
`docs: begin REGION` and `docs: end REGION`, each in a comment of a line of its own. Fails with a diff when
a block is anything else, and when a region of tests/clients is not on the page. --write copies the
regions to the page.

On the tutorial a block below `<!-- file: PATH -->` is that whole file, which --write copies, and one below
`<!-- part: PATH -->` is some of its lines that follow each other."""

import difflib
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "clients.md"
BLOCK = re.compile(r"^<!-- code: (\S+) (\S+) -->\n```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TUTORIAL = ROOT / "docs" / "tutorial.md"
PIECE = re.compile(r"^<!-- (file|part): (\S+) -->\n```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
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


def with_files(page, root):
    """The tutorial as it should be: whole files as they are. A part that is in no file any more is Wrong."""

    def piece(match):
        kind, path, language, text = match.groups()
        source = root / path
        if not source.is_file():
            raise Wrong(f"there is no {path}")
        whole = source.read_text(encoding="utf-8")
        if kind == "part" and "\n" + text not in "\n" + whole:
            raise Wrong(f"{path} has no such lines:\n{text}")
        return f"<!-- {kind}: {path} -->\n```{language}\n{whole if kind == 'file' else text}```"

    return PIECE.sub(piece, page)


def difference(page, text, wanted, write):
    """What is wrong with the text of a page, after --write nothing."""
    if write:
        page.write_text(wanted, encoding="utf-8")
        return ""
    return "".join(difflib.unified_diff(text.splitlines(True), wanted.splitlines(True),
                                        page.name, "the sources"))


def check_tutorial(root=ROOT, page=TUTORIAL, write=False):
    """As check(), of the tutorial."""
    text = page.read_text(encoding="utf-8")
    try:
        wanted = with_files(text, root)
    except Wrong as fault:
        return str(fault)
    return difference(page, text, wanted, write)


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
    return difference(page, text, wanted, write)


def main():
    write = "--write" in sys.argv[1:]
    wrong = check(write=write) + check_tutorial(write=write)
    if wrong:
        print(wrong.rstrip())
        print("docs_current.py: after a change of a source, tests/clients/docs_current.py --write")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
