"""plots.py - what each plot of the page shows. A plot of which nothing was run is None."""

import svg
from figures import (
    BATCHES,
    CONTESTANTS,
    GROWING,
    GROWN,
    LANES,
    LOST_MAX,
    NAMES,
    OFFERED,
    PERCENTILES,
    PROCESSES,
)

CONTESTANT_COLOURS = (svg.BLUE, svg.ORANGE, svg.PURPLE)
PERCENTILE_COLOURS = (svg.BLUE, svg.GREEN, svg.ORANGE, svg.RED)
PROCESS_COLOURS = (svg.ORANGE, svg.GREEN, svg.RED, svg.BLUE, svg.GREY)
GROWN_COLOURS = (*svg.BLUES, svg.ORANGE)

RATES = {
    "ordersUniform": "1,000 SKUs",
    "ordersHot": "10 SKUs",
    "flashSale": "flash sale",
    "orders32": "32 in flight",
}
SHORT = {
    "ordersUniform": "orders",
    "ordersHot": "orders, 10 SKUs",
    "flashSale": "flash sale",
    "orders32": "32 in flight",
    "mix": "mix",
    "cartItemAdd": "cart.item.add",
    "productGet": "product.get",
    "productList": "product.list",
}


def rates(figures):
    works = [work for work in RATES if any(figures.value(who, work) for who in CONTESTANTS)]
    series = [
        (NAMES[who], colour, [figures.value(who, work) for work in works])
        for who, colour in zip(CONTESTANTS, CONTESTANT_COLOURS)
        if any(figures.value(who, work) for work in works)
    ]
    if not series:
        return None
    groups = [RATES[work] for work in works]
    return svg.columns("Orders by contestant", "answers per second", groups, series)


def latency(figures):
    works = [work for work in OFFERED if figures.value("cartwright", work, "p50Ms")]
    if not works:
        return None
    series = [
        (name, colour, [figures.value("cartwright", work, key) for work in works])
        for (key, name), colour in zip(PERCENTILES, PERCENTILE_COLOURS)
    ]
    points = []
    for work in works:
        offered = figures.value("cartwright", work, "offeredRate")
        share = work.removeprefix("ordersOpen") + " %"
        points.append(f"{share}: {offered:,.0f}/s" if offered else share)
    unit = "milliseconds, by the rate at which orders are sent"
    return svg.lines("Latency of orders", unit, points, series)


def variants(figures, title, name, workloads):
    works = [work for work in workloads if figures.value("cartwright", work)]
    if not works:
        return None
    groups = [f"{figures.value('cartwright', work, name) or 0:,.0f}" for work in works]
    series = [("", svg.BLUE, [figures.value("cartwright", work) for work in works])]
    return svg.columns(title, "orders per second", groups, series, 380, 290)


def batch(figures):
    return variants(figures, "Orders by batch maximum", "batchMax", BATCHES)


def lanes(figures):
    return variants(figures, "Orders by lanes", "lanes", LANES)


def growth(figures):
    """In per cent, because the rates of the workloads are far apart."""
    stages = [stage for stage, _ in GROWN]
    works = [
        work
        for work in GROWING
        if any(figures.fall(work, stage) is not None for stage in stages)
    ]
    if not works:
        return None
    series = []
    for (stage, name), colour in zip(GROWN, GROWN_COLOURS):
        falls = [figures.fall(work, stage) for work in works]
        kept = [None if fall is None else 100 * (1 - fall) for fall in falls]
        series.append((name, colour, kept))
    unit = "rate in per cent of that of a shop with 1,000 products beside it; dashed: what must be kept"
    groups = [SHORT[work] for work in works]
    return svg.columns("Growth", unit, groups, series, limit=100 * (1 - LOST_MAX))


def stacked(figures, title, rows):
    """rows: (contestant, workload, name)"""
    rows = [row for row in rows if any(figures.cpu(row[0], row[1]).values())]
    if not rows:
        return None
    series = [
        (name, colour, [figures.cpu(who, work).get(key) for who, work, _ in rows])
        for (key, name), colour in zip(PROCESSES, PROCESS_COLOURS)
    ]
    return svg.stacks(title, "microseconds of CPU per request", [name for *_, name in rows], series)


def cpu(figures):
    ours = [("cartwright", work, name) for work, name in SHORT.items()]
    rows = [("echo", "echo", "echo"), *ours]
    return stacked(figures, "Where the time goes: Cartwright", rows)


def cpu_contestants(figures):
    rows = [(who, "ordersUniform", NAMES[who]) for who in CONTESTANTS]
    return stacked(figures, "Where the time goes: orders, 1,000 SKUs", rows)
