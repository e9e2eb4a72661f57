#!/usr/bin/env python3
"""in_slices.py SECONDS COMMAND COMMAND - two programs on one machine, of which only one is awake at a time.

Figures that are taken one after the other meet different minutes of a machine: on two shared cores one and the
same program differs by a third. Here both run from the start, and all processes of one of them are stopped
(SIGSTOP) while those of the other work, for SECONDS in turn. So each has the machine to itself, and both have
the same minutes. Whatever a program counts per second of the clock comes out at about half for both.

The commands run by `sh -c`. Ends when both have ended, with 1 if one of them failed.
"""
import collections
import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36  # prctl(2): daemons that leave their parents become ours


def children_of():
    """The processes of the machine by their parents."""
    children = collections.defaultdict(list)
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if fields[0] != "Z":
            children[int(fields[1])].append(int(name))
    return children


def descendants_of(pid):
    """`pid` and all below it, parents first."""
    children = children_of()
    found = [pid]
    for parent in found:
        found += children[parent]
    return found


def send(pids, number):
    """A signal to each that is still there."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def stop(leader):
    """Until nothing new was found: what is about to fork may do so between the look and the signal."""
    stopped = set()
    while found := [pid for pid in descendants_of(leader) if pid not in stopped]:
        send(found, signal.SIGSTOP)
        stopped.update(found)


def wake(leader):
    """Children first: nobody waits for one who sleeps."""
    send(reversed(descendants_of(leader)), signal.SIGCONT)


def lead(command):
    """Runs in a child: what the command leaves behind stays below it. Returns the status."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # it goes when those below it have gone
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    return subprocess.call(["sh", "-c", command])


def start(command):
    """The leader of a command's processes."""
    leader = os.fork()
    if leader:
        return leader
    try:
        os._exit(lead(command))
    except BaseException as error:  # pylint: disable=broad-except
        print(f"in_slices.py: {error}", file=sys.stderr)
        os._exit(1)


def has_ended(leader, statuses):
    """Notes the status of one that has."""
    if leader not in statuses:
        pid, status = os.waitpid(leader, os.WNOHANG)
        if pid:
            statuses[leader] = os.waitstatus_to_exitcode(status)
    return leader in statuses


def main():
    """See above."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    seconds = float(sys.argv[1])
    leaders, statuses = [], {}
    try:
        for command in sys.argv[2:]:
            leaders.append(start(command))
            stop(leaders[-1])
        while not all([has_ended(leader, statuses) for leader in leaders]):
            for leader in leaders:
                if has_ended(leader, statuses):
                    time.sleep(seconds)  # the other one goes on at the same pace
                    continue
                wake(leader)
                time.sleep(seconds)
                stop(leader)
    finally:
        for leader in leaders:
            if not has_ended(leader, statuses):
                send(descendants_of(leader)[1:], signal.SIGTERM)
                wake(leader)
                os.waitpid(leader, 0)
    return 1 if any(statuses.values()) else 0


if __name__ == "__main__":
    for ending in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: sys.exit(1))
    sys.exit(main())
