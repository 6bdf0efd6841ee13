"""The peer program on libzmq through pyzmq, as Debian or as a wheel has it; ../../README.md has its lines.
"""
import sys
import threading

import zmq
import zmq.utils.z85

OCTETS_SIZE = 1024 * 1024 + 65536
TYPES = {'REQ', 'REP', 'DEALER', 'ROUTER', 'PUB', 'SUB', 'XPUB', 'XSUB', 'PUSH', 'PULL', 'PAIR'}


def octets():
    out, x = bytearray(OCTETS_SIZE), 1
    for i in range(OCTETS_SIZE):
        x = (x * 1664525 + 1013904223) & 0xffffffff
        out[i] = x >> 24
    return bytes(out)


OCTETS = octets()


class No(Exception):
    """The library does not have it."""


class Judge(threading.Thread):
    """Lets in those who have the credentials (RFC 27)."""

    def __init__(self, context, credentials):
        super().__init__(daemon=True)
        self.socket = context.socket(zmq.REP)
        self.socket.bind('inproc://zeromq.zap.01')
        self.credentials = credentials

    def run(self):
        try:
            while True:
                request = self.socket.recv_multipart()
                code, text = (b'200', b'OK') if request[6:] == self.credentials else (b'400', b'No')
                self.socket.send_multipart([b'1.0', request[1], code, text, b'somebody', b''])
        except zmq.ContextTerminated:
            self.socket.close(0)


class Peer:
    def __init__(self):
        self.reset()

    def reset(self):
        self.context = self.socket = None
        self.options, self.timeout, self.kept = [], 10000, []

    def parts(self, words):
        """The parts that words mean; * and ** stand for what was kept."""
        out = []
        for word in words:
            if word[0] == '*':
                out.extend(self.kept)
            elif word[0] == '=':
                out.append(bytes.fromhex(word[1:]))
            else:
                seed, size = map(int, word.split(':'))
                out.append(OCTETS[seed:seed + size])
        return out

    def keep(self, message, word):
        """*: the first part. **: all parts up to the first empty one."""
        count = 1 if word == '*' or b'' not in message else message.index(b'') + 1
        self.kept = message[:count]

    def version(self):
        return f'libzmq {zmq.zmq_version()} (pyzmq {zmq.__version__})'

    def option(self, name, *values):
        if name == 'timeout':
            self.timeout = int(values[0])
            if self.socket:
                self.deadline(self.timeout)
        elif name == 'routing-id':
            self.options.append((zmq.ROUTING_ID, bytes.fromhex(values[0])))
        elif name == 'heartbeat':
            names = zmq.HEARTBEAT_IVL, zmq.HEARTBEAT_TIMEOUT, zmq.HEARTBEAT_TTL
            self.options.extend(zip(names, map(int, values)))
        elif name != 'reconnect':
            raise No('such option')

    def open(self, kind, mechanism, *words):
        if kind not in TYPES:
            raise No(f'{kind}: a draft, built without')
        self.context = zmq.Context()
        self.socket = self.context.socket(getattr(zmq, kind))
        words = [word.encode() for word in words]
        if mechanism.endswith('-server'):
            known = words if mechanism.startswith('plain') else [zmq.utils.z85.decode(words[2])]
            Judge(self.context, known).start()
            self.socket.zap_domain = b'campaign'
        if mechanism == 'plain-server':
            self.socket.plain_server = True
        elif mechanism == 'plain-client':
            self.socket.plain_username, self.socket.plain_password = words
        elif mechanism.startswith('curve-'):
            self.socket.curve_publickey, self.socket.curve_secretkey = words[:2]
            if mechanism == 'curve-server':
                self.socket.curve_server = True
            else:
                self.socket.curve_serverkey = words[2]
        for name, value in self.options:
            self.socket.set(name, value)
        self.socket.sndhwm = self.socket.rcvhwm = 0
        self.socket.reconnect_ivl = 50
        self.socket.linger = 5000
        if kind == 'ROUTER':
            self.socket.router_mandatory = True
        self.deadline(self.timeout)

    def deadline(self, timeout):
        self.socket.rcvtimeo = self.socket.sndtimeo = timeout

    def bind(self, endpoint):
        self.socket.bind(endpoint)
        return self.socket.last_endpoint.decode()

    def connect(self, endpoint):
        self.socket.connect(endpoint)

    def subscribe(self, topic):
        self.socket.setsockopt(zmq.SUBSCRIBE, *self.parts([topic]))

    def cancel(self, topic):
        self.socket.setsockopt(zmq.UNSUBSCRIBE, *self.parts([topic]))

    def send(self, *words):
        parts = self.parts(words)
        for left in range(self.timeout // 5, -1, -1):
            try:
                self.socket.send_multipart(parts)
                return
            except zmq.ZMQError as e:
                if e.errno != zmq.EHOSTUNREACH or left == 0:
                    raise
            threading.Event().wait(0.005)

    def recv(self, *words, until=False):
        while True:
            message = self.socket.recv_multipart()
            if words[0][0] == '*':
                self.keep(message, words[0])
            if message == self.parts(words):
                return
            if not until:
                raise ValueError(f'parts of {[len(part) for part in message]} octets, '
                                 f'not {" ".join(words)}')

    def until(self, *words):
        self.recv(*words, until=True)

    def close(self):
        if self.context:
            self.socket.close()
            self.context.term()
        self.reset()


def main():
    peer = Peer()
    lines = {name: getattr(peer, name) for name in (
        'version', 'option', 'open', 'bind', 'connect', 'subscribe', 'cancel', 'send', 'recv', 'until',
        'close')}
    for line in sys.stdin:
        verb, *words = line.split()
        try:
            if verb not in lines:
                raise No('such line')
            answer = lines[verb](*words)
            print('ok', answer or '', flush=True)
        except No as e:
            print('no', e, flush=True)
        except zmq.ZMQError as e:
            missing = e.errno == zmq.EPROTONOSUPPORT
            word = 'timeout' if e.errno == zmq.EAGAIN else 'no' if missing else 'error'
            print(word, 'it has no such transport' if missing else e, flush=True)
        except Exception as e:  # whatever it is, the driver is to hear of it
            print('error', f'{type(e).__name__}: {e}'.replace('\n', ' '), flush=True)


if __name__ == '__main__':
    main()
