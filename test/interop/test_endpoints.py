#!/usr/bin/python3
"""Forms of endpoints between our sockets and libzmq's: what one side is bound to, as it tells it, the
other side dials: interfaces, fresh and abstract ipc names, IPv6, and dials that say where they come from.

Prints one line a case, in TAP.
"""
import itertools
import os
import socket as system
import subprocess
import sys
import tempfile

import zmq

from test_interop import Case, Failed, check, plan

names = (f'ipc://@zmtp-test-{os.getpid()}-{n}' for n in itertools.count())


def converse(theirs):
    """Our side sends back what it gets; returns libzmq's last frame, which knows where it came from."""
    for n in range(16):
        theirs.send_multipart(plan(n))
        frames = theirs.recv_multipart(copy=False)
        check([frame.bytes for frame in frames], n, 'answer')
    return frames[-1]


def we_bind(wish, dial=lambda told: told, **options):
    def run(case):
        theirs = case.theirs('DEALER', **options)
        told = case.ours('DEALER', 'bind', wish, 'echo', 0).expect('listening')
        theirs.connect(dial(told))
        converse(theirs)
    return run


def they_bind(wish, dial=lambda told: told, sender=None, **options):
    def run(case):
        theirs = case.theirs('DEALER', **options)
        theirs.bind(wish)
        case.ours('DEALER', 'connect', dial(theirs.last_endpoint.decode().rstrip('\0')), 'echo', 0)
        last = converse(theirs)
        if sender and last.get('Peer-Address') != sender:
            raise Failed(f'the dial came from {last.get("Peer-Address")}, not from {sender}')
    return run


def from_source(source):
    return lambda told: told.replace('tcp://', f'tcp://{source};')


CASES = {
    'an interface, we bind': we_bind('tcp://lo:*'),
    'an interface, libzmq binds': they_bind('tcp://lo:*'),
    'a fresh ipc path, we bind': we_bind('ipc://*'),
    'a fresh ipc path, libzmq binds': they_bind('ipc://*'),
    'an abstract name, we bind': we_bind(next(names)),
    'an abstract name, libzmq binds': they_bind(next(names)),
    'a dial of ours from another address': they_bind('tcp://127.0.0.1:*', from_source('127.0.0.7'),
                                                     '127.0.0.7'),
    'a dial of ours from an interface': they_bind('tcp://127.0.0.1:*', from_source('lo:0'), '127.0.0.1'),
    'a dial of libzmq from another address': we_bind('tcp://127.0.0.1:*', from_source('127.0.0.8:0')),
}
CASES_IPV6 = {
    'IPv6, we bind': we_bind('tcp://[::1]:*', ipv6=1),
    'IPv6, libzmq binds': they_bind('tcp://[::1]:*', ipv6=1),
    'IPv4 to a libzmq of both versions': they_bind(
        'tcp://[::]:*', lambda told: told.replace('[::]', '127.0.0.1'), ipv6=1),
}


def has_ipv6():
    try:
        with system.socket(system.AF_INET6) as probe:
            probe.bind(('::1', 0))
        return True
    except OSError:
        return False


def main():
    count, failed = 0, 0
    for name, run in {**CASES, **CASES_IPV6}.items():
        count += 1
        if name in CASES_IPV6 and not has_ipv6():
            print(f'ok {count} - {name} # SKIP this machine has no IPv6', flush=True)
            continue
        with tempfile.TemporaryDirectory() as folder:
            os.environ['TMPDIR'] = folder  # for fresh paths: our side is killed, and leaves its own
            case = Case(folder, 'tcp', True)
            trouble = None
            try:
                run(case)
            except (Failed, zmq.ZMQError, subprocess.TimeoutExpired) as e:
                trouble = e
            case.close()
            del os.environ['TMPDIR']
        failed += trouble is not None
        print(f'{"not ok" if trouble else "ok"} {count} - {name}', flush=True)
        if trouble:
            print(f'# {trouble}\n# ' + case.stories().strip().replace('\n', '\n# '), flush=True)
    print(f'1..{count}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
