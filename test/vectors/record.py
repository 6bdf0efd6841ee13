#!/usr/bin/python3
"""Records what a live libzmq says on the wire, for test/unit/test_vectors.c.

Each session runs one libzmq socket against a raw TCP socket that this script drives by hand, and
writes one file to test/vectors/libzmq/. The format is described in README.md. Needs pyzmq. Run it
from anywhere; a second run writes the same files again, octet for octet.
"""
import os
import select
import socket
import sys
import time

import zmq
from zmq.auth.thread import ThreadAuthenticator

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'libzmq')
SIGNATURE = b'\xff' + bytes(8) + b'\x7f'
MORE, LONG, COMMAND = 1, 2, 4
QUIET = 0.3  # seconds after which nothing more is expected
PEERS = {'REQ': 'REP', 'REP': 'REQ', 'DEALER': 'ROUTER', 'ROUTER': 'DEALER', 'PUB': 'SUB', 'SUB': 'PUB'}


class Refused(Exception):
    """What our decoders refuse; the text is the name of the error."""


def greeting(minor=1, mechanism=b'NULL', major=3):
    return SIGNATURE + bytes([major, minor]) + mechanism.ljust(20, b'\0') + bytes(32)


def frame(body, flags=0):
    if len(body) > 255:
        return bytes([flags | LONG]) + len(body).to_bytes(8, 'big') + body
    return bytes([flags, len(body)]) + body


def command(name, data=b'', flags=COMMAND):
    return frame(bytes([len(name)]) + name + data, flags)


def properties(pairs):
    return b''.join(bytes([len(n)]) + n + len(v).to_bytes(4, 'big') + v for n, v in pairs)


def ready(kind, identity=None):
    pairs = [(b'Socket-Type', kind.encode())]
    if identity is not None:
        pairs.append((b'Identity', identity))
    return command(b'READY', properties(pairs))


# How a line is annotated. This reads the octets anew, without any code of the library.

def shown(octets):
    return ''.join(chr(o) if 0x20 < o < 0x7f and o != 0x25 else f'%{o:02x}' for o in octets)


def annotate_greeting(octets):
    if octets[0] != 0xff:
        raise Refused('ZMTP_ERR_VERSION' if octets[1] == 0 else 'ZMTP_ERR_GREETING')
    if len(octets) > 10 and octets[10] < 3:
        raise Refused('ZMTP_ERR_VERSION')
    if len(octets) < 64:
        return 'greeting, to be continued'
    mechanism = octets[12:32].rstrip(b'\0').decode()
    return f'greeting {octets[10]}.{octets[11]} {mechanism} as-server={octets[32]}'


def annotate_metadata(data):
    text, seen = '', set()
    while data:
        name, data = data[1:1 + data[0]], data[1 + data[0]:]
        size, data = int.from_bytes(data[:4], 'big'), data[4:]
        if not name or size > len(data) or name.lower() in seen:
            raise Refused('ZMTP_ERR_METADATA')
        seen.add(name.lower())
        text += f' {shown(name)}={shown(data[:size])}'
        data = data[size:]
    return text


def annotate_command(body):
    if not body or not 0 < body[0] < len(body):
        raise Refused('ZMTP_ERR_COMMAND')
    name, data = body[1:1 + body[0]], body[1 + body[0]:]
    text = f'command {shown(name)}'
    if name == b'READY':
        return text + annotate_metadata(data)
    if name == b'PING':
        if not 2 <= len(data) <= 18:
            raise Refused('ZMTP_ERR_COMMAND')
        return f'{text} ttl_ms={int.from_bytes(data[:2], "big") * 100} context={shown(data[2:])}'
    if name == b'PONG':
        return f'{text} context={shown(data)}'
    if name == b'ERROR':
        return f'{text} reason={shown(data[1:])}'
    return f'{text} data={shown(data)}'


def annotate_frame(octets):
    flags = octets[0]
    if flags > 7 or flags & COMMAND and flags & MORE:
        raise Refused('ZMTP_ERR_FRAME')
    body = octets[9 if flags & LONG else 2:]
    if flags & COMMAND:
        return annotate_command(body)
    return f'message {"more" if flags & MORE else "last"} size={len(body)}'


def annotation(octets, in_greeting):
    try:
        return annotate_greeting(octets) if in_greeting else annotate_frame(octets)
    except Refused as error:
        return f'refused {error}'


class Session:
    """One connection between a libzmq socket and us, and the file that it becomes."""

    def __init__(self, name, kind, role, about, options=(), domain=b''):
        self.name, self.lines = name, [f'# {about}']
        self.zmq = context.socket(getattr(zmq, kind))
        self.zmq.linger = 0
        if domain:
            self.zmq.zap_domain = domain
        for option, value in options:
            self.zmq.setsockopt(option, value)
        self.kind, self.greeted = kind, b''
        if role == 'connects':
            with socket.create_server(('127.0.0.1', 0)) as listener:
                self.zmq.connect(f'tcp://127.0.0.1:{listener.getsockname()[1]}')
                listener.settimeout(5)
                self.raw = listener.accept()[0]
        else:
            port = self.zmq.bind_to_random_port('tcp://127.0.0.1')
            self.raw = socket.create_connection(('127.0.0.1', port))
        self.raw.settimeout(5)
        self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.raw.close()
        self.zmq.close()
        if kind is None:
            with open(os.path.join(FOLDER, self.name + '.txt'), 'w') as file:
                file.write('\n'.join(self.lines) + '\n')

    def line(self, side, octets, in_greeting=False):
        if in_greeting and side == '>':
            self.greeted += octets
        whole = self.greeted if in_greeting and side == '>' else octets
        self.lines.append(f'{side} {octets.hex()} # {annotation(whole, in_greeting)}')

    def exactly(self, size):
        octets = b''
        while len(octets) < size:
            some = self.raw.recv(size - len(octets))
            if not some:
                raise EOFError(f'{self.name}: closed after {octets.hex()}')
            octets += some
        return octets

    def say(self, octets, in_greeting=False):
        """We send this."""
        self.raw.sendall(octets)
        self.line('<', octets, in_greeting)

    def hear(self, count=1):
        """libzmq sends |count| frames."""
        for _ in range(count):
            header = self.exactly(2)
            if header[0] & LONG:
                header += self.exactly(7)
            size = int.from_bytes(header[1:], 'big')
            self.line('>', header + self.exactly(size))

    def greet(self, minor=1, mechanism=b'NULL'):
        """libzmq sends its greeting in three parts, and waits for some of ours between them."""
        ours = greeting(minor, mechanism)
        self.line('>', self.exactly(10), True)
        self.raw.sendall(ours[:10])
        self.line('>', self.exactly(1), True)
        self.raw.sendall(ours[10:])
        self.line('<', ours, True)
        self.line('>', self.exactly(53), True)

    def shake(self, minor=1, identity=None):
        self.greet(minor)
        self.hear()  # its READY, which does not wait for ours
        self.say(ready(PEERS[self.kind], identity))
        self.settle()

    def settle(self):
        """Lets libzmq act on what we sent; a socket learns of a new pipe only inside a call."""
        time.sleep(QUIET)
        self.zmq.get(zmq.EVENTS)

    def outcome(self):
        """Did libzmq close?"""
        if select.select([self.raw], [], [], QUIET)[0]:
            try:
                rest = self.raw.recv(1)
            except ConnectionResetError:
                rest = b''
            assert not rest, f'{self.name}: unexpected {rest}'
            self.lines.append('= libzmq closes')
        else:
            self.lines.append('= libzmq stays')


# What one socket of each type says once the handshake is done.

def talk_req(s):
    s.zmq.send(b'hello')
    s.hear(2)
    s.say(frame(b'', MORE))
    s.say(frame(b''))
    assert s.zmq.recv() == b''


def talk_rep(s):
    s.say(frame(b'', MORE))
    s.say(frame(b'hello'))
    assert s.zmq.recv() == b'hello'
    s.zmq.send(b'world')
    s.hear(2)


def talk_dealer(s):
    s.zmq.send_multipart([b'', b'hello'])
    s.hear(2)


def talk_router(s):
    s.say(frame(b'hello'))
    who, body = s.zmq.recv_multipart()
    assert who == b'raw' and body == b'hello'
    s.zmq.send_multipart([who, b'world'])
    s.hear()


def talk_pub(s):
    s.say(command(b'SUBSCRIBE', b'a') if s.minor else frame(b'\x01a'))
    s.settle()
    s.zmq.send(b'b not wanted')
    s.zmq.send(b'a wanted')
    s.hear()


def talk_sub(s):
    s.zmq.subscribe(b'a')
    s.hear()
    s.say(frame(b'a1'))
    assert s.zmq.recv() == b'a1'
    s.zmq.unsubscribe(b'a')
    s.hear()


TALKS = {'REQ': talk_req, 'REP': talk_rep, 'DEALER': talk_dealer, 'ROUTER': talk_router,
         'PUB': talk_pub, 'SUB': talk_sub}


def handshakes():
    for kind, talk in TALKS.items():
        for role in ('binds', 'connects'):
            for minor in (1, 0):
                about = f'libzmq {zmq.zmq_version()}: a {kind} that {role}, with a 3.{minor} peer'
                with Session(f'{kind.lower()}-{role}-3{minor}', kind, role, about) as s:
                    s.minor = minor
                    s.shake(minor, b'raw' if kind == 'ROUTER' else None)
                    talk(s)


def session(name, kind, about, **more):
    return Session(name, kind, more.pop('role', 'connects'), f'libzmq {zmq.zmq_version()}: {about}', **more)


def identity():
    with session('identity', 'DEALER', 'a routing id, in the padding and in READY',
                 options=[(zmq.ROUTING_ID, b'dealer 7%')]) as s:
        s.shake()


def subscriptions():
    """Several topics, one of them twice: every subscribe is sent, only the last cancel is."""
    for minor in (1, 0):
        with session(f'subscriptions-3{minor}', 'SUB', f'subscriptions to a 3.{minor} peer') as s:
            s.shake(minor)
            for topic in (b'', b'twice', b'twice', b'\x00\xff', b't' * 200):
                s.zmq.subscribe(topic)
                s.hear()
            s.zmq.unsubscribe(b'twice')
            s.zmq.unsubscribe(b'twice')
            s.hear()
            s.zmq.unsubscribe(b'')
            s.hear()
            s.outcome()


def publisher_forms():
    """A publisher takes both forms of a subscription from any peer."""
    for minor in (1, 0):
        with session(f'publisher-forms-3{minor}', 'XPUB', f'both forms of subscription, 3.{minor} peer',
                     role='binds') as s:
            s.greet(minor)
            s.hear()
            s.say(ready('SUB'))
            for said, heard in ((command(b'SUBSCRIBE', b'a'), b'\x01a'), (frame(b'\x01b'), b'\x01b'),
                                (command(b'CANCEL', b'a'), b'\x00a'), (frame(b'\x00b'), b'\x00b')):
                s.say(said)
                assert s.zmq.recv() == heard


def heartbeats():
    with session('heartbeat-sent', 'DEALER', 'a PING every 200 ms, TTL 1.5 s',
                 options=[(zmq.HEARTBEAT_IVL, 200), (zmq.HEARTBEAT_TIMEOUT, 2000),
                          (zmq.HEARTBEAT_TTL, 1500)]) as s:
        s.shake()
        s.hear()
        s.say(command(b'PONG'))
        s.hear()
    with session('heartbeat-answered', 'DEALER', 'PONG returns the context of a PING') as s:
        s.shake()
        for context in (b'', b'x', b'0123456789abcdef'):
            s.say(command(b'PING', b'\x00\x64' + context))
            s.hear()
        s.outcome()


def frames():
    with session('frames', 'PUSH', 'sizes around the border of the short form, multipart') as s:
        s.greet()
        s.hear()
        s.say(ready('PULL'))
        s.settle()
        for size in (0, 1, 254, 255, 256, 257, 1000):
            s.zmq.send(bytes(i % 256 for i in range(size)))
            s.hear()
        s.zmq.send_multipart([b'one', b'', b'3' * 255, b'4' * 256, b''])
        s.hear(5)


def errors():
    cases = [
        ('error-received', command(b'ERROR', b'\x03no!'), 'ERROR instead of READY'),
        ('error-socket-type', ready('PUB'), 'a socket type that does not fit'),
        ('error-not-ready', command(b'HELLO', b'data'), 'another command instead of READY'),
        ('error-metadata-trailing', command(b'READY', properties([(b'Socket-Type', b'ROUTER')]) + b'\0'),
         'an octet behind the metadata'),
        ('error-metadata-twice',
         command(b'READY', properties([(b'Socket-Type', b'ROUTER'), (b'SOCKET-TYPE', b'ROUTER')])),
         'a property twice, in different case'),
        ('error-metadata-nameless',
         command(b'READY', properties([(b'Socket-Type', b'ROUTER'), (b'', b'v')])),
         'a property without a name'),
    ]
    for name, said, about in cases:
        with session(name, 'DEALER', about) as s:
            s.greet()
            s.hear()
            s.say(said)
            s.outcome()


def leniences():
    """Frames that libzmq takes, though some break the RFC; the message after them shows that it goes on."""
    cases = [
        ('lenient-reserved-flags', frame(b'x', 0xf8), 'reserved flag bits'),
        ('lenient-more-command', command(b'PONG', b'', COMMAND | MORE), 'MORE on a command'),
        ('lenient-empty-command', frame(b'', COMMAND), 'a command without a name'),
        ('lenient-unknown-command', command(b'UNKNOWN', b'data'), 'a command that nobody knows'),
        ('lenient-long-small', b'\x02' + (3).to_bytes(8, 'big') + b'abc', 'the long form of a small size'),
    ]
    for name, said, about in cases:
        with session(name, 'DEALER', about) as s:
            s.shake()
            s.say(said)
            s.outcome()
            s.zmq.send(b'on')
            s.hear()


def denials():
    """ERROR as libzmq sends it, once NULL's and once PLAIN's, whose name is not what it should be."""
    zap = ThreadAuthenticator(context)
    zap.start()
    zap.deny('127.0.0.1')
    try:
        with session('error-sent-null', 'REP', 'the authoriser denies a NULL client', role='binds',
                     domain=b'test') as s:
            s.greet()
            s.say(ready('REQ'))
            s.hear()  # whether it then closes depends on whether it has read our READY
        zap.configure_plain(domain='test', passwords={'a': 'b'})
        with session('error-sent-plain', 'REP', 'the authoriser denies a PLAIN client', role='binds',
                     domain=b'test', options=[(zmq.PLAIN_SERVER, 1)]) as s:
            s.greet(1, b'PLAIN')
            s.say(command(b'HELLO', b'\x01a\x05wrong'))
            s.hear()
    finally:
        zap.stop()


def plain():
    """PLAIN's whole handshake, with libzmq as the client and as the server."""
    with session('plain-client', 'DEALER', 'the client of a PLAIN handshake',
                 options=[(zmq.PLAIN_USERNAME, b'admin'), (zmq.PLAIN_PASSWORD, b'secret')]) as s:
        s.greet(1, b'PLAIN')
        s.hear()
        s.say(command(b'WELCOME'))
        s.hear()
        s.say(ready('ROUTER', b''))
        s.zmq.send(b'hello')
        s.hear()
    zap = ThreadAuthenticator(context)
    zap.start()
    zap.configure_plain(domain='test', passwords={'admin': 'secret'})
    try:
        with session('plain-server', 'PULL', 'the server of a PLAIN handshake', role='binds', domain=b'test',
                     options=[(zmq.PLAIN_SERVER, 1)]) as s:
            s.greet(1, b'PLAIN')
            s.say(command(b'HELLO', b'\x05admin\x06secret'))
            s.hear()
            s.say(command(b'INITIATE', properties([(b'Socket-Type', b'PUSH')])))
            s.hear()
            s.say(frame(b'hello'))
            assert s.zmq.recv() == b'hello'
    finally:
        zap.stop()


def strangers():
    """First octets that are not those of a ZMTP 3 peer."""
    cases = [
        ('stranger-http', b'GET / HTTP/1.1\r\n\r\n', 'an HTTP client'),
        ('stranger-20', SIGNATURE + b'\x01\x05' + b'\x00\x00', 'a ZMTP 2.0 peer (DEALER, no identity)'),
        ('stranger-10', b'\x01\x00', 'a ZMTP 1.0 peer, no identity'),
    ]
    for name, said, about in cases:
        with session(name, 'ROUTER', about, role='binds') as s:
            s.line('>', s.exactly(10), True)
            s.say(said, True)


def main():
    os.makedirs(FOLDER, exist_ok=True)
    for step in (handshakes, identity, subscriptions, publisher_forms, heartbeats, frames, errors,
                 leniences, denials, plain, strangers):
        step()
        print(step.__name__, flush=True)
    return 0


context = zmq.Context()
if __name__ == '__main__':
    sys.exit(main())
