"""The messages of the garden protocol: a table, and one encoder and one decoder that walk it.

A value in Python: a struct is a dict; a variant is a pair (Name, dict of its fields); a plain enum is its
CamelCase name; ids are uuid.UUID; times are texts as on the wire. Names are those of the protocol's text: the
forms and dialects differ only here.

A message is written in one of two forms (MSGPACK, JSON) and two dialects (EXTERNAL, TAGGED). A decoder
finds both out by itself. Everything that is not as the table says is a WireError.
"""
import datetime
import json
import math
import re
import struct
import uuid

import msgpack

VERSION = "0.1.0"
MSGPACK, JSON = "msgpack", "json"
EXTERNAL, TAGGED = "external", "tagged"
NIL = uuid.UUID(int=0)

# Structs have one row; an enum a row for each variant. "= word" is what the tagged dialect calls it, when that
# is not its name in snake_case.
TABLE = """
struct Header: msg_id U, session U, msg_type S, version S, timestamp T
struct PortRef: node_id U, port_name S
struct RegionSummary: region_id U, position Beat, duration Beat, is_latent bool, artifact_id O<S>
struct PendingApproval: region_id U, artifact_id S, content_hash S, content_type ContentType, resolved_at T
struct CurvePoint: beat Beat, value f64
struct NodeDescriptor: name S, node_type S, config JSON
struct Participant: id U, name S, capabilities V<S>
struct ParticipantUpdate: name O<S>, capabilities O<V<S>>
struct StreamDefinition: device_identity S, format StreamFormat, chunk_size_bytes u64
struct PastEvent: seq u64, timestamp T, metadata Map, event Event
struct QueryRequest: query S, variables Map

plain ContentType: Audio, Midi, Control
plain ExecutionState: Idle, Busy, Starting, ShuttingDown
plain SampleFormat: F32Le, S16Le, S24Le, S32Le

enum Behavior
  PlayContent: artifact_id S
  Latent: job_id S
  ApplyProcessing: parameter S, curve V<CurvePoint>
  EmitTrigger: event_type S

enum StreamFormat
  Audio: sample_rate u32, channels u16, sample_format SampleFormat
  Midi

enum ShellRequest
  CreateRegion: position Beat, duration Beat, behavior Behavior
  DeleteRegion: region_id U
  MoveRegion: region_id U, new_position Beat
  UpdateLatentStarted: region_id U, job_id S
  UpdateLatentProgress: region_id U, progress f32
  UpdateLatentResolved: region_id U, artifact_id S, content_hash S, content_type ContentType
  UpdateLatentFailed: region_id U, error S
  ApproveLatent: region_id U, decided_by U
  RejectLatent: region_id U, decided_by U, reason O<S>
  Play
  Pause
  Stop
  Seek: beat Beat
  SetTempo: bpm f64
  AddNode: node NodeDescriptor
  RemoveNode: node_id U
  Connect: source PortRef, dest PortRef
  Disconnect: source PortRef, dest PortRef
  RegisterParticipant: participant Participant
  UpdateParticipant: participant_id U, updates ParticipantUpdate
  GetTransportState
  GetRegions: range O<Range>
  GetPendingApprovals
  StreamStart: uri S, definition StreamDefinition, chunk_path S
  StreamSwitchChunk: uri S, new_chunk_path S
  StreamStop: uri S
  GetEvents: from_seq u64

enum ShellReply
  Ok: result JSON
  Error: error S, traceback O<S>
  RegionCreated: region_id U
  NodeAdded: node_id U
  TransportState: playing bool, position Beat, tempo f64
  Regions: regions V<RegionSummary>
  PendingApprovals: approvals V<PendingApproval>
  Events: session U, oldest_seq u64, next_seq u64, events V<PastEvent>

enum ControlRequest
  Shutdown
  Interrupt
  Pause = emergency_pause
  DebugDump

enum ControlReply
  Ok
  ShuttingDown
  Interrupted: was_running S
  DebugDump: state JSON
  Error: error S

enum Event
  Status: execution_state ExecutionState
  LatentSubmitted: region_id U, job_id S
  LatentProgress: region_id U, progress f32
  LatentResolved: region_id U, artifact_id S, content_hash S
  LatentFailed: region_id U, error S
  LatentApproved: region_id U
  LatentRejected: region_id U, reason O<S>
  PlaybackStarted
  PlaybackStopped
  PlaybackPosition: beat Beat, second f64
  MixedIn: region_id U, at_beat Beat
  NodeAdded: node_id U, name S
  NodeRemoved: node_id U
  ConnectionMade: source PortRef, dest PortRef
  ConnectionBroken: source PortRef, dest PortRef
  ParticipantOnline: participant_id U, name S
  ParticipantOffline: participant_id U
  CapabilityChanged: participant_id U, capability S, available bool
  Error: error S, context O<S>
  Warning: message S
  StreamHeadPosition: stream_uri S, sample_position u64, byte_position u64, wall_clock T
  StreamChunkFull: stream_uri S, path S, bytes_written u64, samples_written u64, wall_clock T
  StreamError: stream_uri S, error S, recoverable bool
  Welcome: session U, next_seq u64, oldest_seq u64, state JSON

enum QueryReply
  Results: rows V<JSON>
  Error: error S
"""

CONTENTS = {
    "shell_request": "ShellRequest", "shell_reply": "ShellReply", "control_request": "ControlRequest",
    "control_reply": "ControlReply", "query_request": "QueryRequest", "query_reply": "QueryReply",
    "iopub_event": "Event",
}


class WireError(ValueError):
    """These octets are no message of the protocol."""


class Single(float):
    """A float that goes out with 32 bits."""


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def fields_of(text):
    return [tuple(each.split(" ")) for each in text.strip().split(", ")] if text.strip() else []


def read_table():
    structs, plains, enums, tagged = {}, {}, {}, {}
    enum = enum_name = None
    for line in filter(None, TABLE.splitlines()):
        word, _, rest = line.strip().partition(": ")
        kind, _, name = word.partition(" ")
        if kind == "struct":
            structs[name] = fields_of(rest)
        elif kind == "plain":
            plains[name] = rest.split(", ")
        elif kind == "enum":
            enum, enum_name = enums.setdefault(name, {}), name
        else:
            name, _, other = word.partition(" = ")
            enum[name] = fields_of(rest)
            if other:
                tagged[enum_name, name] = other
    return structs, plains, enums, tagged


STRUCTS, PLAINS, ENUMS, TAGGED_NAMES = read_table()


# ---- Writing: a tree of lists, dicts and scalars, then its octets

class Writer:
    """A form and a dialect."""

    def __init__(self, form, dialect):
        self.form, self.dialect = form, dialect

    def name(self, kind, name):
        return name if self.dialect == EXTERNAL else TAGGED_NAMES.get((kind, name), snake(name))

    def fields(self, fields, value):
        made = {name: self.value(kind, value.get(name)) for name, kind in fields}
        return list(made.values()) if self.form == MSGPACK else made

    def variant(self, kind, value):
        name, content = value
        fields = ENUMS[kind][name]
        if self.dialect == EXTERNAL or kind == "Behavior":
            return {self.name(kind, name): self.fields(fields, content)} if fields else self.name(kind, name)
        made = self.fields(fields, content)
        return [self.name(kind, name), *made] if self.form == MSGPACK else {"type": self.name(kind, name), **made}

    def value(self, kind, value):
        if kind.startswith("O<"):
            return None if value is None else self.value(kind[2:-1], value)
        if kind.startswith("V<"):
            return [self.value(kind[2:-1], each) for each in value]
        if kind in STRUCTS:
            return self.fields(STRUCTS[kind], value)
        if kind in ENUMS:
            return self.variant(kind, value)
        if kind in PLAINS:
            return self.name(kind, value)
        if kind == "U":
            return value.bytes if self.form == MSGPACK else str(value)
        if kind in ("Beat", "f64"):
            return float(value)
        if kind == "f32":
            return Single(value)
        if kind == "Range":
            return [float(each) for each in value]
        return value


def pack(tree):
    if isinstance(tree, Single):
        return b"\xca" + struct.pack(">f", tree)
    if isinstance(tree, list):
        return msgpack.Packer().pack_array_header(len(tree)) + b"".join(map(pack, tree))
    if isinstance(tree, dict):
        head = msgpack.Packer().pack_map_header(len(tree))
        return head + b"".join(pack(key) + pack(value) for key, value in tree.items())
    return msgpack.packb(tree)


def octets_of(tree, form):
    return pack(tree) if form == MSGPACK else json.dumps(tree, separators=(",", ":")).encode()


def encode_value(kind, value, form=MSGPACK, dialect=EXTERNAL):
    return octets_of(Writer(form, dialect).value(kind, value), form)


def now():
    """With as few fraction digits as tell it: 0, 3 or 6."""
    text = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")
    while text.endswith("000"):
        text = text[:-3]
    return text.rstrip(".") + "Z"


def encode(message, form=MSGPACK, dialect=EXTERNAL):
    writer = Writer(form, dialect)
    kind = CONTENTS[message["header"]["msg_type"]]
    envelope = {
        "header": writer.value("Header", message["header"]),
        "parent_header": writer.value("O<Header>", message["parent_header"]),
        "metadata": message["metadata"],
        "content": writer.value(kind, message["content"]),
    }
    return octets_of(list(envelope.values()) if form == MSGPACK else envelope, form)


def message_of(msg_type, content, session, parent=None, metadata=None):
    header = {"msg_id": uuid.uuid4(), "session": session, "msg_type": msg_type, "version": VERSION,
              "timestamp": now()}
    return {"header": header, "parent_header": parent, "metadata": metadata or {}, "content": content}


# ---- Reading

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(\d{3}|\d{6}|\d{9}))?Z")
UINT = {"u16": 1 << 16, "u32": 1 << 32, "u64": 1 << 64}


def need(condition, what):
    if not condition:
        raise WireError(what)


class Reader:
    """Reads a tree; remembers the dialect of the first thing that tells it."""

    def __init__(self, form):
        self.form, self.dialect = form, None

    def name(self, kind, names, word):
        """The one of |names| that |word| means, in whichever dialect."""
        need(isinstance(word, str), "a name is a text")
        for name in names:
            if word == name:
                self.dialect = self.dialect or EXTERNAL
                return name
            if word == TAGGED_NAMES.get((kind, name), snake(name)):
                self.dialect = self.dialect or TAGGED
                return name
        raise WireError(f"there is no {word}")

    def fields(self, fields, tree):
        if isinstance(tree, dict):
            missing = [name for name, kind in fields if name not in tree and kind[:2] != "O<" and kind != "JSON"]
            need(not missing, f"missing: {missing}")
            return {name: self.value(kind, tree.get(name)) for name, kind in fields}
        need(isinstance(tree, list) and len(tree) == len(fields), "fields come as a list of all, or by name")
        return {name: self.value(kind, each) for (name, kind), each in zip(fields, tree)}

    def variant(self, kind, tree):
        variants, external = ENUMS[kind], kind == "Behavior"
        if isinstance(tree, str):
            name = self.name(kind, variants, tree)
            need(not variants[name], f"{name} has fields")
            return name, {}
        if isinstance(tree, list) and not external:
            need(tree, "a variant has a name")
            name = self.name(kind, variants, tree[0])
            return name, self.fields(variants[name], tree[1:])
        need(isinstance(tree, dict), "a variant is a text, a list or a map")
        if "type" in tree and not external:
            name = self.name(kind, variants, tree["type"])
            return name, self.fields(variants[name], tree)
        need(len(tree) == 1, "a map with one variant")
        word, content = next(iter(tree.items()))
        name = self.name(kind, variants, word)
        return name, {} if content is None and not variants[name] else self.fields(variants[name], content)

    def number(self, value):
        need(isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value), "a number")
        return float(value)

    def scalar(self, kind, tree):
        if kind == "U":
            need(isinstance(tree, (bytes, str)), "an id")
            try:
                return uuid.UUID(bytes=tree) if isinstance(tree, bytes) else uuid.UUID(tree)
            except ValueError as wrong:
                raise WireError(str(wrong)) from wrong
        if kind in ("Beat", "f64", "f32"):
            return self.number(tree)
        if kind in UINT:
            need(isinstance(tree, int) and not isinstance(tree, bool) and 0 <= tree < UINT[kind], kind)
        elif kind == "bool":
            need(isinstance(tree, bool), "true or false")
        elif kind == "Map":
            need(isinstance(tree, dict), "a map")
        elif kind in ("S", "T"):
            need(isinstance(tree, str) and (kind == "S" or TIME.fullmatch(tree)), "a text, or a time")
        return tree

    def value(self, kind, tree):
        if kind.startswith("O<"):
            return None if tree is None else self.value(kind[2:-1], tree)
        if kind.startswith("V<"):
            need(isinstance(tree, list), "a list")
            return [self.value(kind[2:-1], each) for each in tree]
        if kind == "Range":
            need(isinstance(tree, list) and len(tree) == 2, "two beats")
            return tuple(self.number(each) for each in tree)
        if kind in STRUCTS:
            return self.fields(STRUCTS[kind], tree)
        if kind in ENUMS:
            return self.variant(kind, tree)
        if kind in PLAINS:
            return self.name(kind, PLAINS[kind], tree)
        return self.scalar(kind, tree)


def tree_of(octets, form=None):
    need(octets, "empty")
    form = form or (JSON if octets[:1] in b"{[ \t\r\n" else MSGPACK)
    try:
        return form, json.loads(octets) if form == JSON else msgpack.unpackb(octets, strict_map_key=False)
    except (ValueError, RecursionError, msgpack.exceptions.UnpackException) as wrong:
        raise WireError(str(wrong)) from wrong


def decode_value(kind, octets, form):
    """A content alone, whose form cannot be told from its first octet: (value, dialect)."""
    reader = Reader(form)
    return reader.value(kind, tree_of(octets, form)[1]), reader.dialect


def decode(octets):
    """(message, form, dialect); the dialect is None when nothing in the message told it."""
    form, tree = tree_of(octets)
    if isinstance(tree, list) and len(tree) == 4:
        tree = dict(zip(("header", "parent_header", "metadata", "content"), tree))
    need(isinstance(tree, dict) and {"header", "content"} <= set(tree), "an envelope has four fields")
    reader = Reader(form)
    header = reader.value("Header", tree["header"])
    need(header["version"] == VERSION, "another version")
    need(header["msg_type"] in CONTENTS, "an unknown type")
    message = {
        "header": header,
        "parent_header": reader.value("O<Header>", tree.get("parent_header")),
        "metadata": reader.value("Map", tree.get("metadata", {})),
        "content": reader.value(CONTENTS[header["msg_type"]], tree["content"]),
    }
    return message, form, reader.dialect


def header_in(octets):
    """The header alone of what is otherwise no message, or None."""
    try:
        form, tree = tree_of(octets)
        head = tree["header"] if isinstance(tree, dict) else tree[0]
        return Reader(form).value("Header", head), form
    except (WireError, KeyError, IndexError, TypeError):
        return None, None
