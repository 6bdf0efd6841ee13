#!/usr/bin/python3
"""Conversations of our sockets with libraries that speak ZMTP 1.0 and 2.0: each type that they have,
whoever binds, bodies around every limit of the framing, one to eight parts.

`make old-peers` puts those libraries into $O/old; where they are not, the cases are skipped. Reports in TAP.
"""
import itertools
import os
import socket
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.environ.get('O', 'build')
OURS = os.path.join(OUT, 'test/interop/interop_peer')
OLD = os.path.abspath(os.path.join(OUT, 'old'))
LIBZMQ2, JEROMQ = os.path.join(OLD, 'libzmq.so.1'), '/usr/share/java/jeromq.jar'
COUNT, PATIENCE = 64, 60.0

LIBRARIES = {
    'libzmq 2.2': ([LIBZMQ2], ['/usr/bin/python3', os.path.join(HERE, 'old/peer.py'), LIBZMQ2],
                   ['tcp', 'ipc']),
    # Its ipc is tcp within one Java machine.
    'JeroMQ 0.3': ([JEROMQ, os.path.join(OLD, 'Peer.class')],
                   ['java', '-Xmx512m', '-XX:+UseSerialGC', '-cp', f'{JEROMQ}:{OLD}', 'Peer'],
                   ['tcp']),
}
# Our type and role, and theirs.
TALKS = [('REQ', 'ask', 'REP', 'echo'), ('REP', 'echo', 'REQ', 'ask'),
         ('REQ', 'ask', 'ROUTER', 'echo'), ('ROUTER', 'echo', 'REQ', 'ask'),
         ('DEALER', 'ask', 'ROUTER', 'echo'), ('ROUTER', 'echo', 'DEALER', 'ask'),
         ('DEALER', 'ask', 'DEALER', 'echo'), ('PUB', 'source', 'SUB', 'sink'),
         ('SUB', 'sink', 'PUB', 'source')]


class Failed(Exception):
    pass


class Side:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.errors = []
        self.reader = threading.Thread(
            target=lambda: self.errors.extend(self.process.stderr), daemon=True)
        self.reader.start()

    def expect(self, word):
        timer = threading.Timer(PATIENCE, self.process.kill)
        timer.start()
        line = self.process.stdout.readline().strip()
        timer.cancel()
        if not line.startswith(word):
            raise Failed(f'expected {word!r}, not {line!r}, of {" ".join(self.process.args)}')

    def tell(self):
        self.process.stdin.write('\n')
        self.process.stdin.flush()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()


def fresh(folder, transport):
    """A place that nobody uses; old libraries cannot tell which port they were given."""
    if transport == 'ipc':
        return 'ipc://' + tempfile.mktemp(dir=folder)
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return f'tcp://127.0.0.1:{probe.getsockname()[1]}'


def run(command, talk, endpoint, we_bind, sides):
    our_type, our_role, their_type, their_role = talk

    def ours():
        sides.append(Side([OURS, our_type, 'bind' if we_bind else 'connect', endpoint, our_role,
                           str(COUNT), 'old']))
        if we_bind:
            sides[-1].expect('listening')
        return sides[-1]

    def theirs():
        sides.append(Side(command + [their_type, 'connect' if we_bind else 'bind', endpoint,
                                     their_role, str(COUNT)]))
        sides[-1].expect('ready')
        return sides[-1]

    if we_bind:
        us, them = ours(), theirs()
    else:
        them, us = theirs(), ours()
    if our_role == 'sink':
        us.expect('ready')
        them.tell()
    for side, role in ((us, our_role), (them, their_role)):
        if role != 'echo':
            side.expect('done')


def main():
    number = failed = 0
    only = sys.argv[1] if len(sys.argv) > 1 else ''
    cases = [(name, transport, talk, we_bind) for name, library in LIBRARIES.items()
             for transport, talk, we_bind in itertools.product(library[2], TALKS, [True, False])]
    print(f'1..{len(cases)}')
    for name, transport, talk, we_bind in cases:
        files, command, _ = LIBRARIES[name]
        number += 1
        title = (f'{name} {talk[2]} and our {talk[0]} {transport} '
                 f'{"we bind" if we_bind else "it binds"}')
        missing = [file for file in files if not os.path.exists(file)]
        if missing or only not in title:
            print(f'ok {number} - {title} # SKIP {missing[0] if missing else "another"} is not there')
            continue
        sides, trouble = [], None
        with tempfile.TemporaryDirectory() as folder:
            try:
                run(command, talk, fresh(folder, transport), we_bind, sides)
            except (Failed, OSError) as e:
                trouble = e
            for side in sides:
                side.kill()
        print(f'{"not ok" if trouble else "ok"} {number} - {title}', flush=True)
        failed += trouble is not None
        if trouble:
            stories = ''.join(line for side in sides for line in side.errors[-10:])
            print(f'# {trouble}\n' + ''.join(f'#   {line}\n' for line in stories.splitlines()))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
