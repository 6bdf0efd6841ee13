#!/usr/bin/python3
"""garden/tools/garden.lua in tshark, over a session that is recorded here; skipped where there is no tshark.

A relay between pygarden's client and gardend writes what it forwards as packets of a capture file, some of them cut
into small segments. Reports in TAP.
"""
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pygarden import wire  # noqa: E402
from pygarden.client import Client, from_file  # noqa: E402
from pygarden.stage import PATIENCE, Skipped, run  # noqa: E402

SCRIPT = os.path.join("garden", "tools", "garden.lua")


class Pcap:
    """A capture file of IP packets, without checksums."""

    def __init__(self, path):
        self.file = open(path, "wb")  # pylint: disable=consider-using-with
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        self.count, self.lock = 0, threading.Lock()

    def packet(self, ports, seq, octets):
        with self.lock:
            self.count += 1
            tcp = struct.pack(">HHIIBBHHH", *ports, seq, 1, 5 << 4, 0x18, 65535, 0, 0) + octets
            head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), self.count, 0, 64, 6, 0,
                               b"\x7f\0\0\1", b"\x7f\0\0\1")
            self.file.write(struct.pack("<IIII", 1700000000, self.count, 20 + len(tcp), 20 + len(tcp)) + head + tcp)

    def close(self):
        self.file.close()


class Relay:
    """Takes one connection, and writes what goes through it."""

    def __init__(self, endpoint, pcap, segment):
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.target, self.pcap, self.segment = (host, int(port)), pcap, segment
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.forward, daemon=True)
        self.thread.start()

    def forward(self):
        near, address = self.listener.accept()
        far = socket.create_connection(self.target)
        ways = {near: (far, (address[1], self.target[1])), far: (near, (self.target[1], address[1]))}
        seqs = {near: 1, far: 1}
        while True:
            for each in select.select(list(ways), [], [])[0]:
                octets = each.recv(30000)
                if not octets:
                    near.close()
                    far.close()
                    return
                to, ports = ways[each]
                for start in range(0, len(octets), self.segment):
                    some = octets[start:start + self.segment]
                    self.pcap.packet(ports, seqs[each], some)
                    seqs[each] += len(some)
                to.sendall(octets)

    def close(self):
        self.listener.close()
        self.thread.join(PATIENCE)


def tshark(*options):
    # The ports are whatever was free, and some of those are other protocols' to tshark.
    done = subprocess.run(["tshark", "-X", f"lua_script:{SCRIPT}", "-o", "tcp.try_heuristic_first:TRUE", *options], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    assert "Lua" not in done.stderr and "Lua Error" not in done.stdout, (done.stderr, done.stdout[:2000])
    return done.stdout


def record(stage, form, dialect, segment):
    """A session through relays: the path of its capture, and the headers of its requests."""
    if not shutil.which("tshark"):
        raise Skipped("there is no tshark")
    stage.gardend("--tcp", "127.0.0.1:0", "--topics")
    path = stage.path("session.pcap")
    pcap = Pcap(path)
    relays = {lane: Relay(endpoint, pcap, segment)
              for lane, endpoint in from_file(os.path.join(stage.run_dir, "connection.json")).items()}
    client = Client({lane: relay.endpoint for lane, relay in relays.items()}, form, dialect)
    client.ping()
    client.subscribed()
    headers = []
    for lane, content in (("shell", ("Seek", {"beat": 16})), ("control", ("Interrupt", {})),
                          ("query", {"query": "q", "variables": {}}),
                          ("shell", ("AddNode", {"node": {"name": "n" * 1000, "node_type": "t", "config": None}}))):
        headers.append(client.send(lane, content))
        client.reply_to(lane, headers[-1])
    client.close()
    for relay in relays.values():
        relay.close()
    pcap.close()
    return path, headers


def told_of(stage, form, dialect, segment):
    path, headers = record(stage, form, dialect, segment)
    lines = tshark("-r", path, "-T", "fields", "-E", "separator=|", "-e", "garden.msg_type", "-e", "garden.msg_id", "-e",
                   "garden.parent", "-Y", "garden.msg_type").splitlines()
    joined = "\n".join(lines)
    for header in headers:
        lane = header["msg_type"].split("_")[0]
        assert f"{header['msg_type']}|{header['msg_id']}|" in joined, (header, joined[:2000])
        assert any(line.startswith(f"{lane}_reply|") and line.endswith(str(header["msg_id"])) for line in lines), header
    assert "iopub_event" in joined
    whole = tshark("-r", path, "-O", "zmtp,garden", "-V")
    for words in ("Version: 3.", "Mechanism: NULL", "Command: READY", 'Property: Socket-Type: "DEALER"', "Topic: NodeAdded",
                  "n" * 100):
        assert words in whole, words
    assert "cannot be read" not in whole
    return tshark("-r", path)


def a_session_in_messagepack_is_told(stage):
    lines = told_of(stage, wire.MSGPACK, wire.EXTERNAL, 30000)
    assert "shell_request Seek" in lines and "control_reply Interrupted" in lines, lines


def a_session_in_small_segments_is_put_together(stage):
    lines = told_of(stage, wire.MSGPACK, wire.TAGGED, 7)
    assert "shell_request seek" in lines and "control_reply interrupted" in lines, lines


def a_session_in_json_is_told(stage):
    lines = told_of(stage, wire.JSON, wire.EXTERNAL, 30000)
    assert "shell_request Seek" in lines and "control_reply Interrupted" in lines, lines


def octets_that_are_nothing_are_told_as_such(stage):
    if not shutil.which("tshark"):
        raise Skipped("there is no tshark")
    path = stage.path("bad.pcap")
    pcap = Pcap(path)
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(48)
    for number, octets in enumerate((b"\0\1\xc1", b"\0\2\x94\xc0", b"\4\3\xffab", b"\4\6\5READY\xff"[:8], b"\0\5" + b"\x91" * 5,
                                     b"\2" + b"\xff" * 8 + b"x", b"\0\5\xdd\xff\xff\xff\xff", b"\0\2{}", b"\4\0")):
        pcap.packet((1000 + number, 9), 1, greeting)
        pcap.packet((1000 + number, 9), 65, octets)
    pcap.close()
    whole = tshark("-r", path, "-V")
    assert whole.count("cannot be read") >= 4, whole[-3000:]


run([
    a_session_in_messagepack_is_told,
    a_session_in_small_segments_is_put_together,
    a_session_in_json_is_told,
    octets_that_are_nothing_are_told_as_such,
])
