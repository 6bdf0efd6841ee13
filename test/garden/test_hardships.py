#!/usr/bin/python3
"""A real gardend under floods, with clients that never read, senseless numbers and a wall clock that jumps: G15, G16,
G19 to G21. Reports in TAP.
"""
import datetime
import json
import math
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import uuid

import zmq

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import recordings  # noqa: E402
from pygarden import wire  # noqa: E402
from pygarden.client import Silence  # noqa: E402
from pygarden.preload import Preload  # noqa: E402
from pygarden.stage import GARDENCTL, GARDEND, PATIENCE, run  # noqa: E402

MIB = 1 << 20
# What a daemon holds is measured here: what it has freed shall not be kept by a sanitizer.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"


def octets_of(client, lane, content):
    return wire.encode(client.make(lane, content))


def node(name):
    return ("AddNode", {"node": {"name": name, "node_type": "t", "config": {}}})


def resident(process):
    with open(f"/proc/{process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Deaf:
    """Greets on a lane, says what it is told, and reads no octet after the handshake."""

    def __init__(self, stage, lane, kind):
        self.raw = socket.socket(socket.AF_UNIX)
        self.raw.settimeout(PATIENCE)
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.raw.connect(os.path.join(stage.run_dir, lane))
        ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind
        self.raw.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00NULL".ljust(54 + 1, b"\x00") + b"\x04" + bytes([len(ready)]) + ready)
        self.raw.recv(64, socket.MSG_WAITALL)
        size = self.raw.recv(2, socket.MSG_WAITALL)[1]
        assert self.raw.recv(size, socket.MSG_WAITALL).startswith(b"\x05READY")

    def say(self, octets):
        """One message of one part. False: nobody takes it."""
        head = b"\x02" + struct.pack(">Q", len(octets)) if len(octets) > 255 else bytes([0, len(octets)])
        try:
            self.raw.sendall(head + octets)
            return True
        except socket.timeout:
            return False

    def close(self):
        self.raw.close()


# ---- G15

def g15_a_retried_stream_start_is_one_stream(stage):
    """Under its msg_id it is answered from the record, word for word; under a new one it is found to be there."""
    stage.gardend()
    client = stage.client()
    audio = ("Audio", {"sample_rate": 48000, "channels": 2, "sample_format": "S32Le"})
    start = ("StreamStart", {"uri": "stream://dev/main", "chunk_path": stage.staged("chunk"), "definition":
                             {"device_identity": "dev", "format": audio, "chunk_size_bytes": 65536}})
    header = client.send("shell", start)
    first = client.reply_to("shell", header)[0]
    assert first["content"][0] == "Ok", first
    for _ in range(3):
        assert client.send("shell", start, again=header) == header
        assert client.reply_to("shell", header)[0] == first
    other = client.shell(*start[:1], **start[1])
    assert other[0] == "Ok", other
    streams = client.control("DebugDump")[1]["state"]["streams"]
    assert len(streams) == 1, streams
    stop = client.send("shell", ("StreamStop", {"uri": "stream://dev/main"}))
    ended = client.reply_to("shell", stop)[0]
    assert ended["content"][0] == "Ok", ended
    client.send("shell", start, again=header)  # late: it does not begin anew
    assert client.reply_to("shell", header)[0] == first
    assert client.shell("StreamStop", uri="stream://dev/main")[1]["result"]["totals"] == ended["content"][1]["result"]["totals"]


def g15_the_same_id_on_another_lane_is_another_request(stage):
    """Each lane has a record of its own: both are executed, once, and each is answered again with its own answer."""
    stage.gardend()
    client = stage.client()
    client.subscribed()
    header = client.send("shell", ("Play", {}))
    played = client.reply_to("shell", header)[0]
    assert played["content"][0] == "Ok", played
    assert client.shell("GetTransportState")[1]["playing"]
    same = dict(header, msg_type="control_request")
    client.send("control", ("Pause", {}), again=same)
    paused = client.reply_to("control", same)[0]
    assert paused["content"][0] == "Ok" and paused["parent_header"]["msg_id"] == header["msg_id"], paused
    assert not client.shell("GetTransportState")[1]["playing"], "it was executed, and not answered from shell's record"
    for _ in range(2):
        client.send("shell", ("Play", {}), again=header)
        assert client.reply_to("shell", header)[0] == played
        client.send("control", ("Pause", {}), again=same)
        assert client.reply_to("control", same)[0] == paused
    assert not client.shell("GetTransportState")[1]["playing"], "neither is executed twice"
    client.send("query", {"query": "{ Transport { playing @output } }", "variables": {}}, again=dict(header, msg_type="query_request"))
    rows = client.reply_to("query", header)[0]["content"]
    assert rows == ("Results", {"rows": [{"playing": False}]}), rows
    assert client.control("DebugDump")[1]["state"]["counters"]["repeated"] == 4


def the_playhead_is_the_same_to_the_last_bit_after_a_kill(stage):
    """Though the tempo was changed on its way."""
    ask = "{ Transport { position @output second @output tempo @output } }"
    stage.gardend()
    client = stage.client()
    client.shell("Play")
    for tempo in (77.7, 333.3, 61.0):
        client.shell("SetTempo", bpm=tempo)
        time.sleep(0.1)
    client.shell("Pause")
    before = client.query(ask)
    row = before[1]["rows"][0]
    assert row["second"] > 0.2 and abs(row["second"] - row["position"] * 60 / row["tempo"]) > 0.05, row
    stage.daemon.kill()
    stage.daemon.wait()
    stage.gardend()
    assert stage.client().query(ask) == before


# ---- G16

def flooding(client, lane, contents):
    """Sends all of |contents| without reading a reply."""
    made = client.context.socket(zmq.DEALER)
    made.linger, made.sndhwm, made.rcvhwm = 0, 0, 0
    made.connect(client.endpoints[lane])
    ready = [octets_of(client, lane, each) for each in contents]
    for octets in ready:
        made.send(octets)
    return made


def make_regions(client, count):
    """So many that a list of them takes a while, and 200 lists fit into what may wait for one client."""
    play = ("PlayContent", {"artifact_id": "a"})
    made = flooding(client, "shell", [("CreateRegion", {"position": float(at), "duration": 1.0, "behavior": play})
                                      for at in range(count)])
    for _ in range(count):
        assert made.poll(PATIENCE * 1000)
        made.recv()


def g16_a_pause_overtakes_what_shell_and_query_were_asked_before_it(stage):
    """The daemon's own count of requests tells how far the flood was when the pause had been answered."""
    stage.gardend("--state", "none")
    client = stage.client()
    client.shell("Play")
    count = 20000
    query = flooding(client, "query", [{"query": "q", "variables": {}}] * 2000)
    shell = flooding(client, "shell", [("Seek", {"beat": 1.0})] * count)
    assert client.control("Pause") == ("Ok", {})
    then = client.control("DebugDump")[1]["state"]
    assert not then["transport"]["playing"], then["transport"]
    for made, expected in ((query, 2000), (shell, count)):
        for _ in range(expected):  # and each of them is answered
            assert made.poll(PATIENCE * 1000)
            made.recv()
    requests = client.control("DebugDump")[1]["state"]["counters"]["requests"]
    assert requests - then["counters"]["requests"] > count // 10, (requests, then["counters"])


def shut_down(stage, client):
    reply = client.reply_to("control", client.send("control", ("Shutdown", {})))[0]
    assert reply["content"][0] == "ShuttingDown", reply
    assert stage.daemon.wait(PATIENCE) == 0


def g16_a_shutdown_does_not_wait_for_long_answers(stage):
    """Four hundred wait for their turn: those whose turn has not come are Errors."""
    stage.gardend("--state", "none")
    client = stage.client()
    make_regions(client, 3000)
    asked = client.control("DebugDump")[1]["state"]["counters"]["requests"]
    long = flooding(client, "shell", [("GetRegions", {"range": None})] * 400)
    while client.control("DebugDump")[1]["state"]["counters"]["requests"] < asked + 400:
        pass
    shut_down(stage, client)
    whole = errors = 0
    while long.poll(500):
        reply = wire.decode(long.recv())[0]["content"]
        whole += reply[0] == "Regions"
        errors += reply[0] == "Error" and "shutting down" in reply[1]["error"]
    assert whole + errors == 400 and errors > 40, (whole, errors)


def g16_a_shutdown_does_not_wait_for_the_end_of_a_flood(stage):
    """Three clients ask on and on; it ends all the same."""
    stage.gardend()
    client = stage.client()
    over = threading.Event()

    def ask_on():
        asking = stage.opened(type(client)(client.endpoints, lanes=("shell",)))
        made = asking.sockets["shell"]
        made.sndtimeo, made.sndhwm = 100, 100
        while not over.is_set():
            try:
                made.send(octets_of(asking, "shell", ("SetTempo", {"bpm": 99.0})))
            except zmq.Again:
                pass

    threads = [threading.Thread(target=ask_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        while client.control("DebugDump")[1]["state"]["counters"]["requests"] < 2000:
            pass
        shut_down(stage, client)
    finally:
        over.set()
        for thread in threads:
            thread.join()


def g16_a_debug_dump_overtakes_long_answers_to_shell(stage):
    stage.gardend("--state", "none")
    client = stage.client()
    make_regions(client, 3000)
    long = flooding(client, "shell", [("GetRegions", {"range": None})] * 200)
    assert long.poll(PATIENCE * 1000)
    long.recv()
    dump = client.control("DebugDump")[1]["state"]["counters"]
    done = 0
    while long.poll(0):
        long.recv()
        done += 1
    assert done < 100, f"{done} of 200 were made first"
    assert dump["requests"] > 3000, dump
    for _ in range(199 - done):  # and they are answered, too
        assert long.poll(PATIENCE * 1000)
        assert wire.decode(long.recv())[0]["content"][0] == "Regions"


# ---- Those who never read

def g19_a_stuck_subscriber_costs_a_bounded_queue_and_delays_nobody(stage):
    stage.gardend("--state", "none")
    steady = stage.client()
    steady.subscribed()
    stuck = [stage.opened(Deaf(stage, "iopub", b"SUB")) for _ in range(2)]
    for each in stuck:
        assert each.say(b"\x01")
    name = "n" * 60000

    def publish(count):
        for _ in range(count):
            made = steady.shell(*node(name)[:1], **node(name)[1])[1]["node_id"]
            steady.wait_for("NodeAdded", node_id=made)
            steady.shell("RemoveNode", node_id=made)
            steady.wait_for("NodeRemoved", node_id=made)

    publish(400)  # 24 MB: the history and both queues are full
    before = resident(stage.daemon)
    publish(1000)
    grown = resident(stage.daemon) - before
    assert grown < 8 * MIB, f"60 MB of events made it grow by {grown // MIB} MiB"
    seqs = [each["metadata"]["seq"] for each in steady.events if "seq" in each["metadata"]]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), "the other subscriber missed events"
    assert stage.client().ping() == [b"ping"]


def g19_events_that_nobody_reads_are_bounded_in_all(stage):
    """Fourteen subscribers stop to read, one after the other, so that each has 8 MiB of its own waiting; all together
    no more than 64. One that reads misses nothing."""
    stage.gardend("--state", "none")
    steady = stage.client()
    steady.subscribed()
    name = "n" * 60000

    def publish(count):
        for _ in range(count):
            made = steady.shell(*node(name)[:1], **node(name)[1])[1]["node_id"]
            steady.wait_for("NodeAdded", node_id=made)
            steady.shell("RemoveNode", node_id=made)
            steady.wait_for("NodeRemoved", node_id=made)

    publish(100)  # the history is full
    before = resident(stage.daemon)
    for _ in range(14):
        assert stage.opened(Deaf(stage, "iopub", b"SUB")).say(b"\x01")
        publish(145)
    grown = resident(stage.daemon) - before
    assert 32 * MIB < grown < 84 * MIB, f"it grew by {grown // MIB} MiB"
    seqs = [each["metadata"]["seq"] for each in steady.events if "seq" in each["metadata"]]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), "the other subscriber missed events"


def g19_replies_that_nobody_reads_are_bounded_in_all(stage):
    """Twelve clients ask for 30 MB each. Each alone may have 16 MiB waiting; all together no more than 64."""
    stage.gardend("--state", "none")
    client = stage.client()
    for _ in range(80):
        client.shell(*node("n" * 60000)[:1], **node("n" * 60000)[1])
    before = resident(stage.daemon)
    ask = ("GetEvents", {"from_seq": 0})
    deaf = [stage.opened(Deaf(stage, "shell", b"DEALER")) for _ in range(12)]
    for _ in range(100):
        for each in deaf:
            assert each.say(octets_of(client, "shell", ask))
    end = time.monotonic() + PATIENCE
    while client.control("DebugDump")[1]["state"]["counters"]["requests"] < 1200:
        assert time.monotonic() < end
        assert client.shell("GetEvents", from_seq=0)[0] == "Events"  # one that reads has room
    grown = resident(stage.daemon) - before
    assert 32 * MIB < grown < 96 * MIB, f"it grew by {grown // MIB} MiB"
    assert client.control("DebugDump")[1]["state"]["counters"]["undeliverable"] > 0


# ---- G20

MOVES = {
    "UpdateLatentStarted": {"job_id": "j"}, "UpdateLatentProgress": {"progress": 0.5},
    "UpdateLatentResolved": {"artifact_id": "a", "content_hash": "h", "content_type": "Audio"},
    "UpdateLatentFailed": {"error": "e"}, "ApproveLatent": {"decided_by": uuid.UUID(int=7)},
    "RejectLatent": {"decided_by": uuid.UUID(int=7), "reason": None},
}
STARTED, PROGRESS, RESOLVED, FAILED, APPROVE, REJECT = MOVES
WAYS = {  # how a region gets into each state, and what is legal there
    "Pending": ((), {STARTED, FAILED}),
    "Running": ((STARTED,), {PROGRESS, RESOLVED, FAILED}),
    "Resolved": ((STARTED, RESOLVED), {APPROVE, REJECT}),
    "Approved": ((STARTED, RESOLVED, APPROVE), set()),
    "Rejected": ((STARTED, RESOLVED, REJECT), set()),
    "Failed": ((STARTED, FAILED), set()),
}


def what_is(client):
    """All of the state that a request could have changed."""
    state = client.control("DebugDump")[1]["state"]
    for key in ("counters", "uptime_ms", "streams", "sources"):
        state.pop(key, None)
    approvals = client.shell("GetPendingApprovals")[1]
    return json.dumps([state, client.shell("GetTransportState")[1], client.shell("GetRegions", range=None)[1], approvals],
                      default=str, sort_keys=True)


def events_until_mark(client):
    """The names of the events that were published before this."""
    made = client.shell(*node("mark")[:1], **node("mark")[1])[1]["node_id"]
    first = len(client.events)
    client.wait_for("NodeAdded", node_id=made)
    client.shell("RemoveNode", node_id=made)
    client.wait_for("NodeRemoved", node_id=made)
    return [each["content"][0] for each in client.events[first:-2]]


def g20_illegal_latent_moves_are_errors_and_change_nothing(stage):
    stage.gardend()
    client = stage.client()
    client.subscribed()
    for state, (way, legal) in WAYS.items():
        for move, fields in MOVES.items():
            region = client.shell("CreateRegion", position=0.0, duration=4.0,
                                  behavior=("Latent", {"job_id": "j"}))[1]["region_id"]
            for step in way:
                assert client.shell(step, region_id=region, **MOVES[step])[0] == "Ok", (state, step)
            events_until_mark(client)
            before = what_is(client)
            reply = client.shell(move, region_id=region, **fields)
            assert (reply[0] == "Ok") == (move in legal), (state, move, reply)
            told = events_until_mark(client)
            assert len(told) == (1 if move in legal else 0), (state, move, told)
            if move not in legal:
                assert reply[0] == "Error" and reply[1]["error"], (state, move, reply)
                assert what_is(client) == before, (state, move)
            assert client.shell("DeleteRegion", region_id=region)[0] == "Ok"


def g20_numbers_that_are_none_or_senseless_are_errors_and_change_nothing(stage):
    stage.gardend()
    client = stage.client()
    region = client.shell("CreateRegion", position=1.0, duration=1.0,
                          behavior=("PlayContent", {"artifact_id": "a"}))[1]["region_id"]
    client.shell("Seek", beat=2.0)
    client.subscribed()
    client.shell("Pause")
    client.shell("Seek", beat=2.0)
    events_until_mark(client)
    play = ("PlayContent", {"artifact_id": "a"})
    senseless = [math.nan, math.inf, -math.inf, -1.0, -1e308, 1e308]
    for form in (wire.MSGPACK, wire.JSON):
        client.form = form
        for number in senseless:
            requests = [("Seek", {"beat": number}), ("SetTempo", {"bpm": number}),
                        ("MoveRegion", {"region_id": region, "new_position": number}),
                        ("CreateRegion", {"position": number, "duration": 1.0, "behavior": play}),
                        ("CreateRegion", {"position": 1.0, "duration": number, "behavior": play})]
            requests += [("SetTempo", {"bpm": 0.0}), ("SetTempo", {"bpm": 1000.5}),
                         ("GetRegions", {"range": [number, number]}), ("GetRegions", {"range": [4.0, 2.0]})]
            before = what_is(client)
            for name, fields in requests:
                # What cannot be read has no content whose reply could be checked by ask: only that it is an Error.
                client.send("shell", (name, fields))
                reply = client.receive("shell")[0]
                sensible = name == "GetRegions" and math.isfinite(number) and fields["range"][0] <= fields["range"][1]
                if not sensible:
                    assert reply["content"][0] == "Error" and reply["content"][1]["error"], (form, name, fields, reply)
            assert what_is(client) == before, (form, number)
    assert not events_until_mark(client)
    client.form = wire.MSGPACK
    assert client.shell("Seek", beat=3.0)[0] == "Ok"


# ---- G21

def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if len(text) < 28 else \
        datetime.datetime.fromisoformat(text[:26] + "+00:00").timestamp()


class Wall(Preload):
    """A wall clock of the processes that get |env|, which is ahead by |seconds|."""

    def __init__(self, stage):
        super().__init__(stage, WALL_AHEAD=0)

    def jump(self, seconds):
        self.write("WALL_AHEAD", seconds)


DAY = 86400
JUMPS = [DAY, -3600, 0, 40 * 365 * DAY, -20 * 365 * DAY, 5, -5, 3600]


def g21_a_wall_clock_that_jumps_disturbs_neither_time_nor_capture_nor_patience(stage):
    """Daemon and client see it jump eight times while a stream is captured and the transport plays."""
    wall = Wall(stage)
    store, frames = stage.path("store"), 3 * 48000
    os.makedirs(os.path.join(store, "staging"))
    ready, write = os.pipe()
    stage.daemon = subprocess.Popen(
        [GARDEND, "--run-dir", stage.run_dir, "--staging", os.path.join(store, "staging"), "--log-level", "error", "--source",
         f"counter:2,48000,{frames}", "--ready-fd", str(write)], pass_fds=(write,), stdin=subprocess.DEVNULL, env=wall.env)
    os.close(write)
    assert os.read(ready, 10)
    os.close(ready)
    client = stage.client()
    client.subscribed()
    client.shell("Stop")
    events_until_mark(client)
    first = len(client.events)
    begun = time.monotonic()
    client.shell("Play")
    capture = subprocess.Popen(
        [GARDENCTL, "--run-dir", stage.run_dir, "--json", "capture", "--store", store, "--chunk-bytes", "65536"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=wall.env)
    for jump in JUMPS:
        time.sleep(0.3)
        wall.jump(jump)
        assert client.ping() == [b"ping"]
    out, err = capture.communicate(timeout=PATIENCE)
    assert capture.returncode == 0 and "not answer" not in err, (capture.returncode, err)
    client.shell("Pause")
    played = time.monotonic() - begun
    beats = client.shell("GetTransportState")[1]["position"] * 60 / 120
    assert played - 1 < beats <= played, (played, beats)
    client.wait_for("PlaybackStopped")
    events = client.events[first:]

    # The jumps were seen, or all of this would prove nothing.
    stamps = [instant(each["header"]["timestamp"]) for each in events]
    assert max(stamps) - min(stamps) > 30 * 365 * DAY, "the clock did not jump"

    done = json.loads(out)
    assert (done["captured"], done["lost"]) == (frames, 0), done
    manifest = recordings.read_manifest(store, done["manifest"])
    assert recordings.check(store, manifest, recordings.Counter("s32_le", 2)) == (frames, 0)
    begin, end = (manifest[key]["secs_since_epoch"] for key in ("started_at", "last_updated"))
    assert 2 <= end - begin < 60, (begin, end)
    heads = [each["content"][1] for each in events if each["content"][0] == "StreamHeadPosition"]
    times = [instant(each["wall_clock"]) for each in heads]
    assert len(times) > 10 and times == sorted(times) and times[-1] - times[0] < 60, times
    for one, next_one in zip(heads, heads[1:]):
        assert one["sample_position"] <= next_one["sample_position"]
    positions = [each["content"][1]["beat"] for each in events if each["content"][0] == "PlaybackPosition"]
    assert len(positions) > 20 and positions == sorted(positions) and positions[-1] * 60 / 120 <= played, positions


def g21_a_client_waits_by_the_monotonic_clock(stage):
    """Nobody answers: it gives up after its timeout, whatever the wall's clock does meanwhile."""
    wall = Wall(stage)
    begun = time.monotonic()
    waiting = subprocess.Popen([GARDENCTL, "--run-dir", stage.run_dir, "--timeout", "1500", "ping"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=wall.env)
    for jump in JUMPS:
        time.sleep(0.1)
        wall.jump(jump)
        assert waiting.poll() is None, "it gave up early"
    assert waiting.wait(PATIENCE) != 0
    assert time.monotonic() - begun >= 1.4
    waiting.stdout.close()


run([
    g15_a_retried_stream_start_is_one_stream,
    g15_the_same_id_on_another_lane_is_another_request,
    the_playhead_is_the_same_to_the_last_bit_after_a_kill,
    g16_a_pause_overtakes_what_shell_and_query_were_asked_before_it,
    g16_a_shutdown_does_not_wait_for_long_answers,
    g16_a_shutdown_does_not_wait_for_the_end_of_a_flood,
    g16_a_debug_dump_overtakes_long_answers_to_shell,
    g19_a_stuck_subscriber_costs_a_bounded_queue_and_delays_nobody,
    g19_events_that_nobody_reads_are_bounded_in_all,
    g19_replies_that_nobody_reads_are_bounded_in_all,
    g20_illegal_latent_moves_are_errors_and_change_nothing,
    g20_numbers_that_are_none_or_senseless_are_errors_and_change_nothing,
    g21_a_wall_clock_that_jumps_disturbs_neither_time_nor_capture_nor_patience,
    g21_a_client_waits_by_the_monotonic_clock,
])
