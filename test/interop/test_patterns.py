#!/usr/bin/python3
"""Conversations of our PAIR, PUSH, PULL, XPUB and XSUB with libzmq's sockets, whoever binds, over tcp
and ipc.

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
from zmq.utils.monitor import recv_monitor_message

PEER = os.path.join(os.environ.get('O', 'build'), 'test/interop/pattern_peer')
COUNT = 500
PATIENCE = 60.0


def plan(n):
    """Message n, as pattern_peer.c makes it."""
    return [b'%d' % n, bytes([n % 251]) * (n * 997 % 20000)]


class Failed(Exception):
    pass


class Case:
    def __init__(self, folder, transport, we_bind):
        self.context, self.we_bind = zmq.Context(), we_bind
        self.fresh = 'tcp://127.0.0.1:*'
        if transport == 'ipc':
            self.fresh = 'ipc://' + tempfile.mktemp(dir=folder)
        self.process, self.socket, self.story = None, None, []

    def meet(self, ours, theirs, **options):
        """Starts our side and brings it together with a socket of libzmq's, which is returned."""
        socket = self.context.socket(getattr(zmq, theirs))
        socket.linger, socket.rcvhwm, socket.sndhwm = 0, 0, 0
        socket.rcvtimeo = socket.sndtimeo = int(PATIENCE * 1000)
        for name, value in options.items():
            setattr(socket, name, value)
        how, endpoint = 'bind', self.fresh
        if not self.we_bind:
            socket.bind(self.fresh)
            how, endpoint = 'connect', socket.last_endpoint.decode()
        self.process = subprocess.Popen([PEER, ours, how, endpoint, str(COUNT)], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        threading.Thread(target=lambda: self.story.extend(self.process.stderr), daemon=True).start()
        if self.we_bind:
            socket.connect(self.expect('listening').split()[1])
        self.socket = socket
        return socket

    def expect(self, words):
        """The next line of our side, which begins with these words."""
        lines = []
        reader = threading.Thread(target=lambda: lines.append(self.process.stdout.readline()),
                                  daemon=True)
        reader.start()
        end = time.monotonic() + PATIENCE
        while reader.is_alive() and time.monotonic() < end:
            # A socket of libzmq's takes note of a new connection only while it is called.
            if self.socket and not self.socket.closed:
                self.socket.getsockopt(zmq.EVENTS)
            reader.join(0.01)
        line = lines[0].strip() if lines else 'nothing'
        if not line.startswith(words):
            raise Failed(f'expected {words!r} of our side, not {line!r}')
        return line

    def finish(self):
        self.expect('done')
        if self.process.wait(PATIENCE) != 0:
            raise Failed(f'our side ended with {self.process.returncode}')

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.context.destroy(0)


def check(got, expected):
    if got != expected:
        raise Failed(f'expected {[p[:8] for p in expected]}, not {[p[:8] for p in got]}')


def case_push(case):
    socket = case.meet('PUSH', 'PULL')
    for n in range(COUNT):
        check(socket.recv_multipart(), plan(n))
    case.finish()


def case_pull(case):
    socket = case.meet('PULL', 'PUSH')
    for n in range(COUNT):
        socket.send_multipart(plan(n))
    case.finish()


def case_pair(case):
    socket = case.meet('PAIR', 'PAIR')
    for n in range(COUNT):
        socket.send_multipart(plan(n))
    for n in range(COUNT):
        check(socket.recv_multipart(), plan(n))
    case.finish()


def case_pair_turned_away(case):
    """A second PAIR of libzmq's passes over the ERROR that it is told, and comes again until there is room."""
    first = case.meet('PAIR', 'PAIR')
    first.send_multipart(plan(0))
    check(first.recv_multipart(), plan(0))
    second = case.context.socket(zmq.PAIR)
    second.linger, second.reconnect_ivl = 0, 20
    second.rcvtimeo = second.sndtimeo = int(PATIENCE * 1000)
    monitor = second.get_monitor_socket()
    second.connect(first.last_endpoint)
    turned_away = 0
    while turned_away < 3:
        if not monitor.poll(PATIENCE * 1000):
            raise Failed('the second PAIR does not come again')
        turned_away += recv_monitor_message(monitor)['event'] == zmq.EVENT_DISCONNECTED
    first.close(0)
    case.socket = second
    while monitor.poll(1000):  # nothing more happens once it is in
        monitor.recv_multipart()
    for n in range(1, COUNT):
        second.send_multipart(plan(n))
    for n in range(1, COUNT):
        check(second.recv_multipart(), plan(n))
    case.finish()


def case_xpub_sub(case):
    """libzmq's SUB tells of every subscription and of the last end; our XPUB tells of changes."""
    socket = case.meet('XPUB', 'SUB')
    for topic in [b'B', b'A', b'A']:
        socket.subscribe(topic)
    if {case.expect('subscribed'), case.expect('subscribed')} != {'subscribed A', 'subscribed B'}:
        raise Failed('other topics came than those subscribed to')
    for n in range(COUNT):
        check(socket.recv_multipart(), [b'A'] + plan(n))
    socket.unsubscribe(b'A')
    socket.unsubscribe(b'B')
    case.expect('cancelled B')
    socket.unsubscribe(b'A')
    case.expect('cancelled A')
    case.finish()


def case_xpub_xsub(case):
    socket = case.meet('XPUB', 'XSUB')
    socket.send(b'\x01A')
    case.expect('subscribed A')
    socket.send(b'up and away')
    case.expect('message up and away')
    for n in range(COUNT):
        check(socket.recv_multipart(), [b'A'] + plan(n))
    socket.send(b'\x00A')
    case.expect('cancelled A')
    case.finish()


def case_xpub_loses_sub(case):
    """A subscriber that goes has its topics ended for the user of our XPUB."""
    socket = case.meet('XPUB', 'SUB')
    socket.subscribe(b'A')
    case.expect('subscribed A')
    socket.close(0)
    case.expect('cancelled A')
    case.finish()


def case_xsub_xpub(case):
    socket = case.meet('XSUB', 'XPUB', xpub_verbose=True)
    check([socket.recv()], [b'\x01A'])
    for n in range(COUNT):
        socket.send_multipart([b'B'] + plan(n))
        socket.send_multipart([b'A'] + plan(n))
    check([socket.recv()], [b'up'])
    check([socket.recv()], [b'\x00A'])
    case.finish()


CASES = [case_push, case_pull, case_pair, case_pair_turned_away, case_xpub_sub, case_xpub_xsub, case_xpub_loses_sub,
         case_xsub_xpub]


def main():
    passed = failed = 0
    only = sys.argv[1] if len(sys.argv) > 1 else ''
    with tempfile.TemporaryDirectory() as folder:
        for run, transport, we_bind in itertools.product(CASES, ['tcp', 'ipc'], [True, False]):
            name = f'{run.__name__[5:]} {transport} {"we bind" if we_bind else "libzmq binds"}'
            if only not in name:
                continue
            if run in (case_xpub_loses_sub, case_pair_turned_away) and not we_bind:
                continue  # a dialled pipe keeps its topics for the next connection, and is nobody's second
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
                      ''.join(f'#   {line}' for line in case.story[-20:]))
    print(f'{passed} passed, {failed} failed')
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main())
