#!/usr/bin/python3
"""Our STREAM with plain sockets and with libzmq's STREAM, and our RADIO, DISH and DGRAM over udp with
libzmq's.

Debian's libzmq has udp and DGRAM, but not the calls that RADIO and DISH need; with the path of one built
with drafts in LIBZMQ_DRAFTS these are met as well, else they are skipped.

Prints one line a case, in TAP, and at last "N passed, N failed".
"""
import ctypes
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

import zmq

PEER = os.path.join(os.environ.get('O', 'build'), 'test/interop/raw_peer')
PATIENCE = 60.0
RADIO, DISH, DGRAM = 14, 15, 18
LINGER, RCVTIMEO, SNDMORE = 17, 27, 2


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def check(what, value, expected):
    if value != expected:
        raise Failed(f'{what} is {value!r}, not {expected!r}')


class Ours:
    """Our side, a process that lives until its input is closed."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([PEER, *arguments], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def line(self, theirs=None):
        """The next line; a socket of libzmq's goes on with what it does only while it is called."""
        lines = []
        reader = threading.Thread(target=lambda: lines.append(self.process.stdout.readline()),
                                  daemon=True)
        reader.start()
        end = time.monotonic() + PATIENCE
        while reader.is_alive() and time.monotonic() < end:
            if theirs:
                theirs.getsockopt(zmq.EVENTS)
            reader.join(0.01)
        return lines[0].strip() if lines else 'nothing'

    def expect(self, *expected, theirs=None):
        """The next lines, in any order."""
        lines = [self.line(theirs) for _ in expected]
        check('what our side says', sorted(lines), sorted(expected))

    def endpoint(self):
        line = self.line()
        if not line.startswith('listening '):
            raise Failed(f'our side does not listen but says {line!r}')
        return line.split()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed('our side does not end')
        check('how our side ended', self.process.returncode, 0)


class Theirs:
    """A socket of libzmq's, by its own functions."""

    def __init__(self, path, kind):
        self.lib = ctypes.CDLL(path)
        for name in ('zmq_ctx_new', 'zmq_socket'):
            getattr(self.lib, name).restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.lib.zmq_ctx_new())
        self.socket = ctypes.c_void_p(self.lib.zmq_socket(self.context, kind))
        for option, value in ((LINGER, 0), (RCVTIMEO, int(PATIENCE * 1000))):
            number = ctypes.c_int(value)
            self.lib.zmq_setsockopt(self.socket, option, ctypes.byref(number), 4)

    def call(self, name, *arguments):
        result = getattr(self.lib, name)(self.socket, *arguments)
        if result < 0:
            raise Failed(f'{name} of libzmq fails: error {self.lib.zmq_errno()}')
        return result

    def send(self, *parts):
        for part in parts[:-1]:
            self.call('zmq_send', part, len(part), SNDMORE)
        self.call('zmq_send', parts[-1], len(parts[-1]), 0)

    def recv(self):
        room = ctypes.create_string_buffer(70000)
        size = self.call('zmq_recv', room, len(room), 0)
        return room.raw[:size]

    def send_to_group(self, group, body):
        message = ctypes.create_string_buffer(64)
        self.lib.zmq_msg_init_size(message, ctypes.c_size_t(len(body)))
        self.lib.zmq_msg_data.restype = ctypes.c_void_p
        ctypes.memmove(self.lib.zmq_msg_data(message), body, len(body))
        self.lib.zmq_msg_set_group(message, group)
        if self.lib.zmq_msg_send(message, self.socket, 0) < 0:
            raise Failed('zmq_msg_send of libzmq fails')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lib.zmq_close(self.socket)
        self.lib.zmq_ctx_term(self.context)


def stable(kind):
    return Theirs('libzmq.so.5', kind)


def drafts(kind):
    path = os.environ.get('LIBZMQ_DRAFTS')
    if not path:
        raise Skipped('LIBZMQ_DRAFTS names no libzmq built with drafts')
    return Theirs(path, kind)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def dial(endpoint):
    """A plain connection."""
    if endpoint.startswith('ipc://'):
        plain = socket.socket(socket.AF_UNIX)
        plain.settimeout(PATIENCE)
        plain.connect(endpoint[6:])
        return plain
    host, port = endpoint[6:].split(':')
    return socket.create_connection((host, int(port)), PATIENCE)


def read(plain, size):
    octets = b''
    while len(octets) < size:
        more = plain.recv(65536)
        if not more:
            break
        octets += more
    return octets


def fresh(transport, folder):
    return 'tcp://127.0.0.1:*' if transport == 'tcp' else 'ipc://' + tempfile.mktemp(dir=folder)


def plain_client(transport, folder):
    with Ours('STREAM', 'bind', fresh(transport, folder)) as ours:
        endpoint = ours.endpoint()
        with dial(endpoint) as plain:
            ours.expect('message 0')
            plain.sendall(b'hello')
            check('the echo', read(plain, 5), b'hello')
            ours.expect('message 5 68656c6c6f')
            plain.shutdown(socket.SHUT_WR)
            check('what is left', plain.recv(10), b'')
        ours.expect('message 0', 'closed')


def plain_server(transport, folder):
    path = tempfile.mktemp(dir=folder)
    listener = socket.socket(socket.AF_INET if transport == 'tcp' else socket.AF_UNIX)
    listener.bind(('127.0.0.1', 0) if transport == 'tcp' else path)
    listener.listen()
    listener.settimeout(PATIENCE)
    endpoint = 'ipc://' + path
    if transport == 'tcp':
        endpoint = 'tcp://127.0.0.1:%d' % listener.getsockname()[1]
    with listener, Ours('STREAM', 'connect', endpoint) as ours:
        plain = listener.accept()[0]
        plain.settimeout(PATIENCE)
        check('the first octets', read(plain, 5), b'hello')
        ours.expect('message 0')
        plain.sendall(b'\0\xff')
        ours.expect('message 2 00ff')
        plain.close()
        ours.expect('message 0', 'closed')


def megabytes(transport, folder):
    """More than all buffers hold: nothing is lost, changed or out of order."""
    octets = bytes(range(251)) * 20000
    with Ours('STREAM', 'bind', fresh(transport, folder)) as ours:
        with dial(ours.endpoint()) as plain:
            threading.Thread(target=lambda: [ours.process.stdout.readline() for _ in range(10**6)],
                             daemon=True).start()
            writer = threading.Thread(target=plain.sendall, args=(octets,))
            writer.start()
            check('the echo is the same', read(plain, len(octets)) == octets, True)
            writer.join()


def libzmq_stream(transport, folder, we_bind):
    with zmq.Context() as context, context.socket(zmq.STREAM) as theirs:
        theirs.linger, theirs.rcvtimeo = 0, int(PATIENCE * 1000)
        if not we_bind:
            theirs.bind(fresh(transport, folder))
            with Ours('STREAM', 'connect', theirs.last_endpoint.decode()) as ours:
                identity, notice = theirs.recv_multipart()
                check('their notice', notice, b'')
                check('the first octets', theirs.recv_multipart(), [identity, b'hello'])
                ours.expect('message 0')
                theirs.send_multipart([identity, b'answer'])
                ours.expect('message 6 616e73776572')
                theirs.send_multipart([identity, b''])
                ours.expect('message 0', 'closed', theirs=theirs)
            return
        with Ours('STREAM', 'bind', fresh(transport, folder)) as ours:
            theirs.connect(ours.endpoint())
            identity, notice = theirs.recv_multipart()
            check('their notice', notice, b'')
            ours.expect('message 0')
            theirs.send_multipart([identity, b'x' * 7])
            ours.expect('message 7 ' + '78' * 7)
            check('the echo', theirs.recv_multipart(), [identity, b'x' * 7])
            theirs.send_multipart([identity, b''])
            ours.expect('message 0', 'closed', theirs=theirs)


def await_udp(port):
    """libzmq binds in a thread of its own, some time after zmq_bind."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with open('/proc/net/udp', encoding='ascii') as file:
            if any(line.split()[1].endswith(f':{port:04X}') for line in file):
                return
        time.sleep(0.01)
    raise AssertionError(f'libzmq does not bind udp port {port}')


def libzmq_dgram_bound(library):
    port = free_port()
    with library(DGRAM) as theirs:
        theirs.call('zmq_bind', b'udp://127.0.0.1:%d' % port)
        await_udp(port)
        with Ours('DGRAM', 'connect', f'udp://127.0.0.1:{port}') as ours:
            sender = theirs.recv()
            check('the end of the address', sender[-1:], b'\0')
            check('the body', theirs.recv(), b'hello')
            theirs.send(sender, b'answer')
            ours.expect('message 6 616e73776572')


def libzmq_dgram_asks(library):
    with library(DGRAM) as theirs, Ours('DGRAM', 'bind', 'udp://127.0.0.1:*') as ours:
        theirs.call('zmq_bind', b'udp://127.0.0.1:%d' % free_port())
        address = ours.endpoint()[6:].encode()
        theirs.send(address, b'question')
        ours.expect('message 8 7175657374696f6e')
        check('who answers', theirs.recv(), address + b'\0')
        check('the answer', theirs.recv(), b'question')


def libzmq_octets(library):
    """Their DGRAM says a RADIO's octets to our DISH, and hears our RADIO's."""
    port = free_port()
    with library(DGRAM) as theirs, Ours('DISH', 'bind', 'udp://127.0.0.1:*') as ours:
        theirs.call('zmq_bind', b'udp://127.0.0.1:%d' % port)
        theirs.send(ours.endpoint()[6:].encode(), b'\x02tvmovie')
        ours.expect('message 5 6d6f766965')
        await_udp(port)
        with Ours('RADIO', 'connect', f'udp://127.0.0.1:{port}'):
            theirs.recv()
            check('the datagram', theirs.recv(), b'\x02tvmovie')


def libzmq_radio(library):
    with library(RADIO) as theirs, Ours('DISH', 'bind', 'udp://127.0.0.1:*') as ours:
        theirs.call('zmq_connect', ours.endpoint().encode())
        theirs.send_to_group(b'radio', b'not for us')
        theirs.send_to_group(b'tv', b'movie')
        ours.expect('message 5 6d6f766965')
        theirs.send_to_group(b'tv', b'')
        ours.expect('message 0')


def libzmq_dish(library):
    port = free_port()
    with library(DISH) as theirs:
        theirs.call('zmq_bind', b'udp://127.0.0.1:%d' % port)
        theirs.call('zmq_join', b'tv')
        with Ours('RADIO', 'connect', f'udp://127.0.0.1:{port}'):
            for _ in range(3):
                check('the body', theirs.recv(), b'movie')


def cases(folder):
    for transport in ('tcp', 'ipc'):
        yield f'a plain client of our STREAM, {transport}', lambda t=transport: plain_client(t, folder)
        yield f'a plain server of our STREAM, {transport}', lambda t=transport: plain_server(t, folder)
        yield f'megabytes through our STREAM, {transport}', lambda t=transport: megabytes(t, folder)
    for we_bind in (True, False):
        name = f'libzmq\'s STREAM and ours, which {"binds" if we_bind else "connects"}'
        yield name, lambda b=we_bind: libzmq_stream('tcp', folder, b)
    yield 'our DGRAM asks libzmq\'s', lambda: libzmq_dgram_bound(stable)
    yield 'libzmq\'s DGRAM asks ours', lambda: libzmq_dgram_asks(stable)
    yield 'libzmq\'s DGRAM sees the octets of our RADIO and DISH', lambda: libzmq_octets(stable)
    yield 'libzmq\'s RADIO and our DISH', lambda: libzmq_radio(drafts)
    yield 'libzmq\'s DISH and our RADIO', lambda: libzmq_dish(drafts)


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        todo = list(cases(folder))
        print(f'1..{len(todo)}')
        for number, (name, run) in enumerate(todo, 1):
            try:
                run()
            except Skipped as reason:
                print(f'ok {number} - {name} # SKIP {reason}')
                continue
            except (Failed, OSError, zmq.ZMQError) as error:
                print(f'not ok {number} - {name}')
                print(f'# {error}')
                failed += 1
                continue
            print(f'ok {number} - {name}')
            passed += 1
    print(f'{passed} passed, {failed} failed')
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())
