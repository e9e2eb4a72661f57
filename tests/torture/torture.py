#!/usr/bin/env python3
"""torture.py BUILD [--seconds S] [--seed N] [--only NAME] [--at N] - allocations that fail, one at a time.

Each program of the table PROGRAMS is run once to count its allocations, then once for each of them
with that one failing (fail_alloc.c). What may happen: nothing that anybody could see; the end of the
process by abort(), saying that there is no memory; a typed refusal that says so. What may not: any
other signal, an abort without these words, a wrong result, a hang, and, when BUILD is one with ASan,
a wild access or a leak.

Every program gets the same share of the seconds that are left (0: as many as it takes), and tries its
allocations in an order drawn from the seed, so that what there was no time for is another part each
day. A finding is told with the command that shows it with its call stack. --at N runs one."""

import argparse
import concurrent.futures
import glob
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RUN_SECONDS = 30  # a run takes less than one
RUNS_MIN = 4  # of a program, however busy the machine is
SETTINGS = {
    "CARTWRIGHT_AMQP_URI": "amqp://localhost",
    "CARTWRIGHT_MONGODB_URI": "mongodb://localhost",
    "CARTWRIGHT_REDIS_URI": "redis://localhost",
    "CARTWRIGHT_AUTH_MASTER_KEY": "00112233445566778899aabbccddeeff" * 2,
    "CARTWRIGHT_AUTH_TOKEN_KEY": "ffeeddccbbaa99887766554433221100" * 2,
}
NO_MEMORY = re.compile(r"(out of|no|allocate( heap)?) memory")

# An allocation that a library of others makes, after which the process dies by a signal, and why.
KNOWN = (
    ("libcrypto.so", "OpenSSL 3.0 uses locks that it could not make while it sets itself up, and crashes: "
     "the lane dies and is started again"),
)  # fmt: skip

# name, program in BUILD, arguments
PROGRAMS = (
    *(("flow " + name, "tests/flow/flow", ("--log", f"tests/flow/{name}.flow")) for name in (
        "order-place", "order-lifecycle", "auth-login", "auth-refresh", "cart-item-add", "catalog-cache",
        "products-search", "idempotency-batch", "retry-delays", "crash", "notifications", "envelope")),
    *(("replay " + name, f"tests/fuzz/fuzz_{name}", (f"tests/fuzz/corpus/{name}",)) for name in sorted(
        os.path.basename(path)[len("fuzz_"):-2] for path in glob.glob(f"{ROOT}/tests/fuzz/fuzz_*.c"))),
    ("config", "cartwright", ("config", "--config", "config/dev.yaml")),
    ("describe", "cartwright", ("describe",)),
)  # fmt: skip


class Rig:
    def __init__(self, build):
        self.build = build
        self.folder = tempfile.TemporaryDirectory(prefix="torture-")

    def environment(self, at, **more):
        sanitizer = ("verify_asan_link_order=0:abort_on_error=0:exitcode=99:allocator_may_return_null=1:"
                     "fast_unwind_on_malloc=0")  # or the suppressions would not see who asked
        return {
            **os.environ,
            **SETTINGS,
            "LD_PRELOAD": os.path.join(self.build, "tests/torture/fail_alloc.so"),
            "FAIL_ALLOC_AT": str(at),
            "ASAN_OPTIONS": sanitizer,
            "LSAN_OPTIONS": f"suppressions={ROOT}/tests/torture/leaks.supp:print_suppressions=0",
            **more,
        }

    def command(self, program):
        return [os.path.join(self.build, program[1]), *program[2]]

    def run(self, program, at, **more):
        """(exit status, output); None for the status of one that hangs."""
        try:
            done = subprocess.run(
                self.command(program), env=self.environment(at, **more), cwd=ROOT, timeout=RUN_SECONDS,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)  # fmt: skip
        except subprocess.TimeoutExpired as late:
            return None, late.stdout or b""
        return done.returncode, done.stdout

    def count(self, program):
        """(allocations, what is wrong with the run in which none fails)"""
        path = os.path.join(self.folder.name, program[0].replace(" ", "-"))
        status, output = self.run(program, 0, FAIL_ALLOC_COUNT=path)
        if status != 0:
            return 0, f"exit status {status} without any failure: {tail(output)}"
        with open(path, encoding="ascii") as file:
            return int(file.read()), None


def died(status, output):
    """By a signal, or by the sanitizer's hand when it was one."""
    return status in (-signal.SIGSEGV, -signal.SIGBUS) or b"AddressSanitizer: SEGV" in output


def is_known(status, output):
    """The frame below those of fail_alloc.so made the allocation."""
    if not died(status, output):
        return False
    stack = [line for line in output.decode("utf-8", "replace").split("\n") if re.search(r"\[0x[0-9a-f]+\]$", line)]
    frames = [line for line in stack if "fail_alloc.so" not in line and "libasan" not in line]
    return bool(frames) and any(library in frames[0] for library, _ in KNOWN)


def tail(output):
    return output.decode("utf-8", "replace").strip()[-400:]


def fault_of(status, output):
    """What is wrong with a run; None when nothing is."""
    says_so = NO_MEMORY.search(output.decode("utf-8", "replace"))
    if status is None:
        return "hangs"
    if status in (99, -signal.SIGSEGV, -signal.SIGBUS) or b"runtime error:" in output:
        return f"wild access or leak: {tail(output)}"
    if status == 0 or says_so:
        return None
    return f"exit status {status}, not a word of memory: {tail(output)}"


def torture(rig, pool, program, end, seed):
    """(runs, allocations, findings) of one program, until `end`."""
    count, fault = rig.count(program)
    if fault:
        return 1, 0, [(0, fault)]
    order = random.Random(f"{seed} {program[0]}").sample(range(1, count + 1), count)
    def attempt(at):
        if end and time.monotonic() > end and at not in order[:RUNS_MIN]:
            return None
        fault = fault_of(*rig.run(program, at))
        if fault and is_known(*rig.run(program, at, FAIL_ALLOC_TELL="1")):
            fault = None
        return at, fault

    tried = [result for result in pool.map(attempt, order) if result]
    return len(tried), count, sorted((at, fault) for at, fault in tried if fault)


def tell_findings(program, findings, build):
    for at, fault in findings[:10]:
        print(f"{program[0]}: allocation {at}: {fault}")
        print(f"    tests/torture/torture.py {build} --only '{program[0]}' --at {at}")
    if len(findings) > 10:
        print(f"    and {len(findings) - 10} more")


def show_one(rig, program, at):
    status, output = rig.run(program, at, FAIL_ALLOC_TELL="1")
    sys.stdout.write(output.decode("utf-8", "replace"))
    print(f"exit status {status}: {fault_of(status, output) or 'as it should be'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build")
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only")
    parser.add_argument("--at", type=int)
    options = parser.parse_args()
    programs = [p for p in PROGRAMS if options.only in (None, p[0])]
    if not programs or (options.at and len(programs) > 1):
        parser.error("--only: one of " + ", ".join(p[0] for p in PROGRAMS))
    rig = Rig(os.path.abspath(options.build))
    if options.at:
        show_one(rig, programs[0], options.at)
        return 0
    passed = failed = 0
    last = time.monotonic() + options.seconds
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for index, program in enumerate(programs):
            now = time.monotonic()
            end = now + (last - now) / (len(programs) - index) if options.seconds else None
            runs, count, findings = torture(rig, pool, program, end, options.seed)
            print(f"  {program[0]}: {runs} of {count} allocations, {len(findings)} findings", flush=True)
            tell_findings(program, findings, options.build)
            passed, failed = passed + runs - len(findings), failed + len(findings)
    print(f"torture: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
