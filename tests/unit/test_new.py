#!/usr/bin/env python3
"""test_new.py - `cartwright new` in a copy of the tree: it goes through docs/tutorial.md, what it writes compiles,
and where something is in the way it writes nothing.

$CARTWRIGHT names the executable (./cartwright)."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("CARTWRIGHT", str(ROOT / "cartwright"))
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OUTPUT = re.compile(r"^```text\n(wrote .*?)^```$", re.MULTILINE | re.DOTALL)
ROWS = ["workers/shop.c", "tests/rig/rings.py", "config/ci.yaml", "config/dev.yaml", "config/production.yaml"]
USAGE = 2


def run(folder, *command):
    return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


def copy_tree(folder):
    """The files of the tree that git knows, and the program."""
    for name in run(ROOT, "git", "ls-files").stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    shutil.copy(PROGRAM, folder / "cartwright")


def commit(folder):
    run(folder, "git", "init", "-q")
    run(folder, "git", "add", "-A")
    run(folder, "git", "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "all")


def texts(folder):
    """Every file below a folder, but git's."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file() and ".git" not in path.parts}


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        copy_tree(self.folder)

    def new(self, *arguments):
        return run(self.folder, "./cartwright", "new", *arguments)

    def make(self, *goals):
        done = run(self.folder, "env", "RIG_INSTALL=no", "make", "-j2", *goals)
        self.assertEqual(done.returncode, 0, done.stdout)


class Tutorial(Tree):
    """The page, command by command; `make` and what follows it is for who has an hour."""

    def command(self, line):
        done = run(self.folder, "bash", "-c", line)
        self.assertEqual(done.returncode, 0, f"{line}\n{done.stdout}")
        return done.stdout

    def test_the_page_makes_the_wishlist(self):
        commit(self.folder)
        lines = [line for block in COMMANDS.findall(PAGE) for line in block.splitlines()]
        lines = [line for line in lines if not line.startswith("make")]
        restores = [line for line in lines if line.startswith("git restore")]
        outputs = [self.command(line) for line in lines if line not in restores]
        for expected in OUTPUT.findall(PAGE):
            self.assertTrue(any(output.startswith(expected) for output in outputs), expected)
        for path in ROWS:
            self.assertEqual((self.folder / path).read_bytes(), (ROOT / path).read_bytes(), path)
        self.check_what_was_written()
        for line in restores:
            self.command(line)
        self.assertEqual(run(self.folder, "git", "status", "--porcelain").stdout, "")

    def check_what_was_written(self):
        ours = {path.name for path in (ROOT / "workers/wishlist").iterdir()}
        new = sorted(path.name for path in (self.folder / "workers/wishlist").iterdir())
        self.assertLessEqual(set(new), ours)
        self.make("build/release/workers/shop.o", "build/release/build/gen/schemas/wishlist.o",
                  *(f"build/release/workers/wishlist/{name[:-2]}.o" for name in new if name.endswith(".c")))
        self.assertEqual(run(self.folder, "python3", "tests/rig/rings.py").returncode, 0)


class Refusals(Tree):
    def refused(self, reason, *arguments):
        before = texts(self.folder)
        done = self.new(*arguments)
        self.assertEqual(done.returncode, USAGE, done.stdout)
        self.assertIn(reason, done.stdout)
        self.assertEqual(texts(self.folder), before)

    def test_names_that_are_not_those_of_the_wire(self):
        for name in ("Cart.add", "cart", "cart.", ".cart", "cart..add", "cart.item_add", "cart.Add", "cart.1", ""):
            with self.subTest(name):
                self.refused("is no name of an operation", "operation", name)
        for name in ("Gifts", "gift.list", "gift-list", "1gift", "unknown", "common", "../gift", ""):
            with self.subTest(name):
                self.refused("is no name of a domain", "domain", name)

    def test_what_exists_already(self):
        self.refused("schemas/cart/item.add.json exists already; nothing was written", "operation", "cart.item.add")
        self.refused("schemas/cart/document/cart.json exists already", "domain", "cart")
        (self.folder / "tests/flow/cart-gift.flow").write_text("", encoding="utf-8")
        self.refused("tests/flow/cart-gift.flow exists already", "operation", "cart.gift")

    def test_a_prefix_that_no_domain_has(self):
        self.refused("no domain has the prefix 'gift'", "operation", "gift.add")

    def test_a_table_that_is_not_as_expected(self):
        path = self.folder / "config/production.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace(", unknown]", "]"), encoding="utf-8")
        self.refused("config/production.yaml has no such list as was expected", "domain", "gift")

    def test_elsewhere(self):
        done = run(self.folder / "workers", "../cartwright", "new", "domain", "gift")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("this is not the root of the source tree", done.stdout)

    def test_other_words(self):
        for words in ((), ("domain",), ("thing", "x"), ("domain", "gift", "more")):
            self.refused("usage: new operation NAME | new domain NAME", *words)


class Operations(Tree):
    """In domains of every kind: a prefix of another name, words in camel case, rows at the end."""

    def test_rows_and_names(self):
        for name in ("product.priceList.get", "user.rename", "order.archive"):
            self.assertEqual(self.new("operation", name).returncode, 0)
        source = (self.folder / "workers/catalog/product_price_list_get.c").read_text(encoding="utf-8")
        self.assertIn('.name = "product.priceList.get",\n    .kind = QUERY,', source)
        self.assertIn("static enum outcome price_list_get(", source)
        self.assertTrue((self.folder / "schemas/product/priceList.get.json").is_file())
        self.assertTrue((self.folder / "tests/flow/product-price-list-get.flow").is_file())
        table = (self.folder / "workers/catalog/domain.c").read_text(encoding="utf-8")
        self.assertIn("            &product_price_list_get,\n            NULL,\n", table)
        header = (self.folder / "workers/catalog/operations.h").read_text(encoding="utf-8")
        rows = [line for line in header.splitlines() if line.startswith("extern")]
        self.assertEqual(rows, sorted(rows))
        self.make(*(f"build/release/workers/{name}.o" for name in (
            "catalog/product_price_list_get", "catalog/domain", "auth/user_rename", "auth/domain",
            "order/archive", "order/domain")))


if __name__ == "__main__":
    unittest.main()
