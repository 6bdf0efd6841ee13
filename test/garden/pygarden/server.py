"""The server's end of the five lanes, in a thread, doing what a test tells it to do.

|answer| is called in that thread with (server, lane, message) for each request that could be read and returns the
content of the reply: one, a list of several, or None for silence. Nothing else answers, so that a test can be as
late, as wrong and as silent as it likes: a request may be answered by reply() at another time.
"""
import collections
import threading
import uuid

import zmq

from . import wire
from .client import LANES

SOCKETS = {"control": zmq.ROUTER, "shell": zmq.ROUTER, "iopub": zmq.XPUB, "hb": zmq.REP, "query": zmq.REP}

Asked = collections.namedtuple("Asked", "lane route message form dialect")


class Server:
    """Binds at |endpoints|; replies in the form and dialect of the request, unless told others."""

    def __init__(self, endpoints, answer, kinds=None):
        self.answer, self.form, self.dialect = answer, None, None
        self.session = uuid.uuid4()
        self.seq = 0
        self.requests, self.unread, self.subscribers = [], [], 0
        self.context = zmq.Context()
        self.sockets = {}
        for lane in LANES:
            made = self.sockets[lane] = self.context.socket((kinds or {}).get(lane, SOCKETS[lane]))
            made.linger = 1000
            made.bind(endpoints[lane])
        # Work of other threads: a socket belongs to one.
        self.jobs, self.wake = collections.deque(), self.context.socket(zmq.PULL)
        self.wake.bind("inproc://wake")
        self.failed = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        poller = zmq.Poller()
        for socket in (*self.sockets.values(), self.wake):
            poller.register(socket, zmq.POLLIN)
        lanes = {socket: lane for lane, socket in self.sockets.items()}
        while True:
            for socket, _ in poller.poll():
                frames = socket.recv_multipart()
                if socket is self.wake:
                    if not self.work():
                        return
                else:
                    self.take(lanes[socket], frames)

    def work(self):
        job, done = self.jobs.popleft()
        if job:
            job()
        done.set()
        return job is not None

    def do(self, job):
        """Runs |job| in the server's thread, and waits for its end."""
        done = threading.Event()
        self.jobs.append((job, done))
        poke = self.context.socket(zmq.PUSH)
        poke.connect("inproc://wake")
        poke.send(b"")
        assert done.wait(30)
        poke.close()

    def close(self):
        self.do(None)
        self.thread.join()
        self.context.destroy(linger=1000)

    # ---- Taking

    def take(self, lane, frames):
        if lane == "hb":
            reply = self.answer(self, lane, frames)
            if reply is not None:
                self.sockets[lane].send_multipart(reply)
        elif lane == "iopub":
            self.subscribers += 1 if frames[0][:1] == b"\1" else -1
        else:
            self.take_request(lane, frames[:-1], frames[-1])

    def take_request(self, lane, route, octets):
        try:
            message, form, dialect = wire.decode(octets)
        except wire.WireError as wrong:
            self.unread.append(octets)
            parent, form = wire.header_in(octets)
            asked = Asked(lane, route, {"header": parent}, form or wire.MSGPACK, wire.EXTERNAL)
            self.send(asked, self.error(lane, str(wrong)))
            return
        asked = Asked(lane, route, message, form, dialect or wire.EXTERNAL)
        self.requests.append(asked)
        try:
            content = self.answer(self, lane, asked)
        except Exception as failed:  # pylint: disable=broad-except
            self.failed = failed
            content = self.error(lane, repr(failed))
        for each in content if isinstance(content, list) else [content]:
            if each is not None:
                self.send(asked, each)

    @staticmethod
    def error(lane, text):
        return ("Error", {"error": text, "traceback": None} if lane == "shell" else {"error": text})

    # ---- Sending

    def octets(self, asked, content, form=None, dialect=None):
        parent = asked.message["header"]
        session = parent["session"] if parent else wire.NIL
        message = wire.message_of(f"{asked.lane}_reply", content, session, parent)
        return wire.encode(message, form or self.form or asked.form, dialect or self.dialect or asked.dialect)

    def send(self, asked, content, **how):
        self.send_raw(asked, self.octets(asked, content, **how))

    def send_raw(self, asked, octets):
        self.sockets[asked.lane].send_multipart([*asked.route, octets])

    def reply(self, asked, content):
        """From another thread."""
        self.do(lambda: self.send(asked, content))

    def publish(self, content, topic=None, skip=0, form=wire.MSGPACK, dialect=wire.EXTERNAL):
        """An event, whose number is |skip| too high."""
        self.seq += 1 + skip
        message = wire.message_of("iopub_event", content, wire.NIL, metadata={"seq": self.seq})
        self.publish_raw(wire.encode(message, form, dialect), topic)

    def publish_raw(self, octets, topic=None):
        frames = [topic.encode(), octets] if topic else [octets]
        self.do(lambda: self.sockets["iopub"].send_multipart(frames))
