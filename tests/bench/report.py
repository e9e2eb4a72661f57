#!/usr/bin/env python3
"""report.py - from the figures of one benchmark run to documents.

    python3 tests/bench/report.py .run/bench.json docs

writes docs/benchmarks.json (the same figures, in order), docs/benchmarks.md and the plots that it
shows, docs/benchmarks-*.svg; plots of earlier runs go. What was not run is left out; what was run
is told as it is. The figures are written by tests/bench/results.c.
"""

import argparse
import glob
import json
import os
import sys

sys.dont_write_bytecode = True  # a run leaves nothing among the sources
import machine
import plots
from figures import (
    BATCHES,
    CONTESTANTS,
    GROWING,
    GROWING_APART,
    GROWN,
    LANES,
    MEMORY,
    NAMES,
    OFFERED,
    PEERS,
    PERCENTILES,
    PROCESSES,
    SERVERS,
    WORKLOADS,
    Figures,
    judge,
)

ABOUT = """\
# Benchmarks
Written by `make bench`: one run, with all servers, all workers and the load on one machine. The
figures are in [benchmarks.json](benchmarks.json).

An order is `order.place`: the token verified, a lock for each SKU, two lines of stock checked and
taken, the order stored, the cart cleared, the event published, the reply sent. Cartwright checks
the request against its schema, writes its journal and publishes each change of stock besides; the
Node.js and Go workers do the same work with the usual libraries, with a transaction for each
message. What they say about products comes from memory for 5 s; Cartwright reads the stock each
time.

What is durable is the same for all: requests come from a quorum queue, a transaction has
`w:majority` and `j:true` on a replica set of one, events are persistent and confirmed by the
broker, and a request is acknowledged after that. Redis keeps nothing on disk.

The echo is the broker alone: an order's request through a quorum queue, answered with an empty
reply. Rates are answers per second, without refusals except in the flash sale, where no is an
answer, too; 512 requests are in flight if nothing else is said. What is compared took turns, in
several passes; told is the pass in the middle, by rate.
"""
TARGETS = """\
"To" is a ratio of rates, if nothing else is said. What is lost is against the rate of a shop with
1,000 products. Of several workloads the worst counts, and is named.
"""
OPEN = """\
Orders are sent on a schedule, whatever is answered, at a share of the rate that 512 in flight
reached. Latency counts from the moment when an order was due, so one that waits behind a pause is
counted in full (no coordinated omission).
"""
BATCHES_AND_LANES = """\
Orders on 1,000 SKUs: one lane by how many messages it may take into one transaction, then by the
number of lanes.
"""
GROWTH = """\
Rates per second in a shop that has grown, those of a shop with 1,000 products and no stored orders
that took turns with it on the same servers, and what share is kept. Orders, carts and `product.get`
draw on 1,000 products and 5,000 users, spread evenly over all that are stored. With 1 million
orders there are 100,000 users. What draws on all products has no target.
"""
CPU = """\
CPU time of each process per request, user and system. Workers are Cartwright's lanes or the peer.
"Servers alone" is the rate that one core could carry if workers and load cost nothing: the wall that
the three servers are, with the batches of this run.
"""
MEMORY_TEXT = """\
A lane's resident set, in workers freshly started, after so many requests of the mix.
"""


# --- cells and tables ----------------------------------------------------------------------------


def count(value):
    return "" if value is None else f"{value:,.0f}"


def ms(value):
    if value is None:
        return ""
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}"


def fixed(value, digits, unit=""):
    return "" if value is None else f"{value:.{digits}f}{unit}"


def percent(value):
    return "" if value is None else f"{100 * value:.0f} %"


def table(head, rows):
    """Columns that are empty in every row are left out; without rows there is no table."""
    rows = [row for row in rows if any(row[1:])]
    kept = [i for i in range(len(head)) if i == 0 or any(row[i] for row in rows)]
    if len(kept) < 2:
        return ""
    lines = [[row[i] for i in kept] for row in [head, ["---"] * len(head), *rows]]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def latencies(result):
    return [ms(result.get(name)) for name, _ in PERCENTILES]


# --- tables of the page --------------------------------------------------------------------------


def contestants(figures):
    head = ["", *(cell for who in CONTESTANTS for cell in (NAMES[who], "p50 / p99 ms"))]
    rows = []
    for work in WORKLOADS:
        row = [figures.title(work)]
        for who in CONTESTANTS:
            result = figures.get(who, work)
            both = [ms(result.get(name)) for name in ("p50Ms", "p99Ms")]
            row += [count(result.get("rate")), " / ".join(both) if any(both) else ""]
        rows.append(row + [fixed(figures.to_peer(work), 1, "x"), percent(figures.of_echo(work))])
    return table(head + ["to the better peer", "of the echo"], rows)


def circumstances(figures):
    """What must be known beside the table: the echo, the peers' concurrency, what went wrong."""
    told = []
    echo = figures.get("echo", "echo")
    if echo:
        told.append(f"The echo: {count(echo.get('rate'))} per second.")
    one = figures.value("echo", "echo1", "p50Ms")
    if one:
        told.append(f"The echo with 1 in flight: {ms(one)} ms (p50), which everybody pays.")
    for who in PEERS:
        value = figures.value(who, "ordersUniform", "concurrency")
        if value:
            told.append(f"{NAMES[who]} worked on {value} messages at once, the best of a sweep.")
    for name, result in figures.everything():
        if result.get("refused"):
            of = f"{count(result['refused'])} of {count(result.get('requests'))}"
            told.append(f"Refused: {name}: {of} requests.")
    return "".join(line + "\n" for line in told)


def open_loop(figures):
    rows = []
    for who in CONTESTANTS:
        for work in OFFERED:
            result = figures.get(who, work)
            share = f"{NAMES[who]}, {work.removeprefix('ordersOpen')} %"
            rates = [count(result.get("offeredRate")), count(result.get("rate"))]
            rows.append([share, *rates, *latencies(result), ms(result.get("maxMs"))])
    names = [name for _, name in PERCENTILES]
    return table(["latency in ms", "offered per s", "answered per s", *names, "max"], rows)


def variants(figures, what, name, workloads):
    first = figures.value("cartwright", workloads[0])
    rows = []
    for work in workloads:
        result = figures.get("cartwright", work)
        rate = result.get("rate")
        share = fixed(rate / first, 2, "x") if rate and first else ""
        rows.append([count(result.get(name)), count(rate), share, *latencies(result)])
    return table([what, "per s", "to the first", *(f"{n} ms" for _, n in PERCENTILES)], rows)


def growth(figures):
    rows = []
    for work in (*GROWING, GROWING_APART):
        row = [figures.title(*(f"{work}At{stage}" for stage, _ in GROWN))]
        for stage, _ in GROWN:
            rate, fall = (
                figures.value("cartwright", f"{work}At{stage}"),
                figures.fall(work, stage),
            )
            row.append(count(rate))
            row.append(count(figures.beside(work, stage)) if rate else "")
            row.append("" if fall is None else percent(1 - fall))
        rows.append(row)
    head = [cell for _, name in GROWN for cell in (name, "1,000 beside", "kept")]
    return table(["", *head], rows)


def wall(used):
    """Requests per second and core, were there only the servers."""
    us = sum(used.get(key) or 0 for key in SERVERS)
    return count(1e6 / us) if us else ""


def cpu(figures):
    rows = []
    for who in ("echo", *CONTESTANTS):
        for work in ("echo",) if who == "echo" else WORKLOADS:
            used = figures.cpu(who, work)
            title = "echo" if who == "echo" else f"{NAMES[who]}: {figures.title(work)}"
            cells = [count(used.get(key)) for key, _ in PROCESSES]
            rows.append([title, *cells, count(sum(used.values())) if used else "", wall(used)])
    names = [name for _, name in PROCESSES]
    return table(["us", *names, "all", "servers alone, per s and core"], rows)


def memory(figures):
    results = [figures.get("cartwright", work) for work in MEMORY]
    rows = [
        [work.removeprefix("memory").replace("k", ",000"), fixed(result.get("laneRssMiB"), 1)]
        for work, result in zip(MEMORY, results)
    ]
    return table(["requests of the mix", "resident set of a lane, MiB"], rows)


def batches_and_lanes(figures):
    batches = variants(figures, "batch maximum", "batchMax", BATCHES)
    lanes = variants(figures, "lanes", "lanes", LANES)
    return "\n".join(rows for rows in (batches, lanes) if rows)


def targets(figures):
    return table(["", "target", "measured", "verdict"], [list(row) for row in judge(figures)])


# --- the page ------------------------------------------------------------------------------------

# heading, text (or what makes it), the table, then the plots by name and what they show
SECTIONS = (
    ("Contestants", circumstances, contestants, ("rates", "rates of orders", plots.rates)),
    ("Targets", TARGETS, targets),
    ("Latency by offered rate", OPEN, open_loop, ("latency", "latency of orders", plots.latency)),
    (
        "Batches and lanes",
        BATCHES_AND_LANES,
        batches_and_lanes,
        ("batch", "orders by batch maximum", plots.batch),
        ("lanes", "orders by lanes", plots.lanes),
    ),
    ("A shop that grows", GROWTH, growth, ("growth", "rates as the shop grows", plots.growth)),
    (
        "Where the time goes",
        CPU,
        cpu,
        ("cpu", "CPU per request", plots.cpu),
        ("cpu-contestants", "CPU per order by contestant", plots.cpu_contestants),
    ),
    ("Memory", MEMORY_TEXT, memory),
)


def section(figures, heading, text, make_table, *wanted):
    """(markdown, plots by file name); nothing when nothing of it was run."""
    rows = make_table(figures)
    if not rows:
        return "", {}
    page = f"\n## {heading}\n{text(figures) if callable(text) else text}\n"
    files = {}
    for name, shows, plot in wanted:
        drawn = plot(figures)
        if drawn:
            files[f"benchmarks-{name}.svg"] = drawn
            page += f"![{shows}](benchmarks-{name}.svg)\n"
    return page + ("\n" if files else "") + rows, files


def documents(figures):
    """Every file that is written, by name."""
    page, files = ABOUT, {}
    for row in SECTIONS:
        markdown, drawn = section(figures, *row)
        page += markdown
        files.update(drawn)
    page += "\n## The machine\n" + table(["", "on this run"], machine.describe())
    files["benchmarks.md"] = page
    files["benchmarks.json"] = json.dumps(figures.all, indent=2, sort_keys=True) + "\n"
    return files


def write(files, folder):
    old = {os.path.basename(path) for path in glob.glob(os.path.join(folder, "benchmarks-*.svg"))}
    for name, text in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    for name in sorted(old - set(files)):
        os.remove(os.path.join(folder, name))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", help="what the benchmark wrote: .run/bench.json")
    parser.add_argument("folder", help="where the documents go: docs")
    args = parser.parse_args()
    try:
        write(documents(Figures(args.figures)), args.folder)
    except (OSError, ValueError) as error:
        sys.exit(f"report.py: {args.figures}: {error}")


if __name__ == "__main__":
    main()
