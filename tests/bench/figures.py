"""figures.py - the figures of one run, and the bars that they are held against."""

import json

PEERS = ("node", "go")
CONTESTANTS = ("cartwright",) + PEERS
NAMES = {"cartwright": "Cartwright", "node": "Node.js", "go": "Go"}
WORKLOADS = (
    "ordersUniform",
    "ordersHot",
    "flashSale",
    "orders32",
    "orders1",
    "mix",
    "cartItemAdd",
    "productGet",
    "productList",
)
OFFERED = ("ordersOpen25", "ordersOpen50", "ordersOpen75", "ordersOpen90")
BATCHES = ("ordersBatch1", "ordersBatch8", "ordersBatch32", "ordersBatch128")
LANES = ("ordersLanes1", "ordersLanes2", "ordersLanes4")
MEMORY = ("memory20k", "memory200k")
GROWING = ("ordersUniform", "cartItemAdd", "productGet", "productList", "mix")
GROWING_APART = "productGetAll"  # draws from all products, so its rate tells of the cache
LOAD_RATE_MIN = 5000  # requests per second
LOST_MAX = 0.2  # of the rate, as the shop grows
GROWN = (
    ("100kProducts", "100,000 products"),
    ("1mProducts", "1 million products"),
    ("1mOrders", "and 1 million orders"),
)
PERCENTILES = (("p50Ms", "p50"), ("p90Ms", "p90"), ("p99Ms", "p99"), ("p999Ms", "p99.9"))
PROCESSES = (
    ("broker", "RabbitMQ"),
    ("database", "mongod"),
    ("locks", "Redis"),
    ("workers", "workers"),
    ("load", "load"),
)


SERVERS = ("broker", "database", "locks")


def refuse(word):
    raise ValueError(f"{word} is no figure")


def ratio(value, base):
    return value / base if base and value is not None else None


class Figures:
    """What was not run is empty, or None where a number is asked for."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.all = json.load(file, parse_constant=refuse)
        unknown = set(self.all) - {"echo", *CONTESTANTS}
        if unknown:
            raise ValueError(f"unknown contestant '{min(unknown)}'")

    def get(self, who, workload):
        return self.all.get(who, {}).get(workload, {})

    def value(self, who, workload, name="rate"):
        return self.get(who, workload).get(name)

    def cpu(self, who, workload):
        """Microseconds per request, by process."""
        return self.get(who, workload).get("cpuUs", {})

    def title(self, *workloads):
        """What the first of them that was run is called."""
        titles = [self.value(who, work, "title") for work in workloads for who in CONTESTANTS]
        return next((title for title in titles if title), workloads[0])

    def of_peers(self, workload, name="rate"):
        values = [self.value(who, workload, name) for who in PEERS]
        return [value for value in values if value]

    def to_peer(self, workload):
        """Our rate in rates of the better peer."""
        best = max(self.of_peers(workload), default=None)
        return ratio(self.value("cartwright", workload), best)

    def of_echo(self, workload):
        return ratio(self.value("cartwright", workload), self.value("echo", "echo"))

    def between(self, workload, base):
        """Our rate in another workload's."""
        return ratio(self.value("cartwright", workload), self.value("cartwright", base))

    def beside(self, workload, stage):
        """Our rate in a small shop, which took turns with the grown one."""
        small = "productGet" if workload == GROWING_APART else workload
        return self.value("cartwright", f"{small}Beside{stage}")

    def fall(self, workload, stage):
        """By which share the rate is lower than in a small shop."""
        grown = self.value("cartwright", f"{workload}At{stage}")
        kept = ratio(grown, self.beside(workload, stage))
        return None if kept is None else 1 - kept

    def everything(self):
        """(what was run and by whom, result), in the order of the file."""
        for who, workloads in self.all.items():
            for workload, result in workloads.items():
                yield f"{NAMES.get(who, who)}, {result.get('title', workload)}", result


# --- bars: what is measured is one value, or several with names, of which the worst counts -------


def to_peer(workload):
    return lambda figures: figures.to_peer(workload)


def of_echo(workload):
    return lambda figures: figures.of_echo(workload)


def between(workload, base):
    return lambda figures: figures.between(workload, base)


def own(workload, name):
    return lambda figures: figures.value("cartwright", workload, name)


def falls(stage):
    return lambda figures: [
        (figures.fall(work, stage), figures.title(f"{work}At{stage}")) for work in GROWING
    ]


def latency_to_peer(figures):
    best = min(figures.of_peers("orders1", "p50Ms"), default=None)
    return ratio(figures.value("cartwright", "orders1", "p50Ms"), best)


def memory_change(figures):
    before = figures.value("cartwright", "memory20k", "laneRssMiB")
    after = figures.value("cartwright", "memory200k", "laneRssMiB")
    return abs(after - before) if before and after else None


def load_cpu(figures):
    """Of runs that are fast enough: at a few hundred per second each wake-up serves one request."""
    return [
        (result.get("cpuUs", {}).get("load"), name)
        for name, result in figures.everything()
        if result.get("rate", 0) >= LOAD_RATE_MIN
    ]


AT_LEAST, AT_MOST, BELOW = "at least", "at most", "below"
# factor, digits behind the point, unit
TIMES, PERCENT, MIB = (1, 2, "x"), (100, 1, " %"), (1, 1, " MiB")
MS, US = (1, 3, " ms"), (1, 1, " us")

BARS = (
    ("orders, 1,000 SKUs: to the better peer", AT_LEAST, 20, TIMES, to_peer("ordersUniform")),
    ("orders, 10 SKUs: to the better peer", AT_LEAST, 40, TIMES, to_peer("ordersHot")),
    ("orders, 1,000 SKUs: of the echo", AT_LEAST, 0.4, PERCENT, of_echo("ordersUniform")),
    ("flash sale: to orders, 10 SKUs", AT_LEAST, 1, TIMES, between("flashSale", "ordersHot")),
    ("orders, 1 in flight: p50 to the better peer's", AT_MOST, 0.7, TIMES, latency_to_peer),
    ("orders, 32 in flight: to the better peer", AT_LEAST, 8, TIMES, to_peer("orders32")),
    ("worker's CPU per order", AT_MOST, 0.1, MS, own("ordersUniform", "cpuMsPerRequest")),
    ("product.get: of the echo", AT_LEAST, 0.6, PERCENT, of_echo("productGet")),
    ("product.list: of the echo", AT_LEAST, 0.3, PERCENT, of_echo("productList")),
    ("rate lost with 1 million products", AT_MOST, LOST_MAX, PERCENT, falls("1mProducts")),
    ("rate lost with 1 million orders as well", AT_MOST, LOST_MAX, PERCENT, falls("1mOrders")),
    ("memory, change from 20,000 to 200,000 requests", AT_MOST, 2, MIB, memory_change),
    ("memory after 200,000 requests", BELOW, 24, MIB, own("memory200k", "laneRssMiB")),
    ("two lanes: to one", AT_LEAST, 1.3, TIMES, between("ordersLanes2", "ordersLanes1")),
    ("four lanes: to two", AT_LEAST, 0.9, TIMES, between("ordersLanes4", "ordersLanes2")),
    ("load generator's CPU per request, from 5,000/s", AT_MOST, 20, US, load_cpu),
)


def is_met(how, value, limit):
    return {AT_LEAST: value >= limit, AT_MOST: value <= limit, BELOW: value < limit}[how]


def judge(figures):
    """Rows of (what, target, measured, verdict); a bar whose workloads were not run has none."""
    for title, how, limit, (factor, digits, unit), measure in BARS:
        measured = measure(figures)
        values = measured if isinstance(measured, list) else [(measured, "")]
        values = [(value, name) for value, name in values if value is not None]
        if not values:
            continue
        value, name = (min if how == AT_LEAST else max)(values)
        told = f"{factor * value:.{digits}f}{unit}" + (f" ({name})" if name else "")
        verdict = "met" if is_met(how, value, limit) else "**not met**"
        yield title, f"{how} {factor * limit:g}{unit}", told, verdict
