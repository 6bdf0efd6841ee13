#!/usr/bin/python3
"""Conversations of our sockets with libzmq's: each type, whoever binds, tcp and ipc, bodies around
every limit of the framing, one to eight parts, and restarts of either side.

Prints one line a case, in TAP, and at last "N passed, N failed".
"""
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time

import zmq

PEER = os.path.join(os.environ.get('O', 'build'), 'test/interop/interop_peer')
SIZES = [0, 1, 255, 256, 8191, 8192, 65536, 1024 * 1024]
PERIOD, PARTS_MAX = 251, 8
OCTETS = (bytes(range(PERIOD)) * (SIZES[-1] // PERIOD + 3))
WHOLE = len(SIZES) * PARTS_MAX  # messages of the whole plan
PATIENCE = 60.0


def plan(n):
    """Message n, as interop_peer.c makes it."""
    size, parts = SIZES[n % len(SIZES)], n // len(SIZES) % PARTS_MAX + 1
    starts = [(n * 7 + i) % PERIOD for i in range(parts)]
    return [OCTETS[s:s + size] for s in starts]


class Failed(Exception):
    pass


class Ours:
    """A run of interop_peer."""

    def __init__(self, kind, how, endpoint, role, count=0, security=()):
        command = [PEER, kind, how, endpoint, role, str(count), *security]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        self.errors = []
        self.reader = threading.Thread(target=self.read_errors, daemon=True)
        self.reader.start()

    def read_errors(self):
        self.errors = self.process.stderr.readlines()

    def expect(self, word):
        """The rest of the next line, which begins with the word."""
        timer = threading.Timer(PATIENCE, self.process.kill)
        timer.start()
        line = self.process.stdout.readline().strip()
        timer.cancel()
        if not line.startswith(word):
            raise Failed(f'expected {word!r} of our side, not {line!r}')
        return line[len(word):].strip()

    def finish(self):
        self.expect('done')
        if self.process.wait(PATIENCE) != 0:
            raise Failed(f'our side ended with {self.process.returncode}')

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()


class Case:
    def __init__(self, folder, transport, we_bind):
        self.context = zmq.Context()
        self.folder, self.transport, self.we_bind = folder, transport, we_bind
        self.endpoint = None
        self.processes, self.sockets = [], []

    def fresh(self):
        if self.transport == 'ipc':
            return 'ipc://' + tempfile.mktemp(dir=self.folder)
        return 'ws://127.0.0.1:*/zeromq' if self.transport == 'ws' else 'tcp://127.0.0.1:*'

    def theirs(self, kind, **options):
        socket = self.context.socket(getattr(zmq, kind))
        socket.linger = 0
        socket.rcvtimeo = socket.sndtimeo = int(PATIENCE * 1000)
        socket.rcvhwm = socket.sndhwm = 0
        for name, value in options.items():
            setattr(socket, name, value)
        self.sockets.append(socket)
        return socket

    def ours(self, *arguments):
        process = Ours(*arguments)
        self.processes.append(process)
        return process

    def meet(self, kind, role, count, socket):
        """Starts our side and brings it together with libzmq's socket."""
        if self.we_bind:
            ours = self.ours(kind, 'bind', self.endpoint or self.fresh(), role, count)
            self.endpoint = ours.expect('listening')
            socket.connect(self.endpoint)
        else:
            socket.bind(self.endpoint or self.fresh())
            self.endpoint = socket.last_endpoint.decode()
            ours = self.ours(kind, 'connect', self.endpoint, role, count)
        return ours

    def close(self):
        for process in self.processes:
            process.kill()
        self.context.destroy(0)

    def stories(self):
        return ''.join(line for p in self.processes for line in p.errors)


def check(message, n, what='message'):
    if message != plan(n):
        raise Failed(f'{what} {n} is not what the plan says: '
                     f'{[len(part) for part in message]} octets')


def echo(socket, ours, stop=None):
    """libzmq's side sends everything back, until ours is done."""
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    end = time.monotonic() + PATIENCE
    while ours.process.poll() is None and time.monotonic() < end:
        if stop and stop():
            return
        if poller.poll(50):
            socket.send_multipart(socket.recv_multipart())
    ours.finish()


def ask(case, ours_kind, theirs_kind, window):
    socket = case.theirs(theirs_kind)
    case.meet(ours_kind, 'echo', 0, socket)
    for first in range(0, WHOLE, window):
        numbers = range(first, min(first + window, WHOLE))
        for n in numbers:
            socket.send_multipart(plan(n))
        for n in numbers:
            check(socket.recv_multipart(), n, 'answer')


def case_req(case):
    socket = case.theirs('REP')
    echo(socket, case.meet('REQ', 'ask', WHOLE, socket))


def case_req_router(case):
    socket = case.theirs('ROUTER')
    echo(socket, case.meet('REQ', 'ask', WHOLE, socket))


def case_rep(case):
    ask(case, 'REP', 'REQ', 1)


def case_dealer(case):
    socket = case.theirs('ROUTER')
    echo(socket, case.meet('DEALER', 'ask', WHOLE, socket))


def case_dealer_dealer(case):
    socket = case.theirs('DEALER')
    echo(socket, case.meet('DEALER', 'ask', WHOLE, socket))


def case_router(case):
    ask(case, 'ROUTER', 'DEALER', 8)


def case_router_req(case):
    ask(case, 'ROUTER', 'REQ', 1)


def case_pub(case):
    socket = case.theirs('SUB')
    socket.subscribe(b'A')
    ours = case.meet('PUB', 'source', WHOLE, socket)
    for n in range(WHOLE):
        message = socket.recv_multipart()
        if message[0] != b'A':
            raise Failed('a topic came that nobody subscribed to')
        check(message[1:], n)
    ours.finish()


def greet(socket, ours):
    """Publishes until our side has heard it, so that its subscription is known to be here."""
    heard = threading.Event()
    waiting = threading.Thread(target=lambda: (ours.expect('ready'), heard.set()), daemon=True)
    waiting.start()
    end = time.monotonic() + PATIENCE
    while not heard.is_set():
        if time.monotonic() > end:
            raise Failed('our side did not hear the publisher')
        socket.send_multipart([b'A', b'hello'])
        heard.wait(0.01)


def case_sub(case):
    socket = case.theirs('PUB')
    ours = case.meet('SUB', 'sink', WHOLE, socket)
    greet(socket, ours)
    for n in range(WHOLE):
        socket.send_multipart([b'B'] + plan(n))
        socket.send_multipart([b'A'] + plan(n))
    ours.finish()


# ZMTP37-ERR-04; ZMTP26-GEN-03
def case_they_restart_rep(case):
    """libzmq's REP goes and comes back, five times; our REQ asks on."""
    count = 2 * WHOLE  # 21 before each restart, and some behind the last
    socket = case.theirs('REP')
    ours = case.meet('REQ', 'ask', count, socket)
    for _ in range(5):
        answered = itertools.count()
        echo(socket, ours, lambda: next(answered) > 20)
        case.sockets.remove(socket)
        socket.close(0)
        socket = case.theirs('REP')
        reopen(case, socket)
    echo(socket, ours)


def reopen(case, socket):
    if case.we_bind:
        socket.connect(case.endpoint)
        return
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.bind(case.endpoint)
        except zmq.ZMQError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def case_we_restart_rep(case):
    """Our REP is killed and started again, three times; libzmq's REQ asks on."""
    socket = case.theirs('REQ', rcvtimeo=300, req_relaxed=1, req_correlate=1,
                         reconnect_ivl=20)
    ours = case.meet('REP', 'echo', 0, socket)
    n, end = 0, time.monotonic() + PATIENCE
    while n < 3 * WHOLE:
        if time.monotonic() > end:
            raise Failed(f'only {n} answers came')
        socket.send_multipart(plan(n))
        try:
            check(socket.recv_multipart(), n, 'answer')
        except zmq.Again:
            continue
        n += 1
        if n % (WHOLE - 1) == 0:
            ours.kill()
            how = 'bind' if case.we_bind else 'connect'
            ours = case.ours('REP', how, case.endpoint, 'echo', 0)


# LZ-41
def case_they_restart_pub(case):
    """libzmq's PUB goes and comes back; our SUB subscribes again."""
    socket = case.theirs('PUB')
    ours = case.meet('SUB', 'sink', WHOLE, socket)
    greet(socket, ours)
    case.sockets.remove(socket)
    socket.close(0)
    socket = case.theirs('XPUB')  # it tells of the subscription
    reopen(case, socket)
    if socket.recv() != b'\x01A':
        raise Failed('no subscription came after the restart')
    for n in range(WHOLE):
        socket.send_multipart([b'A'] + plan(n))
    ours.finish()


def case_we_restart_pub(case):
    """Our PUB ends and another starts; libzmq's SUB subscribes again."""
    socket = case.theirs('SUB', reconnect_ivl=20)
    socket.subscribe(b'A')
    ours = case.meet('PUB', 'source', WHOLE, socket)
    for run in range(2):
        for n in range(WHOLE):
            check(socket.recv_multipart()[1:], n)
        ours.finish()
        if run == 0:
            how = 'bind' if case.we_bind else 'connect'
            ours = case.ours('PUB', how, case.endpoint, 'source', WHOLE)
            if case.we_bind:
                ours.expect('listening')


CASES = [case_req, case_req_router, case_rep, case_dealer, case_dealer_dealer, case_router,
         case_router_req, case_pub, case_sub, case_they_restart_rep, case_we_restart_rep,
         case_they_restart_pub, case_we_restart_pub]


def transports():
    """Those that our side was built with, which it tells when asked for another one."""
    run = subprocess.run([PEER, 'PAIR', 'connect', 'ws://127.0.0.1:*', 'echo', '0'],
                         capture_output=True, text=True)
    return ['tcp', 'ipc'] + ([] if 'without WebSocket' in run.stderr else ['ws'])


def ways():
    """Each transport, whoever binds."""
    return list(itertools.product(transports(), [True, False]))


def some(number, ways_):
    """All of them; or, where the same cases have run in another flavour and TEST_FEW=1 says so, one, another one for each
    number."""
    return [ways_[number % len(ways_)]] if os.environ.get('TEST_FEW') == '1' else ways_


def cases():
    ways_ = ways()
    for number, run in enumerate(CASES):
        # Two, so that of each talk a socket of ours has bound and has dialled.
        for transport, we_bind in dict.fromkeys(some(number, ways_) + some(number + 1, ways_)):
            yield run, transport, we_bind


def main():
    passed = failed = 0
    only = sys.argv[1] if len(sys.argv) > 1 else ''
    with tempfile.TemporaryDirectory() as folder:
        for run, transport, we_bind in cases():
            name = f'{run.__name__[5:]} {transport} {"we bind" if we_bind else "libzmq binds"}'
            if only not in name:
                continue
            case = Case(folder, transport, we_bind)
            trouble = None
            try:
                run(case)
            except (Failed, zmq.ZMQError, subprocess.TimeoutExpired) as e:
                trouble = e
            case.close()
            passed, failed = passed + (trouble is None), failed + (trouble is not None)
            print(f'{"not ok" if trouble else "ok"} {passed + failed} - {name}', flush=True)
            if trouble:
                print(f'# {type(trouble).__name__}: {trouble}\n' +
                      ''.join(f'#   {line}\n' for line in case.stories().splitlines()[-20:]))
    print(f'{passed} passed, {failed} failed')
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main())
