#!/usr/bin/env python3
"""test_operations_lint.py - tests/rig/operations.py finds each thing that an operation can lack."""

import importlib.util
import os
import pathlib
import shutil
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("operations", ROOT / "tests" / "rig" / "operations.py")
lint = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(lint)

SCHEMA = "schemas/wishlist/move.json"


class Operations(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for name in ("schemas", "workers", "config", "tests/flow", "docs/reference"):
            shutil.copytree(ROOT / name, self.root / name)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.root)

    def cut(self, path, text, by=""):
        whole = pathlib.Path(path).read_text(encoding="utf-8")
        self.assertIn(text, whole)
        pathlib.Path(path).write_text(whole.replace(text, by), encoding="utf-8")

    def test_the_tree_is_whole(self):
        self.assertEqual(list(lint.faults()), [])

    def test_no_row_in_a_table(self):
        self.cut("workers/wishlist/domain.c", "            &wishlist_move,\n")
        self.assertEqual(list(lint.faults()), [
            f"{SCHEMA}: wishlist.move is in no table of a domain (workers/<domain>/domain.c)"])

    def test_a_domain_that_is_not_in_the_shop(self):
        self.cut("workers/shop.c", "    &wishlist_domain,\n")
        self.assertIn(f"{SCHEMA}: wishlist.move is of the domain wishlist, which is not in workers/shop.c",
                      list(lint.faults()))

    def test_no_flow_sends_it(self):
        for path in pathlib.Path("tests/flow").glob("*.flow"):
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace("send wishlist.move", "# wishlist.move"), encoding="utf-8")
        self.assertEqual(list(lint.faults()), [f"{SCHEMA}: no script in tests/flow sends wishlist.move"])

    def test_in_no_pool(self):
        for path in lint.CONFIGS:
            with self.subTest(path):
                self.cut(path, " wishlist,")
                self.assertIn(f"{path}: no pool has the domain wishlist, so nobody takes wishlist.move",
                              list(lint.faults()))

    def test_not_in_the_reference(self):
        self.cut(lint.REFERENCE, "[`wishlist.move`]", "[`wishlist.mv`]")
        self.assertEqual(list(lint.faults()), [
            f"{lint.REFERENCE}: does not tell of wishlist.move; run make reference"])


if __name__ == "__main__":
    unittest.main()
