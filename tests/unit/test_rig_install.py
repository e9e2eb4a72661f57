#!/usr/bin/env python3
"""test_rig_install.py - who only compiles is told what is missing, and nothing is installed behind his
back; whoever tests gets it installed.

Runs make on links to this tree, with programs of our own for dpkg-query (nothing is installed), id
(an ordinary user) and sudo (writes down what it was asked)."""

import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = {
    "dpkg-query": "exit 1",
    "apt-cache": "exit ${NO_PACKAGES:-0}",
    "id": "echo 1000",
    "sudo": 'echo "$@" >>"$ASKED"; exit 1',
}


class Install(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.tree = os.path.join(self.folder.name, "tree")
        self.asked = os.path.join(self.folder.name, "asked")
        programs = os.path.join(self.folder.name, "bin")
        os.makedirs(programs)
        os.makedirs(self.tree)
        for name in ("Makefile", "VERSION", "common", "workers", "schemas", "tests", "config"):
            os.symlink(os.path.join(ROOT, name), os.path.join(self.tree, name))
        for name, text in PROGRAMS.items():
            path = os.path.join(programs, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\n{text}\n")
            os.chmod(path, 0o755)
        self.environment = {"PATH": programs + ":" + os.environ["PATH"], "ASKED": self.asked}

    def make(self, *goals, **environment):
        done = subprocess.run(
            ["make", "-s", "-j1", *goals], cwd=self.tree, env={**self.environment, **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)
        asked = ""
        if os.path.exists(self.asked):
            with open(self.asked, encoding="utf-8") as file:
                asked = file.read()
        return done, asked

    def test_compiling_tells_what_is_missing(self):
        for goals in ((), ("all",), ("cartwright",)):
            done, asked = self.make(*goals)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("librabbitmq-dev", done.stdout)
            self.assertIn("make tools", done.stdout)
            self.assertEqual(asked, "")

    def test_testing_installs(self):
        for goal in ("unit", "tools"):
            done, asked = self.make(goal)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("apt-get install", asked)
            self.assertIn("librabbitmq-dev", asked)

    def test_unit_tests_need_no_llvm(self):
        _, asked = self.make("-k", "build/.tools-build", "build/.tools-servers", "build/.tools-test")
        self.assertIn("libcmocka-dev", asked)
        self.assertNotIn("clang", asked)

    def test_a_package_that_the_release_has_not_is_named(self):
        done, asked = self.make("build/.tools-lint", NO_PACKAGES="100")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("this release has no clang-format-14", done.stdout)
        self.assertIn("LLVM version 14", done.stdout)
        self.assertNotIn("install", asked)


if __name__ == "__main__":
    unittest.main()
