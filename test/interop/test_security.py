#!/usr/bin/python3
"""PLAIN and CURVE with libzmq: either side as the server, whoever binds, tcp and ipc, bodies up to
1 MiB; and who has the wrong key, the wrong password or no permission. libzmq's servers judge through
a ZAP handler, ours by themselves. Certificates are made by pyzmq and by zmtp, and read by both.

Prints one line a case, in TAP, and at last "N passed, N failed".
"""
import itertools
import os
import shutil
import subprocess
import sys
import tempfile

import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator

import test_interop
from test_interop import Case, Failed, Ours

NAME, PASSWORD = 'admin', 'secret'


class SecureCase(Case):
    """A conversation in which every socket has the case's security."""

    def __init__(self, folder, transport, we_bind, mechanism, we_serve):
        super().__init__(folder, transport, we_bind)
        self.mechanism, self.we_serve = mechanism, we_serve
        self.keys = {name: os.path.join(folder, name) for name in ('server', 'client', 'stranger')}
        self.allowed = os.path.join(folder, 'allowed')
        self.judge = None
        self.credentials = (NAME, PASSWORD)
        self.our_key, self.their_key = ('server', 'client') if we_serve else ('client', 'server')
        self.meant_server = 'server'
        self.allow = self.allowed

    def file(self, name, secret):
        return self.keys[name] + ('.key_secret' if secret else '.key')

    def pair(self, name):
        return zmq.auth.load_certificate(self.file(name, True))

    def zap(self):
        self.judge = ThreadAuthenticator(self.context)
        self.judge.start()
        self.judge.configure_plain(domain='*', passwords={NAME: PASSWORD})
        self.judge.configure_curve(domain='*', location=self.allowed)

    def theirs(self, kind, **options):
        if not self.we_serve and not self.judge:
            self.zap()
        if self.mechanism == 'curve':
            public, secret = self.pair(self.their_key)
            options |= {'curve_publickey': public, 'curve_secretkey': secret}
            if self.we_serve:
                options['curve_serverkey'] = self.pair(self.meant_server)[0]
            else:
                options['curve_server'] = True
        elif self.we_serve:
            options |= {'plain_username': self.credentials[0].encode(),
                        'plain_password': self.credentials[1].encode()}
        else:
            options['plain_server'] = True
        return super().theirs(kind, **options)

    def ours(self, kind, how, endpoint, role, count=0):
        side = f'{self.mechanism}-{"server" if self.we_serve else "client"}'
        words = self.credentials
        if self.mechanism == 'curve':
            second = self.allow if self.we_serve else self.file(self.meant_server, False)
            words = (self.file(self.our_key, True), second)
        elif self.we_serve:
            words = (NAME, PASSWORD)
        process = Ours(kind, how, endpoint, role, count, (side, *words))
        self.processes.append(process)
        return process

    def close(self):
        if self.judge:
            self.judge.stop()
        super().close()


def expect_line(ours, *words):
    line = ours.expect('')
    if not all(word in line for word in words):
        raise Failed(f'expected {words} in {line!r}')


def our_stranger(case, *words):
    """Our client is turned away by libzmq."""
    socket = case.theirs('REP')
    ours = case.meet('REQ', 'watch', 0, socket)
    expect_line(ours, 'handshake failed', *words)
    return ours


def their_stranger(case, *words):
    """libzmq's client is turned away by us, and then an honest one is let in."""
    socket = case.theirs('REQ')
    monitor = socket.get_monitor_socket()
    ours = case.meet('REP', 'watch', 0, socket)
    expect_line(ours, 'handshake failed', *words)
    socket.disable_monitor()
    monitor.close()
    return ours


# ZMTP26-HELLO-03; ZMTP37-ERR-02
def case_wrong_server_key(case):
    case.meant_server = 'stranger'
    if case.we_serve:
        their_stranger(case, 'ZMTP_ERR_KEY', 'server key mismatch')
    else:
        our_stranger(case, 'server key')


# ZMTP26-GEN-04, ERR-01; ZMTP24-PLAIN-03; LZ-13, LZ-15
def case_denied(case):
    if case.mechanism == 'curve':
        if case.we_serve:
            case.their_key = 'stranger'
        else:
            case.our_key = 'stranger'
    else:
        case.credentials = (NAME, 'wrong')
    if case.we_serve:
        their_stranger(case, 'ZMTP_ERR_DENIED', 'denied by authoriser: 400')
    else:
        ours = our_stranger(case, 'ZMTP_ERR_PEER', 'denied by authoriser: 400')
        expect_line(ours, 'gave up')


# ZMTP37-SEC-01, AUTH-04
def case_downgrade(case):
    """libzmq without security meets ours with it."""
    socket = Case.theirs(case, 'REP')
    ours = case.meet('REQ', 'watch', 0, socket)
    # libzmq hangs up when it has seen our greeting, before its own is whole.
    expect_line(ours, 'handshake failed', 'ZMTP_ERR_EOF')


def case_allowed_by_file(case):
    """The same with a list of keys in a file."""
    case.allow = os.path.join(case.folder, 'list.key')
    with open(case.allow, 'w') as file:
        file.write(f'# who may come in\n\n  {case.pair("client")[0].decode()}\n')
    test_interop.case_rep(case)


TALKS = [test_interop.case_req, test_interop.case_rep, test_interop.case_dealer,
         test_interop.case_router, test_interop.case_pub, test_interop.case_sub,
         test_interop.case_they_restart_rep]


def cases():
    ways = test_interop.ways()
    for turn, (mechanism, we_serve) in enumerate(itertools.product(['plain', 'curve'], [True, False])):
        for number, run in enumerate(TALKS):
            # A REQ of libzmq that has let somebody in by name takes no answer, not of libzmq either.
            if run == test_interop.case_rep and not we_serve:
                continue
            for transport, we_bind in test_interop.some(number + turn, ways):
                yield run, transport, we_bind, mechanism, we_serve
        for run in (case_denied, case_downgrade):
            yield run, 'tcp', we_serve, mechanism, we_serve
        if mechanism == 'curve':
            yield case_wrong_server_key, 'tcp', we_serve, mechanism, we_serve
    yield case_allowed_by_file, 'tcp', True, 'curve', True


def make_keys(folder):
    for name in ('server', 'client', 'stranger'):
        zmq.auth.create_certificates(folder, name)
    os.mkdir(os.path.join(folder, 'allowed'))
    shutil.copy(os.path.join(folder, 'client.key'), os.path.join(folder, 'allowed'))


def main():
    passed = failed = 0
    only = sys.argv[1] if len(sys.argv) > 1 else ''
    for run, transport, we_bind, mechanism, we_serve in cases():
        name = (f'{run.__name__[5:]} {mechanism} {"we serve" if we_serve else "libzmq serves"} '
                f'{transport} {"we bind" if we_bind else "libzmq binds"}')
        if only not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            make_keys(folder)
            case = SecureCase(folder, transport, we_bind, mechanism, we_serve)
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
