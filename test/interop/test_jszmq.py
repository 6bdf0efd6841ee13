#!/usr/bin/python3
"""Conversations of our sockets, bound to a WebSocket endpoint, with jszmq: what pages in a browser use.

Skipped, and counted as that, unless node is there and O/npm has jszmq: npm install --prefix build/npm jszmq.
Prints one line a case, in TAP, and at last "N passed, N failed".
"""
import os
import shutil
import subprocess
import sys

from test_interop import Failed, Ours, PATIENCE, WHOLE, transports

OUT = os.environ.get('O', 'build')
MODULES = os.path.abspath(os.path.join(OUT, 'npm/node_modules'))
CASES = [('REP', 'echo', 'req', 'ask'), ('ROUTER', 'echo', 'req', 'ask'), ('ROUTER', 'echo', 'dealer', 'ask'),
         ('DEALER', 'echo', 'dealer', 'ask'), ('PAIR', 'echo', 'pair', 'ask'), ('PUB', 'source', 'sub', 'sink'),
         ('XPUB', 'source', 'sub', 'sink'), ('SUB', 'sink', 'pub', 'source')]


def why_not():
    if not shutil.which('node'):
        return 'node is not installed'
    if not os.path.isdir(os.path.join(MODULES, 'jszmq')):
        return f'no jszmq: npm install --prefix {OUT}/npm jszmq'
    return '' if 'ws' in transports() else 'built without WebSocket'


def talk(ours_kind, ours_role, kind, role):
    ours = Ours(ours_kind, 'bind', 'ws://127.0.0.1:*/jszmq', ours_role, WHOLE)
    theirs = None
    try:
        endpoint = ours.expect('listening')
        theirs = subprocess.Popen(
            ['node', os.path.join(os.path.dirname(__file__), 'jszmq_peer.js'), role, kind, endpoint, str(WHOLE)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=os.environ | {'NODE_PATH': MODULES})
        if role == 'source':
            ours.expect('ready')
            theirs.stdin.write('go\n')
            theirs.stdin.flush()
            ours.finish()
        else:
            said = theirs.communicate(timeout=PATIENCE)[0]
            if said.strip() != 'done':
                raise Failed(said)
    finally:
        ours.kill()
        if theirs:
            theirs.kill()
            theirs.wait()


def main():
    reason = why_not()
    if reason:
        print(f'ok 1 - jszmq # SKIP {reason}\n1..1')
        return 0
    passed = failed = 0
    for case in CASES:
        trouble = None
        try:
            talk(*case)
        except (Failed, subprocess.TimeoutExpired) as e:
            trouble = e
        passed, failed = passed + (trouble is None), failed + (trouble is not None)
        print(f'{"not ok" if trouble else "ok"} {passed + failed} - {case[2]} of jszmq with our {case[0]}', flush=True)
        if trouble:
            print(f'# {type(trouble).__name__}: {trouble}')
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
