#!/usr/bin/python3
"""The garden protocol between libgarden and pygarden, which was written from the protocol's text alone.

pygarden's client drives gardend; gardenctl and the client library drive pygarden's server. Reports in TAP.
"""
import json
import os
import sys
import threading
import time
import uuid

import zmq

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pygarden import wire  # noqa: E402
from pygarden.client import Silence  # noqa: E402
from pygarden.stage import PATIENCE, library, run  # noqa: E402

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vectors", "garden-messages.tsv")
FORMS = [(form, dialect) for form in (wire.MSGPACK, wire.JSON) for dialect in (wire.EXTERNAL, wire.TAGGED)]
TIMEOUT, FORMAT, VERSION, TYPE = -9, -11, -12, -13  # of enum garden_err


# ---- pygarden alone, against what the Rust implementation's encoders wrote

def pygarden_writes_what_it_reads_of_the_recorded_messages(_):
    count = 0
    with open(VECTORS, encoding="utf-8") as file:
        for line in file:
            if line.startswith("#"):
                continue
            dialect, kind, name, octets, text = line.rstrip("\n").split("\t")
            octets = bytes.fromhex(octets)
            kind = {"IOPubMessage": "Event", "MessageHeader": "Header"}.get(kind, kind)
            if kind == "Message":
                value, other = wire.decode(octets)[0], wire.decode(text.encode())[0]
                again = [wire.encode(value, form, dialect) for form in (wire.MSGPACK, wire.JSON)]
            else:
                value = wire.decode_value(kind, octets, wire.MSGPACK)[0]
                other = wire.decode_value(kind, text.encode(), wire.JSON)[0]
                again = [wire.encode_value(kind, value, form, dialect) for form in (wire.MSGPACK, wire.JSON)]
            assert again[0] == octets and json.loads(again[1]) == json.loads(text) and value == other, (dialect, name)
            count += 1
    assert count > 90, count


# ---- pygarden's client and gardend

class Told:
    """A client that notes what it asks and hears."""

    def __init__(self, client):
        self.client = client
        self.asked, self.heard = set(), set()

    def shell(self, wanted, name, **fields):
        return self.ask("shell", wanted, (name, fields), name)

    def ask(self, lane, wanted, content, name=None):
        message, dialect = self.client.ask(lane, content)
        got, fields = message["content"]
        assert got == wanted, (lane, content, got, fields)
        # A query is a struct without a variant in it, so that only its reply tells a dialect.
        assert lane == "query" or dialect == self.client.dialect, (lane, content, dialect)
        self.asked.add((lane, name))
        self.heard.add((lane, got))
        return fields


def tell_of_the_transport(told):
    assert told.shell("Ok", "Play")["result"] == {"status": "playing"}
    assert told.shell("TransportState", "GetTransportState")["playing"] is True
    assert told.shell("Ok", "Pause")["result"] == {"status": "paused"}
    assert told.shell("Ok", "Seek", beat=16)["result"] == {"position": 16.0}
    assert told.shell("Ok", "SetTempo", bpm=96.5)["result"] == {"tempo": 96.5}
    state = told.shell("TransportState", "GetTransportState")
    assert state == {"playing": False, "position": 16.0, "tempo": 96.5}, state
    assert told.shell("Ok", "Stop")["result"] == {"status": "stopped"}
    assert told.shell("TransportState", "GetTransportState")["position"] == 0.0
    assert "tempo" in told.shell("Error", "SetTempo", bpm=-1)["error"]


def tell_of_regions(told):
    made = [told.shell("RegionCreated", "CreateRegion", position=4 * i, duration=4, behavior=behavior)["region_id"]
            for i, behavior in enumerate((
                ("PlayContent", {"artifact_id": "kick"}), ("Latent", {"job_id": "j1"}),
                ("ApplyProcessing", {"parameter": "gain", "curve": [{"beat": 0, "value": 0.25}, {"beat": 2, "value": 1}]}),
                ("EmitTrigger", {"event_type": "cue"})))]
    regions = told.shell("Regions", "GetRegions", range=None)["regions"]
    assert [each["region_id"] for each in regions] == made, regions
    assert [each["is_latent"] for each in regions] == [False, True, False, False]
    assert regions[0]["artifact_id"] == "kick"
    told.shell("Ok", "MoveRegion", region_id=made[3], new_position=100.5)
    found = told.shell("Regions", "GetRegions", range=(100, 101))["regions"]
    assert [each["region_id"] for each in found] == [made[3]] and found[0]["position"] == 100.5
    told.shell("Ok", "DeleteRegion", region_id=made[3])
    told.shell("Error", "DeleteRegion", region_id=made[3])


def tell_of_latents(told):
    first, second, third = (
        told.shell("RegionCreated", "CreateRegion", position=i, duration=1, behavior=("Latent", {"job_id": "j"}))["region_id"]
        for i in range(3))
    content = {"artifact_id": "song", "content_hash": "ab" * 32, "content_type": "Audio"}
    for region in (first, second, third):
        told.shell("Ok", "UpdateLatentStarted", region_id=region, job_id="j2")
        told.shell("Ok", "UpdateLatentProgress", region_id=region, progress=0.5)
    for region in (first, second):
        told.shell("Ok", "UpdateLatentResolved", region_id=region, **content)
    told.shell("Ok", "UpdateLatentFailed", region_id=third, error="no idea")
    pending = told.shell("PendingApprovals", "GetPendingApprovals")["approvals"]
    assert {each["region_id"] for each in pending} == {first, second}
    assert all(each["content_hash"] == "ab" * 32 and each["content_type"] == "Audio" for each in pending)
    told.shell("Ok", "ApproveLatent", region_id=first, decided_by=uuid.uuid4())
    told.shell("Ok", "RejectLatent", region_id=second, decided_by=uuid.uuid4(), reason="too loud")
    told.shell("Error", "RejectLatent", region_id=second, decided_by=uuid.uuid4(), reason=None)
    assert told.shell("PendingApprovals", "GetPendingApprovals")["approvals"] == []
    told.shell("Ok", "Play")  # the playhead enters the approved one
    return first


def tell_of_the_graph(told):
    ports = {"inputs": [{"name": "in", "signal_type": "audio"}], "outputs": [{"name": "out", "signal_type": "audio"}]}
    ends = [told.shell("NodeAdded", "AddNode", node={"name": name, "node_type": "gain", "config": ports})["node_id"]
            for name in ("left", "right")]
    wire_ends = {"source": {"node_id": ends[0], "port_name": "out"}, "dest": {"node_id": ends[1], "port_name": "in"}}
    told.shell("Ok", "Connect", **wire_ends)
    told.shell("Error", "Connect", **wire_ends)
    told.shell("Ok", "Disconnect", **wire_ends)
    told.shell("Ok", "Connect", **wire_ends)
    told.shell("Ok", "RemoveNode", node_id=ends[0])
    who = uuid.uuid4()
    told.shell("Ok", "RegisterParticipant", participant={"id": who, "name": "ann", "capabilities": ["mix", "play"]})
    told.shell("Ok", "UpdateParticipant", participant_id=who, updates={"name": None, "capabilities": ["mix"]})
    told.shell("Error", "UpdateParticipant", participant_id=uuid.uuid4(), updates={"name": "x", "capabilities": None})


def tell_of_a_stream(stage, told):
    definition = {"device_identity": "dev", "chunk_size_bytes": 64 * 1024,
                  "format": ("Audio", {"sample_rate": 48000, "channels": 2, "sample_format": "S32Le"})}
    first, second = stage.staged("first"), stage.staged("second")
    uri = "stream://dev/main"
    told.shell("Error", "StreamStart", uri=uri, definition=dict(definition, device_identity="nobody"), chunk_path=first)
    told.shell("Error", "StreamStart", uri=uri, definition=dict(definition, format=("Midi", {})), chunk_path=first)
    started = told.shell("Ok", "StreamStart", uri=uri, definition=definition, chunk_path=first)
    assert started["result"]["status"] == "recording", started
    full = told.client.wait_for("StreamChunkFull", stream_uri=uri)["content"][1]
    assert full["path"] == first and full["bytes_written"] == 64 * 1024 and full["samples_written"] == 8 * 1024, full
    told.shell("Ok", "StreamSwitchChunk", uri=uri, new_chunk_path=second)
    # One of before the switch may still come.
    while told.client.wait_for("StreamHeadPosition", stream_uri=uri)["content"][1]["sample_position"] <= 8 * 1024:
        pass
    stopped = told.shell("Ok", "StreamStop", uri=uri)["result"]
    totals = stopped["totals"]
    assert totals["captured"] + totals["overrun"] == totals["offered"] and totals["captured"] > 8 * 1024, stopped
    assert totals["bytes"] == totals["captured"] * 8 == os.path.getsize(first) + os.path.getsize(second)
    told.shell("Error", "StreamStop", uri="stream://nobody")


def tell_of_events(told):
    """A welcome, numbers that follow each other, and the same events once more from shell."""
    client = told.client
    welcome = next(each for each in client.events if each["content"][0] == "Welcome")["content"][1]
    with open(client.path, encoding="utf-8") as file:
        assert str(welcome["session"]) == json.load(file)["session"]
    assert welcome["state"]["transport"]["tempo"] == 120.0 and welcome["oldest_seq"] <= welcome["next_seq"], welcome
    numbered = {each["metadata"]["seq"]: each for each in client.events if "seq" in each["metadata"]}
    assert list(numbered) == list(range(min(numbered), max(numbered) + 1)), list(numbered)
    past, start = {}, min(numbered)
    while start <= max(numbered):
        events = told.shell("Events", "GetEvents", from_seq=start)
        assert events["session"] == welcome["session"] and events["next_seq"] > max(numbered)
        past.update({each["seq"]: each for each in events["events"]})
        start = events["events"][-1]["seq"] + 1
    for seq, event in numbered.items():
        assert past[seq]["event"] == event["content"] and past[seq]["metadata"] == event["metadata"], (past[seq], event)


def tell_all(stage, form, dialect):
    """Every request, and what each makes heard on the way."""
    stage.gardend()
    client = stage.client(form=form, dialect=dialect)
    told = Told(client)
    assert client.ping() == [b"ping"]
    client.subscribed()
    tell_of_the_transport(told)
    tell_of_regions(told)
    approved = tell_of_latents(told)
    client.wait_for("MixedIn", region_id=approved)
    client.wait_for("PlaybackPosition")
    told.ask("control", "Interrupted", ("Interrupt", {}), "Interrupt")
    told.ask("control", "Ok", ("Pause", {}), "Pause")
    tell_of_the_graph(told)
    tell_of_a_stream(stage, told)
    dump = told.ask("control", "DebugDump", ("DebugDump", {}), "DebugDump")
    assert dump["state"]["transport"]["tempo"] == 96.5, dump
    message, answered_in = client.ask("query", {"query": "query { Node { name @output } }", "variables": {}})
    assert message["content"][0] == "Results" and answered_in == wire.EXTERNAL, message
    told.asked.add(("query", None))
    tell_of_events(told)
    told.ask("control", "ShuttingDown", ("Shutdown", {}), "Shutdown")
    client.wait_for("Status", execution_state="ShuttingDown")
    assert stage.daemon.wait(PATIENCE) == 0
    wanted = {("shell", name) for name in wire.ENUMS["ShellRequest"]}
    wanted |= {("control", name) for name in wire.ENUMS["ControlRequest"]} | {("query", None)}
    assert told.asked == wanted, wanted ^ told.asked
    assert {got for lane, got in told.heard if lane == "shell"} == set(wire.ENUMS["ShellReply"])
    assert not client.unread
    return {each["content"][0] for each in client.events}


EVENTS = {
    "Status", "LatentSubmitted", "LatentProgress", "LatentResolved", "LatentFailed", "LatentApproved", "LatentRejected",
    "PlaybackStarted", "PlaybackStopped", "PlaybackPosition", "MixedIn", "NodeAdded", "NodeRemoved", "ConnectionMade",
    "ConnectionBroken", "ParticipantOnline", "CapabilityChanged", "StreamHeadPosition", "StreamChunkFull",
    "Welcome",
}


def every_request_in_messagepack_external(stage):
    heard = tell_all(stage, wire.MSGPACK, wire.EXTERNAL)
    assert EVENTS <= heard, EVENTS - heard


def every_request_in_messagepack_tagged(stage):
    tell_all(stage, wire.MSGPACK, wire.TAGGED)


def every_request_in_json_external(stage):
    tell_all(stage, wire.JSON, wire.EXTERNAL)


def every_request_in_json_tagged(stage):
    tell_all(stage, wire.JSON, wire.TAGGED)


def topics_let_a_subscriber_choose(stage):
    stage.gardend("--topics")
    client = stage.client()
    chooser = client.context.socket(zmq.SUB)
    chooser.linger = 0
    chooser.subscribe(b"NodeAdded")
    chooser.connect(client.endpoints["iopub"])
    names = []
    end = time.monotonic() + PATIENCE
    while "NodeAdded" not in names:
        assert time.monotonic() < end, names
        client.shell("Play")
        client.shell("AddNode", node={"name": "n", "node_type": "t", "config": None})
        while chooser.poll(50):
            topic, octets = chooser.recv_multipart()
            names.append(wire.decode(octets)[0]["content"][0])
            assert topic.decode() == names[-1] or names[-1] == "Welcome", (topic, names)
    assert set(names) <= {"NodeAdded", "Welcome"}, names  # the latter to each subscriber, whatever it chose


def a_retried_request_is_answered_from_the_record(stage):
    """G15, with REQ and DEALER: the same msg_id, the same region."""
    stage.gardend()
    for form, dialect in FORMS:
        client = stage.client(form=form, dialect=dialect)
        before = len(client.shell("GetRegions", range=None)[1]["regions"])
        content = ("CreateRegion", {"position": 0, "duration": 1, "behavior": ("Latent", {"job_id": "j"})})
        header = client.send("shell", content)
        first = client.reply_to("shell", header)[0]
        for _ in range(3):
            again, _ = client.ask("shell", content, again=header)
            assert again["content"] == first["content"], (again, first)
        assert len(client.shell("GetRegions", range=None)[1]["regions"]) == before + 1


def requests_with_an_empty_delimiter_are_answered_on_every_lane(stage):
    """A REQ where the protocol has a DEALER; and a DEALER that writes the delimiter itself, where it has a REQ."""
    stage.gardend()
    reqs = stage.client(kinds={"control": zmq.REQ, "shell": zmq.REQ})
    for _ in range(3):
        assert reqs.shell("Play")[0] == "Ok"
        assert reqs.control("Interrupt") == ("Interrupted", {"was_running": "playback"})
    dealer = stage.client(kinds={"query": zmq.DEALER, "hb": zmq.DEALER})
    message = dealer.make("query", {"query": "{", "variables": {}})
    dealer.sockets["query"].send_multipart([b"", wire.encode(message)])
    assert dealer.sockets["query"].poll(PATIENCE * 1000)
    reply = dealer.sockets["query"].recv_multipart()
    assert reply[0] == b"" and wire.decode(reply[1])[0]["parent_header"] == message["header"]
    assert dealer.ping(frames=(b"", b"a", b"b")) == [b"", b"a", b"b"]


def bad_requests(client, lane):
    """(what it is, octets, whether its header can be read), of everything that a request must not be."""
    good = client.make(lane, {"query": "q", "variables": {}} if lane == "query" else
                       ("Play" if lane == "shell" else "Interrupt", {}))
    yield "junk", b"\xc1\xff\x00junk", False
    yield "empty", b"", False
    yield "cut in its header", wire.encode(good)[:50], False
    yield "cut in its header", wire.encode(good, wire.JSON)[:90], False
    yield "cut", wire.encode(good)[:-3], True
    yield "cut", wire.encode(good, wire.JSON)[:-3], True
    yield "more behind it", wire.encode(good) + b"\0", True
    yield "deep", b"\x91" * 100000, False
    yield "a giant's size", b"\xdd\xff\xff\xff\xff", False
    for form, dialect in FORMS:
        for what, change in (("another version", {"version": "0.2.0"}), ("an unknown type", {"msg_type": "dance"}),
                             ("a reply", {"msg_type": f"{lane}_reply"}), ("an event", {"msg_type": "iopub_event"}),
                             ("another lane's", {"msg_type": "shell_request" if lane != "shell" else "query_request"})):
            octets = wire.encode(good, form, dialect)
            for key, value in change.items():
                old = good["header"][key]
                octets = octets.replace(old.encode(), value.encode()) if form == wire.JSON else \
                    octets.replace(wire.pack(old), wire.pack(value))
            yield f"{what} in {form}", octets, True
        envelope = json.loads(wire.encode(good, wire.JSON, dialect))
        envelope["content"] = {"Dance": {"with": 1}} if dialect == wire.EXTERNAL else {"type": "dance"}
        if form == wire.MSGPACK:
            envelope = [list(envelope["header"].values()), None, {}, envelope["content"]]
            envelope[0][:2] = [good["header"][key].bytes for key in ("msg_id", "session")]
        yield f"an unknown request in {form} {dialect}", wire.octets_of(envelope, form), True


def g13_what_cannot_be_read_is_answered_on_every_lane(stage):
    stage.gardend()
    client = stage.client()
    for lane in ("shell", "control", "query"):
        for what, octets, has_header in bad_requests(client, lane):
            client.sockets[lane].send(octets)
            try:
                reply = client.receive(lane)[0]
            except Silence:
                raise AssertionError(f"{lane}: {what}: silence") from None
            assert reply["header"]["msg_type"] == f"{lane}_reply", (what, reply)
            assert reply["content"][0] == "Error" and reply["content"][1]["error"], (what, reply)
            assert bool(reply["parent_header"]) == has_header, (lane, what, reply)
        kind = {"shell": "GetTransportState", "control": "Interrupt"}.get(lane)
        assert client.ask(lane, (kind, {}) if kind else {"query": "q", "variables": {}})
    for frames in ([b""], [b"\xff" * 1000], [b"a", b"", b"c"]):
        assert client.ping(frames=frames) == frames
    client.sockets["iopub"].setsockopt(zmq.SUBSCRIBE, b"\xff" * 200)
    client.subscribed()


def g14_many_requests_at_once_are_answered_to_those_who_asked(stage):
    stage.gardend()
    clients = [stage.client(form=form, dialect=dialect) for form, dialect in FORMS]
    asked = []
    for number in range(50):
        for client in clients:
            beat = float(number * len(clients) + clients.index(client))
            asked.append((client, client.send("shell", ("Seek", {"beat": beat})), {"position": beat}))
            asked.append((client, client.send("shell", ("GetRegions", {"range": None})), None))
    for client, header, result in reversed(asked):
        message = client.reply_to("shell", header)[0]
        assert message["parent_header"] == header and message["header"]["session"] == client.session
        name, content = message["content"]
        assert (name, content) == (("Ok", {"result": result}) if result else ("Regions", {"regions": []})), message
    assert not any(client.replies for client in clients), [client.replies for client in clients]


# ---- pygarden's server and libgarden's clients

A, B = uuid.UUID(int=0xA), uuid.UUID(int=0xB << 96)
PORTS = {"source": {"node_id": A, "port_name": "out"}, "dest": {"node_id": B, "port_name": "in"}}
WHEN = "2025-12-11T19:19:43.120Z"
SHELL_REPLIES = [
    ("Ok", {"result": None}), ("Ok", {"result": {"a": [1, -2, 3.5, "x", None, True]}}),
    ("Error", {"error": "no", "traceback": None}), ("Error", {"error": "no", "traceback": "at\nline 1"}),
    ("RegionCreated", {"region_id": A}), ("NodeAdded", {"node_id": B}),
    ("TransportState", {"playing": True, "position": 1.5, "tempo": 120.0}),
    ("Regions", {"regions": []}),
    ("Regions", {"regions": [
        {"region_id": A, "position": 0.0, "duration": 4.0, "is_latent": False, "artifact_id": None},
        {"region_id": B, "position": 4.0, "duration": 4.25, "is_latent": True, "artifact_id": "é"}]}),
    ("PendingApprovals", {"approvals": [
        {"region_id": A, "artifact_id": "a", "content_hash": "h", "content_type": kind, "resolved_at": WHEN}
        for kind in wire.PLAINS["ContentType"]]}),
    ("Events", {"session": A, "oldest_seq": 1, "next_seq": 9, "events": [
        {"seq": 7, "timestamp": WHEN, "metadata": {"seq": 7}, "event": ("PlaybackStarted", {})},
        {"seq": 8, "timestamp": WHEN, "metadata": {}, "event": ("MixedIn", {"region_id": A, "at_beat": 1.5})}]}),
]
CONTROL_REPLIES = [
    ("Ok", {}), ("ShuttingDown", {}), ("Interrupted", {"was_running": "playback"}),
    ("DebugDump", {"state": {"regions": 0}}), ("Error", {"error": "no"}),
]
QUERY_REPLIES = [
    ("Results", {"rows": []}), ("Results", {"rows": [{"name": "kick", "position": 4.0}, {"name": None, "position": -1}]}),
    ("Error", {"error": "line 1: what?"}),
]
ALL_EVENTS = [
    *(("Status", {"execution_state": state}) for state in wire.PLAINS["ExecutionState"]),
    ("LatentSubmitted", {"region_id": A, "job_id": "j"}), ("LatentProgress", {"region_id": A, "progress": 0.25}),
    ("LatentResolved", {"region_id": A, "artifact_id": "a", "content_hash": "h"}),
    ("LatentFailed", {"region_id": A, "error": "e"}), ("LatentApproved", {"region_id": A}),
    ("LatentRejected", {"region_id": A, "reason": None}), ("LatentRejected", {"region_id": A, "reason": "r"}),
    ("PlaybackStarted", {}), ("PlaybackStopped", {}), ("PlaybackPosition", {"beat": 1.5, "second": 0.75}),
    ("MixedIn", {"region_id": A, "at_beat": 4.0}), ("NodeAdded", {"node_id": A, "name": "n"}),
    ("NodeRemoved", {"node_id": A}), ("ConnectionMade", PORTS), ("ConnectionBroken", PORTS),
    ("ParticipantOnline", {"participant_id": A, "name": "n"}), ("ParticipantOffline", {"participant_id": A}),
    ("CapabilityChanged", {"participant_id": A, "capability": "c", "available": False}),
    ("Error", {"error": "e", "context": None}), ("Error", {"error": "e", "context": "c"}), ("Warning", {"message": "m"}),
    ("StreamHeadPosition", {"stream_uri": "u", "sample_position": 1 << 40, "byte_position": (1 << 64) - 1, "wall_clock": WHEN}),
    ("StreamChunkFull", {"stream_uri": "u", "path": "/p", "bytes_written": 8, "samples_written": 1, "wall_clock": WHEN}),
    ("StreamError", {"stream_uri": "u", "error": "e", "recoverable": True}),
    ("Welcome", {"session": B, "next_seq": 9, "oldest_seq": 1, "state": None}),
]
REQUESTS = {
    "create-region": ("CreateRegion", {"position": 1, "duration": 2, "behavior": ("ApplyProcessing", {
        "parameter": "gain", "curve": [{"beat": 0.0, "value": 0.5}]})}),
    "delete-region": ("DeleteRegion", {"region_id": A}),
    "move-region": ("MoveRegion", {"region_id": A, "new_position": 2.5}),
    "update-latent-started": ("UpdateLatentStarted", {"region_id": A, "job_id": "j"}),
    "update-latent-progress": ("UpdateLatentProgress", {"region_id": A, "progress": 0.5}),
    "update-latent-resolved": ("UpdateLatentResolved", {"region_id": A, "artifact_id": "a", "content_hash": "h",
                                                        "content_type": "Midi"}),
    "update-latent-failed": ("UpdateLatentFailed", {"region_id": A, "error": "e"}),
    "approve-latent": ("ApproveLatent", {"region_id": A, "decided_by": B}),
    "reject-latent": ("RejectLatent", {"region_id": A, "decided_by": B, "reason": "loud"}),
    "play": ("Play", {}), "pause": ("Pause", {}), "stop": ("Stop", {}),
    "seek": ("Seek", {"beat": 16.0}), "set-tempo": ("SetTempo", {"bpm": 96.5}),
    "add-node": ("AddNode", {"node": {"name": "n", "node_type": "t", "config": {"inputs": []}}}),
    "remove-node": ("RemoveNode", {"node_id": A}), "connect": ("Connect", PORTS), "disconnect": ("Disconnect", PORTS),
    "register-participant": ("RegisterParticipant", {"participant": {"id": A, "name": "n", "capabilities": ["x", "y"]}}),
    "update-participant": ("UpdateParticipant", {"participant_id": A, "updates": {"name": "m", "capabilities": None}}),
    "get-transport-state": ("GetTransportState", {}), "get-regions": ("GetRegions", {"range": (0.0, 8.0)}),
    "get-pending-approvals": ("GetPendingApprovals", {}),
    "stream-start": ("StreamStart", {"uri": "u", "definition": {
        "device_identity": "d", "chunk_size_bytes": 524288,
        "format": ("Audio", {"sample_rate": 48000, "channels": 2, "sample_format": "S24Le"})}, "chunk_path": "/p"}),
    "stream-switch-chunk": ("StreamSwitchChunk", {"uri": "u", "new_chunk_path": "/q"}),
    "stream-stop": ("StreamStop", {"uri": "u"}),
    "get-events": ("GetEvents", {"from_seq": 7}),
    "control-shutdown": ("Shutdown", {}), "control-interrupt": ("Interrupt", {}), "control-pause": ("Pause", {}),
    "control-debug-dump": ("DebugDump", {}),
}


def words_of(name, content):
    """The arguments of gardenctl that make this request."""
    control = name.startswith("control-")
    kind = "ControlRequest" if control else "ShellRequest"
    tree = json.loads(wire.encode_value(kind, content, wire.JSON))
    fields = tree[content[0]] if isinstance(tree, dict) else {}
    return [name, *(f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in fields.items())]


def gardenctl_says_every_request(stage):
    server = stage.server(lambda server, lane, asked: asked if lane == "hb" else
                          ("Ok", {"result": None} if lane == "shell" else {}))
    for name, content in REQUESTS.items():
        stage.gardenctl(*words_of(name, content))
        assert server.requests[-1].message["content"] == content, (name, server.requests[-1])
    names = {content[0] for content in REQUESTS.values()}
    assert names == set(wire.ENUMS["ShellRequest"]) | set(wire.ENUMS["ControlRequest"])
    assert not server.unread, server.unread


def every_reply_is_read_in_every_form(stage):
    ready = []
    server = stage.server(lambda server, lane, asked: asked if lane == "hb" else ready[0])
    client = library(stage)
    assert client.ping() == 0
    for server.form, server.dialect in FORMS:
        for lane, content, replies in (("shell", b'"Play"', SHELL_REPLIES), ("control", b'"Interrupt"', CONTROL_REPLIES),
                                       ("query", b'{"query":"q","variables":{"a":1}}', QUERY_REPLIES)):
            for reply in replies:
                ready[:] = [reply]
                got = client.ask(lane, content)
                assert got == reply, (server.form, server.dialect, got, reply, client.why())
    heard = {name for name, _ in SHELL_REPLIES}
    assert heard == set(wire.ENUMS["ShellReply"])
    assert {name for name, _ in CONTROL_REPLIES} == set(wire.ENUMS["ControlReply"])
    assert server.requests[-1].message["content"] == {"query": "q", "variables": {"a": 1}}
    assert not server.unread and not server.failed


def joined(server, client):
    """Waits until an event arrives, and takes all that came."""
    end = time.monotonic() + PATIENCE
    while client.next(50) == TIMEOUT:
        server.publish(("Warning", {"message": "are you there?"}))
        assert time.monotonic() < end
    server.publish(("Warning", {"message": "last"}))
    while client.next() != ("Warning", {"message": "last"}):
        pass


def every_event_is_read_in_every_form_with_and_without_topics(stage):
    server = stage.server(lambda server, lane, asked: asked if lane == "hb" else ("Ok", {"result": None}))
    client = library(stage)
    joined(server, client)
    for form, dialect in FORMS:
        for number, event in enumerate(ALL_EVENTS):
            server.publish(event, topic=event[0] if number % 2 else None, form=form, dialect=dialect)
        for event in ALL_EVENTS:
            got = client.next()
            assert got == event, (form, dialect, got, event, client.why())
    assert {name for name, _ in ALL_EVENTS} == set(wire.ENUMS["Event"])
    assert client.missed() == 0


def gaps_are_counted_and_unknown_events_passed_over(stage):
    """G24: what a newer server says is not taken for something else."""
    server = stage.server(lambda server, lane, asked: asked if lane == "hb" else ("Ok", {"result": None}))
    client = library(stage)
    joined(server, client)
    before = client.missed()
    server.publish(("PlaybackStarted", {}), skip=2)
    assert client.next() == ("PlaybackStarted", {})
    assert client.missed() == before + 2, client.missed()
    for form in (wire.MSGPACK, wire.JSON):
        known = wire.encode(wire.message_of("iopub_event", ("PlaybackStarted", {}), wire.NIL, metadata={"x": 1}), form)
        for octets in (known.replace(b"PlaybackStarted", b"PlaybackDanced!"), known.replace(b"0.1.0", b"9.1.0"),
                       known.replace(b"iopub_event", b"iopub_dance"), known[:-3], b"", b"\xc1"):
            server.publish_raw(octets)
    server.publish(("PlaybackStopped", {}))
    assert client.next() == ("PlaybackStopped", {})
    assert client.shell("Play") == ("Ok", {"result": None})
    assert client.missed() == before + 2, client.missed()


def g24_a_reply_that_cannot_be_read_ends_its_request_with_the_reason(stage):
    """At once, as no better one will come; and the next request is not the worse for it."""
    change = []

    def answer(server, lane, asked):
        if lane == "hb":
            return asked
        if change:
            server.send_raw(asked, change[0](server.octets(asked, ("Ok", {"result": "fine"}))))
            return None
        return ("Ok", {"result": 1})

    server = stage.server(answer)
    client = library(stage)
    for server.form in (wire.MSGPACK, wire.JSON):
        for wanted, how in ((TYPE, lambda octets: octets.replace(b"Ok", b"OK")),
                            (TYPE, lambda octets: octets.replace(b"shell_reply", b"shell_dance")),
                            (TYPE, lambda octets: octets.replace(b"shell_reply", b"query_reply")),
                            (VERSION, lambda octets: octets.replace(b"0.1.0", b"7.1.0")),
                            (FORMAT, lambda octets: octets[:-3]), (FORMAT, lambda octets: octets + b"x")):
            change[:] = [how]
            got = client.shell("Play")
            assert got == wanted, (server.form, wanted, got, client.why())
            change.clear()
            assert client.shell("Play") == ("Ok", {"result": 1})


def events_that_come_with_a_reply_leave_it_alone(stage):
    def answer(server, lane, asked):
        if lane == "hb":
            return asked
        event = wire.encode(wire.message_of("iopub_event", ("Warning", {"message": "x" * 1000}), wire.NIL))
        for _ in range(20):
            server.sockets["iopub"].send(event)
        server.send(asked, ("Ok", {"result": asked.message["content"][1]["beat"]}))
        for _ in range(20):
            server.sockets["iopub"].send(event)
        return None

    server = stage.server(answer)
    client = library(stage)
    joined(server, client)
    for number in range(200):
        assert client.shell("Seek", beat=float(number)) == ("Ok", {"result": float(number)}), number


def g14_late_and_swapped_replies_reach_nobody_else(stage):
    """A reply that comes after its request was given up, replies to nothing, replies to another's."""
    held = []
    stranger = uuid.uuid4()

    def answer(server, lane, asked):
        if lane == "hb":
            return asked
        name, fields = asked.message["content"]
        if name == "Seek":  # kept back until the next request
            held.append(asked)
            return None
        wrong = asked._replace(message={"header": dict(asked.message["header"], msg_id=stranger)})
        server.send(wrong, ("Error", {"error": "for a stranger", "traceback": None}))
        server.send(asked._replace(message={"header": None}), ("Error", {"error": "for nobody", "traceback": None}))
        server.send_raw(asked, b"\xc1 no message")
        for late in held:
            server.send(late, ("Error", {"error": "late", "traceback": None}))
        held.clear()
        return [("Ok", {"result": fields["bpm"]})] * 2

    server = stage.server(answer)
    client = library(stage)
    assert client.shell("SetTempo", bpm=1.0) == ("Ok", {"result": 1.0})
    for number in range(2, 6):
        assert client.shell("Seek", timeout=100, beat=float(number)) == TIMEOUT
        assert client.shell("SetTempo", bpm=float(number)) == ("Ok", {"result": float(number)})
    assert not server.failed, server.failed


def swapped_replies_find_the_gardenctl_that_asked(stage):
    """Two that ask at once, answered in the other order."""
    held = []
    both = threading.Event()

    def answer(server, lane, asked):
        if lane == "hb":
            return asked
        held.append(asked)
        if len(held) == 2:
            for each in reversed(held):
                server.send(each, ("Ok", {"result": each.message["content"][1]["beat"]}))
            both.set()
        return None

    stage.server(answer)
    said = {}
    threads = [threading.Thread(target=lambda beat=beat: said.update({beat: stage.gardenctl("--json", "seek", str(beat))}))
               for beat in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert both.is_set()
    for beat in (1, 2):
        assert json.loads(said[beat]) == {"Ok": {"result": float(beat)}}, said


def gardenctl_understands_another_server(stage):
    """ping, status, errors, silence, a shutdown."""
    def answer(server, lane, asked):
        if lane == "hb":
            return asked
        name = asked.message["content"][0]
        if name == "Stop":
            return None
        return {"Play": ("Error", {"error": "the stage is on fire", "traceback": None}),
                "Shutdown": ("ShuttingDown", {}), "DebugDump": ("DebugDump", {"state": {"on": "fire"}}),
                }.get(name, ("Ok", {"result": None}))

    stage.server(answer)
    stage.gardenctl("ping")
    assert "fire" in stage.gardenctl("--json", "status")
    assert "the stage is on fire" in stage.gardenctl("play", status=1)
    stage.gardenctl("stop", status=3, timeout=200)
    stage.gardenctl("control-shutdown")


TESTS = [
    pygarden_writes_what_it_reads_of_the_recorded_messages,
    every_request_in_messagepack_external,
    every_request_in_messagepack_tagged,
    every_request_in_json_external,
    every_request_in_json_tagged,
    topics_let_a_subscriber_choose,
    a_retried_request_is_answered_from_the_record,
    requests_with_an_empty_delimiter_are_answered_on_every_lane,
    g13_what_cannot_be_read_is_answered_on_every_lane,
    g14_many_requests_at_once_are_answered_to_those_who_asked,
    gardenctl_says_every_request,
    every_reply_is_read_in_every_form,
    every_event_is_read_in_every_form_with_and_without_topics,
    gaps_are_counted_and_unknown_events_passed_over,
    g24_a_reply_that_cannot_be_read_ends_its_request_with_the_reason,
    events_that_come_with_a_reply_leave_it_alone,
    g14_late_and_swapped_replies_reach_nobody_else,
    swapped_replies_find_the_gardenctl_that_asked,
    gardenctl_understands_another_server,
]


run(TESTS)
