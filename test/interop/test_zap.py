#!/usr/bin/python3
# ZAP27-PROXY-01, REP-01, NULL-01, PLAIN-01, CURVE-01
"""Our servers ask pyzmq's handler, zmq.auth's Authenticator, through a proxy; the clients are libzmq's.

Prints one line a case, in TAP, and at last "N passed, N failed".
"""
import os
import shutil
import subprocess
import sys
import tempfile
import threading

import zmq
import zmq.auth
from zmq.auth.base import Authenticator

PROXY = os.path.join(os.environ.get('O', 'build'), 'test/interop/zap_proxy')
PATIENCE_MS = 60000


class Handler(threading.Thread):
    """pyzmq's handler behind a REP of its own, in place of the one that it would bind inproc."""

    def __init__(self, context, endpoint, configure):
        super().__init__(daemon=True)
        self.judge = Authenticator(context)
        self.judge.zap_socket = context.socket(zmq.REP)
        self.judge.zap_socket.linger = 0
        self.judge.zap_socket.bind(endpoint)
        configure(self.judge)
        self.over = threading.Event()
        self.asked = []
        self.start()

    def run(self):
        while not self.over.is_set():
            if self.judge.zap_socket.poll(50):
                parts = self.judge.zap_socket.recv_multipart()
                self.asked.append(parts)
                self.judge.handle_zap_message(parts)
        self.judge.zap_socket.close()

    def stop(self):
        self.over.set()
        self.join()


def ask(context, endpoint, options, patience_ms):
    with context.socket(zmq.REQ) as socket:
        socket.linger = 0
        for name, value in options.items():
            setattr(socket, name, value)
        socket.connect(endpoint)
        socket.send(b'who am I?')
        return socket.recv().decode() if socket.poll(patience_ms) else None


def run_case(folder, how, configure, options, user, mechanism):
    """Asks who we are; |user| is what the server shall say, or None for a refusal."""
    handler_endpoint = f'ipc://{folder}/handler'
    with zmq.Context() as context:
        handler = Handler(context, handler_endpoint, configure)
        proxy = subprocess.Popen([PROXY, how, handler_endpoint], stdout=subprocess.PIPE, text=True)
        try:
            endpoint = proxy.stdout.readline().strip()
            said = ask(context, endpoint, options, PATIENCE_MS if user else 1000)
            assert said == user, f'{said!r}, not {user!r}'
            if not user:
                words = proxy.stdout.readline().strip()
                assert words.startswith('denied by authoriser: 400 ('), words
            version, request_id, domain, address, identity, name = handler.asked[0][:6]
            assert (version, domain, address) == (b'1.0', b'test', b'127.0.0.1'), handler.asked[0]
            assert request_id and name.decode() == mechanism, handler.asked[0]
        finally:
            handler.stop()
            proxy.kill()
            proxy.wait()
            proxy.stdout.close()


def cases(folder):
    for name in ('server', 'client', 'stranger'):
        zmq.auth.create_certificates(folder, name)
    allowed = os.path.join(folder, 'allowed')
    os.mkdir(allowed)
    shutil.copy(os.path.join(folder, 'client.key'), allowed)
    server_key = zmq.auth.load_certificate(os.path.join(folder, 'server.key'))[0]

    def keys(name):
        public, secret = zmq.auth.load_certificate(os.path.join(folder, f'{name}.key_secret'))
        return {'curve_publickey': public, 'curve_secretkey': secret, 'curve_serverkey': server_key}

    def password(word):
        return {'plain_username': b'admin', 'plain_password': word}

    def plain(judge):
        judge.configure_plain(domain='test', passwords={'admin': 'secret'})

    def curve(judge):
        judge.configure_curve(domain='test', location=allowed)

    curve_server = os.path.join(folder, 'server.key_secret')
    user = keys('client')['curve_publickey'].decode()
    yield 'NULL from anywhere', 'null', lambda judge: None, {}, 'anonymous', 'NULL'
    yield 'NULL from a denied address', 'null', lambda judge: judge.deny('127.0.0.1'), {}, None, 'NULL'
    yield 'PLAIN with the password', 'plain', plain, password(b'secret'), 'admin', 'PLAIN'
    yield 'PLAIN with another', 'plain', plain, password(b'guess'), None, 'PLAIN'
    yield 'CURVE with an allowed key', curve_server, curve, keys('client'), user, 'CURVE'
    yield 'CURVE with another', curve_server, curve, keys('stranger'), None, 'CURVE'


def main():
    failed = passed = 0
    folder = tempfile.mkdtemp()
    try:
        for name, *case in cases(folder):
            try:
                run_case(folder, *case)
                passed += 1
                print(f'ok {passed + failed} - {name}', flush=True)
            except (AssertionError, OSError, zmq.ZMQError) as error:
                failed += 1
                print(f'not ok {passed + failed} - {name}\n# {error}', flush=True)
    finally:
        shutil.rmtree(folder)
    print(f'1..{passed + failed}\n{passed} passed, {failed} failed')
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main())
