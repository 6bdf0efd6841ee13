"""Stands between a client and a daemon on all five lanes, and loses, doubles, holds and reorders what a test wants.

|rule| is called in a thread of its own with each Passing that can be read and returns the frames to go on now, in
order: [passing.frames] lets it be, [] loses it (or holds it: what was kept may be returned with a later one of the
same way), twice the same doubles it, (seconds, passing.frames) lets it go later. Heartbeats, and what cannot be read,
always go on.
"""
import collections
import json
import os
import threading
import time
import uuid

import zmq

from . import wire
from .client import LANES, from_file, local

FRONT = {"control": zmq.ROUTER, "shell": zmq.ROUTER, "iopub": zmq.XPUB, "hb": zmq.ROUTER, "query": zmq.ROUTER}

# |way| is "ask", "reply" or "event"; a reply's |asked| is the name of its request, |parent| its msg_id.
Passing = collections.namedtuple("Passing", "way name fields frames asked parent")


class Tamper:
    """One client's. |folder| gets a connection file for it."""

    def __init__(self, daemon_file, folder, rule):
        self.rule, self.failed = rule, None
        self.back = from_file(daemon_file)
        os.makedirs(folder, mode=0o700)
        self.context = zmq.Context()
        self.front = {}
        endpoints = local(folder)
        for lane in LANES:
            made = self.front[lane] = self.context.socket(FRONT[lane])
            made.linger = 0
            if lane == "iopub":
                made.setsockopt(zmq.XPUB_VERBOSE, 1)
            made.bind(endpoints[lane])
        self.behind = {lane: self.dial(lane) for lane in LANES if lane != "iopub"}
        self.asked, self.later = {}, []
        self.over = threading.Event()
        with open(os.path.join(folder, "connection.json"), "w", encoding="utf-8") as file:
            json.dump({"protocol": "garden", "version": wire.VERSION, "session": str(uuid.uuid4()), "pid": os.getpid(),
                       "endpoints": endpoints}, file)
        os.chmod(file.name, 0o600)
        self.thread = threading.Thread(target=self.run_or_tell, daemon=True)
        self.thread.start()

    def dial(self, lane):
        made = self.context.socket(zmq.SUB if lane == "iopub" else zmq.DEALER)
        made.linger = 0
        if lane == "iopub":
            made.subscribe(b"")
        made.connect(self.back[lane])
        return made

    def run_or_tell(self):
        try:
            self.run()
        except Exception as failed:  # pylint: disable=broad-except
            self.failed = failed

    def run(self):
        while not self.over.is_set():
            poller = zmq.Poller()
            places = {}
            for way, sockets in (("ask", self.front), ("reply", self.behind)):
                for lane, made in sockets.items():
                    poller.register(made, zmq.POLLIN)
                    places[made] = way, lane
            for made, _ in poller.poll(10):
                if made.closed:
                    continue  # a subscription that came at the same time has another in its place
                way, lane = places[made]
                self.take(way, lane, made.recv_multipart())
            now = time.monotonic()
            for due, out, frames in self.later:
                if due <= now:
                    out.send_multipart(frames)
            self.later = [each for each in self.later if each[0] > now]

    def take(self, way, lane, frames):
        if lane == "iopub" and way == "ask":
            # A subscription of its own for each, or the client would not be welcomed.
            if frames[0][:1] == b"\1":
                if lane in self.behind:
                    self.behind[lane].close()
                self.behind[lane] = self.dial(lane)
            return
        out = self.behind[lane] if way == "ask" else self.front[lane]
        try:
            going = self.judge(way, lane, frames)
        except Exception as failed:  # pylint: disable=broad-except
            self.failed, going = failed, [frames]
        for each in going:
            if isinstance(each, tuple):
                self.later.append((time.monotonic() + each[0], out, each[1]))
            else:
                out.send_multipart(each)

    def judge(self, way, lane, frames):
        try:
            message = wire.decode(frames[-1])[0] if lane != "hb" else None
        except wire.WireError:
            message = None
        if not message or lane == "query":
            return [frames]
        name, fields = message["content"]
        if way == "ask":
            self.asked[message["header"]["msg_id"]] = name
        parent = message["parent_header"]
        parent = parent["msg_id"] if parent else None
        way = "event" if lane == "iopub" else way
        return self.rule(Passing(way, name, fields, frames, self.asked.get(parent), parent))

    def close(self):
        self.over.set()
        self.thread.join()
        self.context.destroy(linger=0)
