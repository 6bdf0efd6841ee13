"""The client's end of the five lanes: DEALER, DEALER, SUB, REQ, REQ."""
import json
import time
import uuid

import zmq

from . import wire

LANES = ("control", "shell", "iopub", "hb", "query")
SOCKETS = {"control": zmq.DEALER, "shell": zmq.DEALER, "iopub": zmq.SUB, "hb": zmq.REQ, "query": zmq.REQ}
PATIENCE = 30.0  # seconds


class Silence(Exception):
    """Nobody answered in time."""


def local(folder):
    return {lane: f"ipc://{folder}/{lane}" for lane in LANES}


def from_file(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)["endpoints"]


class Client:
    """One thread's. Replies are kept under the msg_id of what they answer."""

    def __init__(self, endpoints, form=wire.MSGPACK, dialect=wire.EXTERNAL, lanes=LANES, kinds=None):
        self.form, self.dialect = form, dialect
        self.session = uuid.uuid4()
        self.context = zmq.Context()
        self.endpoints, self.kinds = endpoints, dict(SOCKETS, **(kinds or {}))
        self.sockets = {}
        self.replies, self.stray, self.events, self.unread = {}, [], [], 0
        for lane in lanes:
            self.open(lane)

    def open(self, lane, identity=None):
        if lane in self.sockets:
            self.sockets[lane].close()
        made = self.sockets[lane] = self.context.socket(self.kinds[lane])
        made.linger = 0
        if identity:
            made.routing_id = identity
        if lane == "iopub":
            made.subscribe(b"")
        made.connect(self.endpoints[lane])
        return made

    def close(self):
        self.context.destroy(linger=0)

    # ---- Requests

    def make(self, lane, content, again=None):
        """|again|: the header of the request that this repeats."""
        message = wire.message_of(f"{lane}_request", content, self.session)
        message["header"] = again or message["header"]
        return message

    def send(self, lane, content, again=None):
        message = self.make(lane, content, again)
        self.sockets[lane].send(wire.encode(message, self.form, self.dialect))
        return message["header"]

    def receive_raw(self, lane, timeout=PATIENCE):
        if not self.sockets[lane].poll(timeout * 1000):
            raise Silence(lane)
        return self.sockets[lane].recv_multipart()[-1]

    def receive(self, lane, timeout=PATIENCE):
        """The next message, with what it was written in."""
        return wire.decode(self.receive_raw(lane, timeout))

    def reply_to(self, lane, header, timeout=PATIENCE):
        """The content of the reply to |header|; others that come are kept for whoever asks for them."""
        end = time.monotonic() + timeout
        while header["msg_id"] not in self.replies:
            message, form, dialect = self.receive(lane, max(0, end - time.monotonic()))
            parent = message["parent_header"]
            if parent:
                self.replies[parent["msg_id"]] = message, form, dialect
            else:
                self.stray.append(message)
        return self.replies.pop(header["msg_id"])

    def ask(self, lane, content, timeout=PATIENCE, again=None):
        header = self.send(lane, content, again)
        message, form, dialect = self.reply_to(lane, header, timeout)
        assert message["parent_header"] == header, (message, header)
        assert message["header"]["session"] == self.session
        assert message["header"]["msg_type"] == f"{lane}_reply"
        assert form == self.form, form
        return message, dialect

    def shell(self, name, **fields):
        return self.ask("shell", (name, fields))[0]["content"]

    def control(self, name, **fields):
        return self.ask("control", (name, fields))[0]["content"]

    def query(self, text, **variables):
        return self.ask("query", {"query": text, "variables": variables})[0]["content"]

    def ping(self, timeout=PATIENCE, frames=(b"ping",)):
        """A REQ that heard nothing is no use any more: a new one takes its place."""
        self.sockets["hb"].send_multipart(frames)
        if not self.sockets["hb"].poll(timeout * 1000):
            self.open("hb")
            raise Silence("hb")
        return self.sockets["hb"].recv_multipart()

    # ---- Events

    def event(self, timeout=PATIENCE):
        """The next that can be read: a newer server may publish others."""
        while True:
            octets = self.receive_raw("iopub", timeout)
            try:
                message = wire.decode(octets)[0]
            except wire.WireError:
                self.unread += 1
                continue
            self.events.append(message)
            return message

    def wait_for(self, name, timeout=PATIENCE, **fields):
        """The next event of that name that has those fields."""
        end = time.monotonic() + timeout
        while True:
            message = self.event(max(0, end - time.monotonic()))
            found, content = message["content"]
            if found == name and all(content[key] == value for key, value in fields.items()):
                return message

    def subscribed(self, timeout=PATIENCE):
        """Makes events until one of them arrives: a subscription takes a moment to be known."""
        end = time.monotonic() + timeout
        while not self.sockets["iopub"].poll(50):
            if time.monotonic() > end:
                raise Silence("iopub")
            self.shell("Play")
            self.shell("Stop")
        # What was made meanwhile arrives before the mark that this makes.
        node = self.shell("AddNode", node={"name": "mark", "node_type": "mark", "config": {}})[1]["node_id"]
        self.wait_for("NodeAdded", node_id=node)
        return node
