#!/usr/bin/env python3
"""test_nodes.py - three nodes of RabbitMQ, all of them named in every URI: lanes spread over them, and
whoever loses its node goes on at another one, killed or frozen.

The nodes of RabbitMQ themselves wait for a frozen one, for up to their net_ticktime (60 s as it comes): who
asks a healthy node meanwhile may wait as long. Here it is 8 s.

The nodes are the test's own; MongoDB and Redis are the rig's (CARTWRIGHT_MONGODB_URI, _REDIS_URI), with a
database and a prefix of this test. How long it took is printed, not judged."""
import json
import os
import signal
import subprocess
import time
import unittest
from urllib.parse import urlsplit, urlunsplit

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("CARTWRIGHT", os.path.join(ROOT, "cartwright"))
RIG_DIR = os.environ.get("RIG_DIR", "")
PREFIX = f"nodes{os.getpid()}"
LANES = 12  # that all draw the same of three nodes has a chance of one in 177,147
PATIENCE_S = 120

CONFIGURATION = f"""
amqp:
  heartbeat: 2s
pools:
  - name: shop
    domains: [auth, password, catalog, inventory, cart, order, notification, wishlist, unknown]
    lanes: {LANES}
    batchMax: 32
    prefetch: 64
"""


class Node:
    """One broker, by its folder."""

    def __init__(self, name, first=None):
        self.folder = f"{RIG_DIR}/nodes/{name}"
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith("CARTWRIGHT_")}
        self.environment["RIG_RABBITMQ_ERL_ARGS"] = "-kernel net_ticktime 8"
        if first:
            self.environment["RIG_RABBITMQ_JOIN"] = first.folder

    def do(self, command, *arguments):
        done = subprocess.run([f"{ROOT}/tests/rig/servers.sh", command, self.folder, *arguments],
                              env=self.environment, stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise AssertionError(f"{command} {self.folder}: {done.stdout}")
        return done.stdout

    def port(self):
        with open(f"{self.folder}/ports", encoding="ascii") as ports:
            return int(dict(line.strip().split("=") for line in ports)["rabbitmq"])

    def password(self, user):
        with open(f"{self.folder}/password.{user}", encoding="ascii") as file:
            return file.read().strip()


def sockets_of(pid):
    """Inodes of the sockets of a process."""
    folder = f"/proc/{pid}/fd"
    links = (os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder))
    return {link[len("socket:["):-1] for link in links if link.startswith("socket:[")}


def peers():
    """Inode -> port at the other end, of the established connections of this machine."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in list(table)[1:]]
    return {row[9]: int(row[2].split(":")[1], 16) for row in rows if row[3] == "01"}


def with_database(uri, name):
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(path="/" + name))


@unittest.skipUnless(os.path.exists(f"{RIG_DIR}/password.web"), "not the rig's broker")
class Nodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        first = Node("a")
        cls.nodes = [first, Node("b", first), Node("c", first)]
        for node in cls.nodes:
            node.do("stop")
            node.do("reset")
            node.do("start", "rabbitmq")
        cls.log_path = f"{RIG_DIR}/nodes/workers.log"
        cls.configuration = f"{RIG_DIR}/nodes/worker.yaml"
        with open(cls.configuration, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION)
        cls.environment = {**os.environ, "CARTWRIGHT_PREFIX": PREFIX,
                           "CARTWRIGHT_MONGODB_URI": with_database(os.environ["CARTWRIGHT_MONGODB_URI"], PREFIX),
                           "CARTWRIGHT_AMQP_URI": cls.uri("worker"),
                           "CARTWRIGHT_AMQP_OPERATOR_URI": cls.uri("operator"),
                           "CARTWRIGHT_CLIENT_AMQP_URI": cls.uri("web")}
        for command in ("topology", "index"):
            cls.command(command, "--config", cls.configuration)
        cls.start_workers()

    @classmethod
    def tearDownClass(cls):
        cls.workers.send_signal(signal.SIGTERM)
        status = cls.workers.wait(PATIENCE_S)
        for node in cls.nodes[::-1]:
            node.do("stop")
        assert status == 0, f"the workers ended with status {status}"

    @classmethod
    def uri(cls, user, *before):
        """Of all nodes; `before`: hosts that are named before them."""
        hosts = [*before, *(f"127.0.0.1:{node.port()}" for node in cls.nodes)]
        return f"amqp://{user}:{cls.nodes[0].password(user)}@{','.join(hosts)}/%2f"

    @classmethod
    def command(cls, *arguments, **environment):
        done = subprocess.run([PROGRAM, *arguments], check=False,
                              env={**cls.environment, **environment}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise AssertionError(f"{arguments}: {done.stdout}")
        return done.stdout

    @classmethod
    def start_workers(cls):
        with open(cls.log_path, "w", encoding="utf-8") as log:
            cls.workers = subprocess.Popen([PROGRAM, "worker", "--config", cls.configuration], stdout=log,
                                           stderr=log, stdin=subprocess.DEVNULL, env=cls.environment)
        cls.until(lambda: any("lanes are ready" in line["msg"] for line in cls.log()), "the lanes are not ready")

    @classmethod
    def log(cls, since=0.0):
        """Lines of the workers' log that were written since then."""
        with open(cls.log_path, encoding="utf-8") as log:
            lines = [json.loads(line) for line in log if line.endswith("}\n")]
        begin = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since)) + f".{int(since * 1000) % 1000:03d}Z"
        return [line for line in lines if line["ts"] >= begin]

    @classmethod
    def count(cls, message, since):
        return sum(line["msg"] == message for line in cls.log(since))

    @classmethod
    def until(cls, holds, otherwise):
        end = time.monotonic() + PATIENCE_S
        while not holds():
            if time.monotonic() > end:
                raise AssertionError(otherwise)
            time.sleep(0.05)

    @classmethod
    def lanes(cls, *nodes):
        """How many lanes have connections to these nodes."""
        pid = cls.workers.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            lanes = children.read().split()
        ports, ends = {node.port() for node in nodes}, peers()
        return sum(any(ends.get(inode) in ports for inode in sockets_of(lane)) for lane in lanes)

    def ask(self):
        self.command("call", "product.list", '{"limit": 1}')

    def lanes_move(self, victim, how):
        """A node goes; all lanes are there again without it, and the same lanes, and somebody is served."""
        before = self.lanes(victim)
        self.assertGreater(before, 0, "no lane is at the node that shall go")
        began = time.time()
        victim.do(how, "rabbitmq")
        others = [node for node in self.nodes if node is not victim]
        self.until(lambda: self.lanes(*others) == LANES and not self.lanes(victim),
                   "lanes are not back at other nodes")
        self.until(lambda: self.count("all servers answer again", began) >= before, "lanes do not go on")
        back = [line["ts"] for line in self.log(began) if line["msg"] == "all servers answer again"]
        lost = [line["ts"] for line in self.log(began) if line["msg"] == "stopped taking messages"]
        self.ask()
        self.assertFalse([line for line in self.log(began) if line.get("lane") == "supervisor"],
                         "a lane ended")
        print(f"{how} at {time.strftime('%T', time.gmtime(began))}: {before} of {LANES} lanes were there; the first "
              f"noticed at {min(lost)}, the last was back at {max(back)}")

    def test_1_lanes_spread(self):
        lanes = [self.lanes(node) for node in self.nodes]
        print(f"lanes at the nodes: {lanes}")
        self.assertEqual(sum(lanes), LANES)
        self.assertLess(max(lanes), LANES)
        self.ask()

    def test_2_a_node_is_killed(self):
        victim = max(self.nodes[1:], key=self.lanes)
        self.lanes_move(victim, "kill")
        victim.do("start", "rabbitmq")

    def test_3_a_node_is_frozen(self):
        victim = max(self.nodes, key=self.lanes)
        try:
            self.lanes_move(victim, "pause")
        finally:
            # The others have gone on without it; what wakes up now would not know.
            victim.do("kill", "rabbitmq")
            victim.do("start", "rabbitmq")
        self.ask()

    def test_4_a_host_refuses_the_login(self):
        """The rig's own broker has other passwords: whatever order is drawn, it is passed over."""
        stranger = urlsplit(os.environ["CARTWRIGHT_AMQP_URI"])
        for _ in range(5):
            self.command("call", "product.list", '{"limit": 1}', CARTWRIGHT_CLIENT_AMQP_URI=self.uri(
                "web", f"{stranger.hostname}:{stranger.port}"))

    def test_5_it_all_adds_up(self):
        self.assertIn(" 0 findings", self.command("check", "--config", self.configuration))


if __name__ == "__main__":
    unittest.main()
