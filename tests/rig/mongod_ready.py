#!/usr/bin/env python3
"""mongod_ready.py PORT [SECONDS] - makes the mongod on 127.0.0.1:PORT a replica set of one, and
waits until it takes writes.

Speaks OP_MSG with hand-made BSON: it needs three commands and no driver. Safe to repeat; a set that
was made on another port is moved to this one."""
import socket
import struct
import sys
import time

OP_MSG = 2013
NOT_YET_INITIALIZED = 94


def bson(value):
    """Encodes what the three commands need: documents, lists, strings, ints, bools."""
    body = b""
    for key, item in value.items():
        name = key.encode() + b"\0"
        if isinstance(item, bool):
            body += b"\x08" + name + (b"\1" if item else b"\0")
        elif isinstance(item, int):
            body += b"\x10" + name + struct.pack("<i", item)
        elif isinstance(item, str):
            text = item.encode() + b"\0"
            body += b"\x02" + name + struct.pack("<i", len(text)) + text
        elif isinstance(item, list):
            body += b"\x04" + name + bson({str(i): each for i, each in enumerate(item)})
        else:
            body += b"\x03" + name + bson(item)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def parse(data, at=0, as_list=False):
    """Decodes a document; values of a kind nobody asks about come out as None."""
    end = at + struct.unpack_from("<i", data, at)[0] - 1
    at += 4
    found = {}
    fixed = {0x01: 8, 0x06: 0, 0x07: 12, 0x09: 8, 0x0A: 0, 0x11: 8, 0xFF: 0, 0x7F: 0, 0x13: 16}
    while at < end:
        kind = data[at]
        stop = data.index(b"\0", at + 1)
        key, at, value = data[at + 1:stop].decode(), stop + 1, None
        if kind in (0x03, 0x04):
            value = parse(data, at, kind == 0x04)
            at += struct.unpack_from("<i", data, at)[0]
        elif kind == 0x02:
            size = struct.unpack_from("<i", data, at)[0]
            value = data[at + 4:at + 3 + size].decode(errors="replace")
            at += 4 + size
        elif kind == 0x05:
            at += 5 + struct.unpack_from("<i", data, at)[0]
        elif kind == 0x08:
            value = data[at] == 1
            at += 1
        elif kind == 0x10:
            value = struct.unpack_from("<i", data, at)[0]
            at += 4
        elif kind == 0x12:
            value = struct.unpack_from("<q", data, at)[0]
            at += 8
        else:
            if kind == 0x01:
                value = struct.unpack_from("<d", data, at)[0]
            at += fixed[kind]
        found[key] = value
    return list(found.values()) if as_list else found


def read_exactly(link, size):
    data = b""
    while len(data) < size:
        part = link.recv(size - len(data))
        if not part:
            raise ConnectionError("mongod closed the connection")
        data += part
    return data


def command(port, document):
    """Runs one command on the admin database, on a connection of its own."""
    message = struct.pack("<I", 0) + b"\0" + bson({**document, "$db": "admin"})
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        link.sendall(struct.pack("<iiii", 16 + len(message), 1, 0, OP_MSG) + message)
        size = struct.unpack("<i", read_exactly(link, 4))[0]
        return parse(read_exactly(link, size - 4)[12 + 5:])


def make_set(port):
    """Brings the set into being or to this port; True when there was nothing to do."""
    config = command(port, {"replSetGetConfig": 1})
    here = f"127.0.0.1:{port}"
    if config.get("code") == NOT_YET_INITIALIZED:
        members = [{"_id": 0, "host": here}]
        command(port, {"replSetInitiate": {"_id": "rs0", "members": members}})
    elif config.get("ok") == 1 and config["config"]["members"][0]["host"] != here:
        version = config["config"]["version"] + 1
        moved = {"_id": "rs0", "version": version, "members": [{"_id": 0, "host": here}]}
        command(port, {"replSetReconfig": moved, "force": True})


def main():
    port = int(sys.argv[1])
    deadline = time.monotonic() + float(sys.argv[2] if len(sys.argv) > 2 else 30)
    why = "no answer"
    while time.monotonic() < deadline:
        try:
            if command(port, {"hello": 1}).get("isWritablePrimary"):
                return 0
            make_set(port)
            why = "it does not become primary"
        except OSError as problem:
            why = str(problem)
        time.sleep(0.05)
    print(f"mongod on port {port}: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
