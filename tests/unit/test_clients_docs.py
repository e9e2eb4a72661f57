#!/usr/bin/env python3
"""test_clients_docs.py - docs/clients.md shows what the clients' tests run, and whoever changes one of the
two alone is told."""

import importlib.util
import pathlib
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("docs_current", ROOT / "tests" / "clients" / "docs_current.py")
docs = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(docs)

SOURCE = "first\n    // docs: begin part\n    a\n        b\n    // docs: end part\nlast\n"
PAGE = "Text.\n\n<!-- code: tests/clients/x/x.go part -->\n```go\na\n    b\n```\n\nMore.\n"


class Page(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.source = self.root / "tests" / "clients" / "x" / "x.go"
        self.source.parent.mkdir(parents=True)
        self.page = self.root / "page.md"
        self.source.write_text(SOURCE, encoding="utf-8")
        self.page.write_text(PAGE, encoding="utf-8")

    def check(self, **options):
        return docs.check(self.root, self.page, **options)

    def test_the_page_is_current(self):
        self.assertEqual(docs.check(), "")

    def test_every_program_is_on_the_page(self):
        languages = {path.split("/")[2] for path, _ in docs.sources(ROOT)}
        self.assertEqual(languages, {"node", "python", "java", "go"})

    def test_equal_is_current(self):
        self.assertEqual(self.check(), "")

    def test_a_changed_source_is_told(self):
        self.source.write_text(SOURCE.replace("a\n", "c\n"), encoding="utf-8")
        self.assertIn("-a\n+c\n", self.check())

    def test_a_changed_page_is_told(self):
        self.page.write_text(PAGE.replace("    b", "  b"), encoding="utf-8")
        self.assertIn("+    b\n", self.check())

    def test_write_makes_it_current(self):
        self.page.write_text(PAGE.replace("a\n", "c\n"), encoding="utf-8")
        self.assertEqual(self.check(write=True), "")
        self.assertEqual(self.page.read_text(encoding="utf-8"), PAGE)

    def test_a_region_that_is_not_on_the_page_is_told(self):
        self.page.write_text("Text.\n", encoding="utf-8")
        self.assertIn("does not show", self.check())

    def test_a_region_that_is_not_in_the_source_is_told(self):
        self.page.write_text(PAGE.replace(" part ", " other "), encoding="utf-8")
        self.assertIn("no region other", self.check())

    def test_a_region_without_end_is_told(self):
        self.source.write_text(SOURCE.replace("docs: end part", ""), encoding="utf-8")
        self.assertIn("has no end", self.check())


LESSON = "<!-- file: a.c -->\n```c\nint a;\nint b;\n```\n\n<!-- part: a.c -->\n```c\nint b;\n```\n"


class Tutorial(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.source, self.page = self.root / "a.c", self.root / "page.md"
        self.source.write_text("int a;\nint b;\n", encoding="utf-8")
        self.page.write_text(LESSON, encoding="utf-8")

    def check(self, **options):
        return docs.check_tutorial(self.root, self.page, **options)

    def test_the_tutorial_is_current(self):
        self.assertEqual(docs.check_tutorial(), "")

    def test_equal_is_current(self):
        self.assertEqual(self.check(), "")

    def test_a_changed_file_is_told_and_written(self):
        self.source.write_text("int c;\nint b;\n", encoding="utf-8")
        self.assertIn("-int a;\n+int c;\n", self.check())
        self.assertEqual(self.check(write=True), "")
        self.assertEqual(self.check(), "")

    def test_a_part_that_is_gone_is_told(self):
        self.source.write_text("int a;\nint bb;\n", encoding="utf-8")
        self.assertIn("a.c has no such lines", self.check())

    def test_a_file_that_is_gone_is_told(self):
        self.source.unlink()
        self.assertIn("there is no a.c", self.check())


if __name__ == "__main__":
    unittest.main()
