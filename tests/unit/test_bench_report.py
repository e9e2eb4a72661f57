#!/usr/bin/env python3
"""test_bench_report.py - what the report of a benchmark says, with figures made up here.

Run: python3 tests/unit/test_bench_report.py
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
import xml.etree.ElementTree as xml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REPORT = os.path.join(ROOT, "tests", "bench", "report.py")
sys.path.insert(0, os.path.dirname(REPORT))
import report

SVG = "{http://www.w3.org/2000/svg}"
GROWN = ("100kProducts", "1mProducts", "1mOrders")


def result(title, rate, p50=10, **more):
    return {
        "title": title,
        "rate": rate,
        "p50Ms": p50,
        "p90Ms": 2 * p50,
        "p99Ms": 3 * p50,
        "p999Ms": 4 * p50,
        "maxMs": 5 * p50,
        "cpuMsPerRequest": 0.04,
        "requests": 1000,
        "refused": 0,
        "window": 512,
        "cpuUs": {"broker": 100, "database": 90, "locks": 10, "workers": 40, "load": 4},
        **more,
    }


def whole():
    """Every kind of workload once, and round ratios."""
    ours = {
        "ordersUniform": result("orders, 1,000 SKUs", 6000),
        "ordersHot": result("orders, 10 SKUs", 8000),
        "flashSale": result("flash sale", 7900),
        "orders32": result("orders, 32 in flight", 4000),
        "orders1": result("orders, 1 in flight", 270, 3.5),
        "productGet": result("product.get", 16000),
        "memory20k": result("mix", 9000, laneRssMiB=18),
        "memory200k": result("mix", 9000, laneRssMiB=20.5),
    }
    for share in (25, 50, 75, 90):
        name = f"ordersOpen{share}"
        ours[name] = result("open", 60 * share, share / 5, offeredRate=60 * share)
    for lanes, rate in ((1, 5000), (2, 7000), (4, 6000)):
        ours[f"ordersLanes{lanes}"] = result("lanes", rate, lanes=lanes)
    for most in (1, 8, 32, 128):
        ours[f"ordersBatch{most}"] = result("batches", 300 + 40 * most, batchMax=most)
    for stage, kept in zip(GROWN, (0.99, 0.95, 0.9)):
        for work, title, rate, power in (
            ("mix", "a shop's mix", 10000, 1),
            ("productList", "product.list", 9000, 3),
            ("productGet", "product.get of 1,000", 9000, 0),
        ):
            ours[f"{work}Beside{stage}"] = result(title, rate)
            ours[f"{work}At{stage}"] = result(title, rate * kept**power)
        ours["productGetAllAt" + stage] = result("product.get of all", 9000 * kept**9)
    node = {
        "ordersUniform": result("orders, 1,000 SKUs", 250, concurrency=32),
        "ordersHot": result("orders, 10 SKUs", 200),
        "orders1": result("orders, 1 in flight", 160, 5),
    }
    go = {
        "ordersUniform": result("orders, 1,000 SKUs", 300, concurrency=64),
        "ordersHot": result("orders, 10 SKUs", 250),
        "orders1": result("orders, 1 in flight", 120, 7),
    }
    echo = {"echo": result("broker alone", 20000), "echo1": result("1 in flight", 900, 1.25)}
    return {"echo": echo, "cartwright": ours, "node": node, "go": go}


class Report(unittest.TestCase):
    """Each case writes figures into a folder of its own and has them told there."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.figures = os.path.join(folder.name, "bench.json")
        self.docs = os.path.join(folder.name, "docs")
        os.mkdir(self.docs)

    def write_figures(self, text):
        with open(self.figures, "w", encoding="utf-8") as file:
            file.write(text)

    def run_report(self, text):
        """As make runs it."""
        self.write_figures(text)
        command = [sys.executable, REPORT, self.figures, self.docs]
        return subprocess.run(command, capture_output=True, text=True)

    def report(self, figures):
        """What was written, by name; without asking every program for its version."""
        self.write_figures(json.dumps(figures))
        with unittest.mock.patch("machine.describe", return_value=[("CPU", "quick")]):
            report.write(report.documents(report.Figures(self.figures)), self.docs)
        return self.read_documents()

    def read_documents(self):
        files = {}
        for name in os.listdir(self.docs):
            with open(os.path.join(self.docs, name), encoding="utf-8") as file:
                files[name] = file.read()
        return files

    def page(self, figures):
        return self.report(figures)["benchmarks.md"]

    def assert_rows(self, page, *rows):
        for row in rows:
            self.assertIn("| " + " | ".join(row) + " |\n", page)


class Tables(Report):
    def test_contestants(self):
        page = self.page(whole())
        uniform = ["6,000", "10.0 / 30.0", "250", "10.0 / 30.0", "300", "10.0 / 30.0"]
        self.assert_rows(page, ["orders, 1,000 SKUs", *uniform, "20.0x", "30 %"])
        self.assert_rows(page, ["product.get", "16,000", "10.0 / 30.0", *[""] * 5, "80 %"])
        self.assertIn("The echo: 20,000 per second.\n", page)
        self.assertIn("The echo with 1 in flight: 1.25 ms (p50)", page)
        self.assertIn("Node.js worked on 32 messages at once", page)
        self.assertNotIn("Refused", page)

    def test_refusals_are_told(self):
        figures = whole()
        figures["cartwright"]["ordersHot"]["refused"] = 3
        line = "Refused: Cartwright, orders, 10 SKUs: 3 of 1,000 requests.\n"
        self.assertIn(line, self.page(figures))

    def test_targets(self):
        lost = "27.1 % (product.list)"
        self.assert_rows(
            self.page(whole()),
            ["orders, 1,000 SKUs: to the better peer", "at least 20x", "20.00x", "met"],
            ["orders, 10 SKUs: to the better peer", "at least 40x", "32.00x", "**not met**"],
            ["orders, 1,000 SKUs: of the echo", "at least 40 %", "30.0 %", "**not met**"],
            ["flash sale: to orders, 10 SKUs", "at least 1x", "0.99x", "**not met**"],
            ["orders, 1 in flight: p50 to the better peer's", "at most 0.7x", "0.70x", "met"],
            ["worker's CPU per order", "at most 0.1 ms", "0.040 ms", "met"],
            ["rate lost with 1 million products", "at most 20 %", "14.3 % (product.list)", "met"],
            ["rate lost with 1 million orders as well", "at most 20 %", lost, "**not met**"],
            ["memory, change from 20,000 to 200,000 requests", "at most 2 MiB", "2.5 MiB"]
            + ["**not met**"],
            ["memory after 200,000 requests", "below 24 MiB", "20.5 MiB", "met"],
            ["two lanes: to one", "at least 1.3x", "1.40x", "met"],
            ["four lanes: to two", "at least 0.9x", "0.86x", "**not met**"],
        )

    def test_targets_of_what_stands_still(self):
        figures = whole()
        figures["cartwright"]["ordersUniform"]["rate"] = 0
        row = ["orders, 1,000 SKUs: of the echo", "at least 40 %", "0.0 %", "**not met**"]
        self.assert_rows(self.page(figures), row)

    def test_the_worst_counts(self):
        figures = whole()
        for stage in ("100kProducts", "1mOrders"):
            figures["cartwright"]["mixAt" + stage]["cpuUs"]["load"] = 4.5
        figures["cartwright"]["mixAt1mProducts"]["cpuUs"]["load"] = 21
        told = "21.0 us (Cartwright, a shop's mix)"
        figures["cartwright"]["orders1"]["cpuUs"]["load"] = 50  # too few requests to count
        row = ["load generator's CPU per request, from 5,000/s", "at most 20 us", told]
        row.append("**not met**")
        self.assert_rows(self.page(figures), row)

    def test_other_tables(self):
        self.assert_rows(
            self.page(whole()),
            ["Cartwright, 50 %", "3,000", "3,000", "10.0", "20.0", "30.0", "40.0", "50.0"],
            ["2", "7,000", "1.40x", "10.0", "20.0", "30.0", "40.0"],
            ["128", "5,420", "15.94x", "10.0", "20.0", "30.0", "40.0"],
            ["product.list", "8,733", "9,000", "97 %", "7,716", "9,000", "86 %"]
            + ["6,561", "9,000", "73 %"],
            ["product.get of all", "8,222", "9,000", "91 %", "5,672", "9,000", "63 %"]
            + ["3,487", "9,000", "39 %"],
            ["Go: orders, 10 SKUs", "100", "90", "10", "40", "4", "244", "5,000"],
            ["200,000", "20.5"],
        )

    def test_machine(self):
        ran = self.run_report(json.dumps(whole()))
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        page = self.read_documents()["benchmarks.md"]
        for name in ("CPU", "RabbitMQ", "Erlang", "mongod", "libmongoc", "Go"):
            self.assertRegex(page, rf"\| {name} \| \S.* \|\n")
        self.assertIn("amqplib ", page)
        self.assertIn("amqp091-go ", page)


class PartialRuns(Report):
    def test_what_was_not_run_is_left_out(self):
        orders = {"ordersUniform": result("orders, 1,000 SKUs", 6000)}
        files = self.report({"echo": {}, "cartwright": orders, "node": {}, "go": {}})
        page = files["benchmarks.md"]
        self.assertIn("|  | Cartwright | p50 / p99 ms |\n", page)
        for word in ("| Node.js | p50", "product.get", "## A shop", "## Memory", "of the echo |"):
            self.assertNotIn(word, page)
        plots = [name for name in sorted(files) if name.endswith(".svg")]
        self.assertEqual(
            plots,
            ["benchmarks-cpu-contestants.svg", "benchmarks-cpu.svg", "benchmarks-rates.svg"],
        )
        for name in plots:
            self.assertIn(f"({name})", page)

    def test_each_workload_alone(self):
        for who, workloads in whole().items():
            for name, figures in workloads.items():
                with self.subTest(who=who, workload=name):
                    self.assertIn("# Benchmarks\n", self.page({who: {name: figures}}))

    def test_nothing(self):
        self.assertNotIn("## Targets", self.page({}))

    def test_plots_of_earlier_runs_go(self):
        self.assertIn("benchmarks-growth.svg", self.report(whole()))
        self.assertNotIn("benchmarks-growth.svg", self.report({"echo": whole()["echo"]}))


class Files(Report):
    def test_json_has_the_same_figures(self):
        text = self.report(whole())["benchmarks.json"]
        self.assertEqual(json.loads(text), whole())
        self.assertEqual(text, json.dumps(whole(), indent=2, sort_keys=True) + "\n")

    def test_the_same_twice(self):
        self.assertEqual(self.report(whole()), self.report(whole()))

    def test_plots_need_nothing_else(self):
        plots = {n: text for n, text in self.report(whole()).items() if n.endswith(".svg")}
        self.assertEqual(len(plots), 7)
        for name, text in plots.items():
            with self.subTest(name):
                self.assertLess(len(text), 20000)
                self.assertNotIn("url(", text)
                for element in xml.fromstring(text).iter():
                    self.assertNotIn(element.tag, (SVG + "script", SVG + "image", SVG + "style"))
                    for attribute in element.attrib:
                        self.assertNotIn("href", attribute)
                        self.assertFalse(attribute.startswith("on"), attribute)

    def test_bars_have_their_values(self):
        root = xml.fromstring(self.report(whole())["benchmarks-rates.svg"])
        texts = [element.text for element in root.iter(SVG + "text")]
        for value in ("6,000", "8,000", "7,900", "4,000", "250", "300"):
            self.assertIn(value, texts)


class Refuses(Report):
    def assert_refused(self, text, complaint):
        ran = self.run_report(text)
        self.assertEqual(ran.returncode, 1)
        self.assertEqual(ran.stderr, f"report.py: {complaint}\n")
        self.assertEqual(os.listdir(self.docs), [])

    def test_broken_figures(self):
        where = f"{self.figures}: "
        self.assert_refused('{"echo": ', where + "Expecting value: line 1 column 10 (char 9)")
        self.assert_refused('{"java": {}}', where + "unknown contestant 'java'")
        self.assert_refused('{"echo": {"echo": {"rate": NaN}}}', where + "NaN is no figure")

    def test_no_figures(self):
        ran = subprocess.run(
            [sys.executable, REPORT, self.figures, self.docs], capture_output=True, text=True
        )
        self.assertEqual(ran.returncode, 1)
        self.assertIn("No such file or directory", ran.stderr)


if __name__ == "__main__":
    unittest.main()
