#!/usr/bin/python3
"""Who comes when, who leaves, and what the others notice of it: nothing. Reports in TAP."""
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import zmq

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pygarden import wire  # noqa: E402
from pygarden.client import Silence  # noqa: E402
from pygarden.stage import GARDENCTL, GARDEND, PATIENCE, Stage, library, run  # noqa: E402

ACTORS = ("daemon", "client", "other client", "observer", "monitor")


class Play:
    """Five processes in a folder of their own."""

    def __init__(self, stage, number):
        self.run_dir = stage.path(f"run{number}")
        os.mkdir(self.run_dir, 0o700)
        self.processes = {}

    def start(self, actor):
        ctl = [GARDENCTL, "--run-dir", self.run_dir, "--timeout", str(PATIENCE * 1000)]
        words = {
            "daemon": [GARDEND, "--run-dir", self.run_dir, "--source", "none", "--log-level", "error"],
            "client": [*ctl, "seek", "1"], "other client": [*ctl, "add-node", '{"name":"n","node_type":"t","config":{}}'],
            "observer": [*ctl, "--json", "events"], "monitor": [*ctl, "ping"],
        }[actor]
        self.processes[actor] = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                                 stderr=subprocess.STDOUT)

    def end(self):
        for actor in ("client", "other client", "monitor"):
            said = self.processes[actor].communicate(timeout=PATIENCE)[0]
            assert self.processes[actor].returncode == 0, (actor, said)
        assert b"{" in self.processes["observer"].stdout.readline()  # a welcome, if it came last
        self.processes["daemon"].send_signal(signal.SIGTERM)
        assert self.processes["daemon"].wait(PATIENCE) == 0

    def close(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdout.close()


def g17_five_processes_find_each_other_in_every_start_order(stage):
    def play(numbered):
        number, order = numbered
        it = Play(stage, number)
        try:
            for actor in order:
                it.start(actor)
                time.sleep(0.01)  # so that the order is mostly that of their first dials
            it.end()
        except Exception as failed:
            raise AssertionError(f"{order}: {failed!r}") from failed
        finally:
            it.close()
        return True

    with ThreadPoolExecutor(4) as pool:
        orders = list(pool.map(play, enumerate(itertools.permutations(ACTORS))))
    assert len(orders) == 120


def g17_a_client_outlives_its_daemon_and_a_daemon_its_clients(stage):
    stage.gardend()
    client = stage.client()
    client.subscribed()
    for _ in range(3):
        stage.daemon.kill()
        stage.daemon.wait()
        stage.gardend()
        end = time.monotonic() + PATIENCE
        while True:  # a request that was on its way may have died with the daemon
            try:
                assert client.ask("shell", ("Play", {}), timeout=1)[0]["content"][0] == "Ok"
                break
            except Silence:
                assert time.monotonic() < end
        client.wait_for("Welcome")
        try:
            client.ping(timeout=1)
        except Silence:
            assert client.ping() == [b"ping"]
    client.close()
    assert stage.client().ping() == [b"ping"]


def g18_twins_on_a_router_lane_never_get_each_others_replies(stage):
    """Two that chose one routing id: the second is not heard while the first is there, and nobody else minds."""
    stage.gardend()
    first, second, other = (stage.client(lanes=("shell", "control", "hb", "query")) for _ in range(3))
    for lane in ("shell", "control"):
        content = ("GetTransportState" if lane == "shell" else "Interrupt", {})
        first.open(lane, b"twin")
        assert first.ask(lane, content)
        second.open(lane, b"twin")
        asked = second.send(lane, content)
        for _ in range(20):
            first.ask(lane, content)
            other.ask(lane, content)
        try:
            while True:
                message = second.receive(lane, 0.3)[0]
                assert message["parent_header"] == asked, "a reply to somebody else"
        except Silence:
            pass
        assert not first.replies and not first.stray and not other.replies
        first.sockets[lane].close()
        end = time.monotonic() + PATIENCE
        while True:  # the name is free, and the second dials again by itself
            try:
                assert second.ask(lane, content, timeout=1)
                break
            except Silence:
                assert time.monotonic() < end


def half_a_message(path):
    """Greets, and leaves in the middle of a frame."""
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(path)
        raw.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(48) + b"\x04\x26\x05READY")


def g22_who_leaves_disturbs_nobody(stage):
    """With requests under way on every lane, subscriptions, half a frame; by closing, and by being killed."""
    stage.gardend()
    steady = stage.client()
    steady.subscribed()
    steady.shell("Play")
    for number in range(20):
        leaver = stage.client(form=wire.JSON if number % 2 else wire.MSGPACK)
        leaver.sockets["hb"].send(b"x" * 1000)
        leaver.send("query", {"query": "q", "variables": {}})
        for _ in range(20):
            leaver.send("shell", ("GetRegions", {"range": None}))
            leaver.send("control", ("DebugDump", {}))
        killed = subprocess.Popen([GARDENCTL, "--run-dir", stage.run_dir, "events"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE)
        killed.stdout.readline()
        leaver.close()
        killed.kill()
        killed.wait()
        killed.stdout.close()
        for lane in ("shell", "control", "iopub", "hb", "query"):
            half_a_message(os.path.join(stage.run_dir, lane))
        assert steady.ping() == [b"ping"]
        assert steady.shell("Seek", beat=number)[0] == "Ok"
        assert steady.control("DebugDump")[0] == "DebugDump"
        assert steady.query("q")
    node = steady.shell("AddNode", node={"name": "last", "node_type": "t", "config": {}})[1]["node_id"]
    steady.wait_for("NodeAdded", node_id=node)
    seqs = [each["metadata"]["seq"] for each in steady.events if "seq" in each["metadata"]]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), seqs
    assert stage.daemon.poll() is None


def g23_a_heartbeat_lane_that_was_idle_for_long_still_works(stage):
    """300 s of idleness at intervals of 10 s are compressed to 3 s at intervals of 100 ms."""
    stage.gardend()
    client = stage.client()
    heart = client.context.socket(zmq.REQ)
    heart.linger = 0
    heart.heartbeat_ivl, heart.heartbeat_ttl, heart.heartbeat_timeout = 100, 60000, 30000
    heart.connect(client.endpoints["hb"])
    held = library(stage, "own.json")  # of whose pings, one each second, three are missed while nobody runs its loop
    assert client.ping() == [b"ping"] and held.ping() == 0
    for _ in range(2):
        time.sleep(4)
        assert client.ping() == [b"ping"]
        assert held.ping() == 0
        heart.send(b"still there?")
        assert heart.poll(PATIENCE * 1000) and heart.recv() == b"still there?"


def one_process_holds_several_daemons(stage):
    stages = [stage.opened(Stage()) for _ in range(3)]
    held = []
    for each in stages:
        each.gardend()
        held.append(library(each))
    for number, each in enumerate(held):
        got = each.shell("Seek", beat=float(number))
        assert got == ("Ok", {"result": {"position": float(number)}}), (number, got, each.why())
    stages[0].daemon.kill()
    stages[0].daemon.wait()
    for number, each in enumerate(held[1:], 1):
        assert each.ping() == 0
        assert each.shell("GetTransportState")[1]["position"] == float(number)
    assert held[0].ping(300) < 0
    stages[0].gardend()
    assert held[0].ping() == 0 and held[0].shell("GetTransportState")[0] == "TransportState"


run([
    g17_five_processes_find_each_other_in_every_start_order,
    g17_a_client_outlives_its_daemon_and_a_daemon_its_clients,
    g18_twins_on_a_router_lane_never_get_each_others_replies,
    g22_who_leaves_disturbs_nobody,
    g23_a_heartbeat_lane_that_was_idle_for_long_still_works,
    one_process_holds_several_daemons,
])
