"""machine.py - on what a benchmark ran: the machine, and the versions that the programs tell."""

import json
import os
import platform
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEERS = os.path.join(ROOT, "tests", "bench", "peers")
NOT_FOUND = "not found"

OTP_VERSION = (
    'F = filename:join([code:root_dir(), "releases", erlang:system_info(otp_release),'
    ' "OTP_VERSION"]), {ok, V} = file:read_file(F), io:put_chars(V), halt().'
)
MONGOD = '. tests/rig/rig.sh && "$(rig_mongod)" --version'

# name, then commands that tell its version: the first that can counts
PROGRAMS = (
    (
        "RabbitMQ",
        ("dpkg-query", "-W", "-f", "${Version}", "rabbitmq-server"),
        ("rabbitmqctl", "version"),
    ),
    ("Erlang", ("erl", "-noshell", "-eval", OTP_VERSION)),
    ("mongod", ("bash", "-c", MONGOD)),
    ("Redis", ("redis-server", "--version")),
    ("gcc", ("gcc", "-dumpfullversion")),
    ("libmongoc", ("pkg-config", "--modversion", "libmongoc-1.0")),
    ("librabbitmq", ("pkg-config", "--modversion", "librabbitmq")),
    ("Node.js", ("node", "--version")),
    # The compiler that built the peer may be another than that on PATH (peers/run.sh).
    ("Go", ("go", "version", "build/peers/go-peer"), ("go", "version")),
)


def ask(command):
    """What the program prints; empty when it is not there or fails."""
    try:
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout if result.returncode == 0 else ""


def version(commands):
    for command in commands:
        found = re.search(r"\d+\.\d[\w.+~-]*", ask(command))
        if found:
            return found.group()
    return NOT_FOUND


def line_of(path, pattern):
    """The first group of the pattern in a file of /proc."""
    with open(path, encoding="utf-8") as file:
        found = re.search(pattern, file.read(), re.MULTILINE)
    return found.group(1) if found else NOT_FOUND


def memory():
    kib = line_of("/proc/meminfo", r"^MemTotal: +(\d+)")
    return kib if kib == NOT_FOUND else f"{int(kib) / (1 << 20):.1f} GiB"


def node_packages():
    with open(os.path.join(PEERS, "node", "package.json"), encoding="utf-8") as file:
        return [f"{name} {wanted}" for name, wanted in json.load(file)["dependencies"].items()]


def go_modules():
    """Those that the peer asks for; not what these bring along."""
    with open(os.path.join(PEERS, "go", "go.mod"), encoding="utf-8") as file:
        found = re.findall(r"^(?:require)?\s+(\S+/\S+) v(\S+)$", file.read(), re.MULTILINE)
    return [f"{name} {wanted}" for name, wanted in found]


def describe():
    """Rows of (what, value)."""
    rows = [
        ("CPU", line_of("/proc/cpuinfo", r"^model name\s*: (.*)$")),
        ("cores", str(len(os.sched_getaffinity(0)))),
        ("memory", memory()),
        ("kernel", f"{platform.system()} {platform.release()}"),
    ]
    rows += [(name, version(commands)) for name, *commands in PROGRAMS]
    return rows + [
        ("Node.js packages", ", ".join(node_packages())),
        ("Go modules", ", ".join(go_modules())),
    ]
