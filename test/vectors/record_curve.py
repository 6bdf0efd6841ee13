#!/usr/bin/python3
"""Records CURVE conversations with a live libzmq, for test/unit/test_curve_vectors.c.

This is a reading of RFC 26 of its own, on libsodium's crypto_box, that plays the side opposite to
libzmq by hand. All its keys and nonces are constant and written down, so that the library under test,
given the same, must say the same octets, and must understand what libzmq said. libzmq's own keys are
new in each run, so a second run writes other files. Needs pyzmq and libsodium.
"""
import ctypes
import ctypes.util
import os
import socket

import zmq
import zmq.utils.z85

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'curve')
sodium = ctypes.CDLL(ctypes.util.find_library('sodium'))
SIGNATURE = b'\xff' + bytes(8) + b'\x7f'


def key_of(name):
    """A constant secret key and its public one."""
    secret, public = name.encode().ljust(32, b'.'), ctypes.create_string_buffer(32)
    assert sodium.crypto_scalarmult_base(public, secret) == 0
    return secret, public.raw


def seal(plain, nonce, public, secret):
    out = ctypes.create_string_buffer(len(plain) + 16)
    size = ctypes.c_ulonglong(len(plain))
    assert sodium.crypto_box_easy(out, plain, size, nonce, public, secret) == 0
    return out.raw


def unseal(box, nonce, public, secret):
    out = ctypes.create_string_buffer(len(box) - 16)
    size = ctypes.c_ulonglong(len(box))
    assert sodium.crypto_box_open_easy(out, box, size, nonce, public, secret) == 0
    return out.raw


def secretbox(plain, nonce, key):
    out = ctypes.create_string_buffer(len(plain) + 16)
    assert sodium.crypto_secretbox_easy(out, plain, ctypes.c_ulonglong(len(plain)), nonce, key) == 0
    return out.raw


def short(number):
    return number.to_bytes(8, 'big')


def properties(kind, identity=None):
    pairs = [(b'Socket-Type', kind)] + ([(b'Identity', identity)] if identity is not None else [])
    return b''.join(bytes([len(n)]) + n + len(v).to_bytes(4, 'big') + v for n, v in pairs)


def frame(body, flags=0):
    if len(body) > 255:
        return bytes([flags | 2]) + len(body).to_bytes(8, 'big') + body
    return bytes([flags, len(body)]) + body


class Recording:
    """One connection with a libzmq socket, and the file that it becomes."""

    def __init__(self, name, about):
        self.name, self.lines = name, [f'# libzmq {zmq.zmq_version()}: {about}']
        self.context = zmq.Context()

    def note(self, what, octets):
        self.lines.append(f'{what} {octets.hex()}')

    def connect(self, raw):
        self.raw = raw
        raw.settimeout(5)
        raw.sendall(SIGNATURE + b'\3\1' + b'CURVE'.ljust(20, b'\0') + bytes(32))
        greeting = self.exactly(64)
        assert greeting[12:17] == b'CURVE'

    def exactly(self, size):
        octets = b''
        while len(octets) < size:
            some = self.raw.recv(size - len(octets))
            assert some, f'{self.name}: closed'
            octets += some
        return octets

    def say(self, body, flags):
        self.raw.sendall(frame(body, flags))
        self.note('<', frame(body, flags))

    def hear(self):
        header = self.exactly(2)
        header += self.exactly(7) if header[0] & 2 else b''
        body = self.exactly(int.from_bytes(header[1:], 'big'))
        self.note('>', header + body)
        return body

    def save(self):
        self.context.destroy(0)
        with open(os.path.join(FOLDER, self.name + '.txt'), 'w', encoding='ascii') as file:
            file.write('\n'.join(self.lines) + '\n')


def libzmq_is_client():
    """A SUB of libzmq dials us: SUBSCRIBE is a command inside the box."""
    r = Recording('client', 'a SUB is the client, with a PUB')
    s, S = key_of('server')
    s1, S1 = key_of('server, transient')
    K, cookie_nonce, welcome_nonce = b'cookie key'.ljust(32, b'.'), b'cookie nonce'.ljust(16), b'welcome'.ljust(16)
    c, C = key_of('client')
    metadata = properties(b'PUB')
    for what, octets in (('server-secret', s), ('client-public', C), ('metadata', metadata),
                         ('random', s1 + K + cookie_nonce + welcome_nonce)):
        r.note(what, octets)
    sub = r.context.socket(zmq.SUB)
    sub.curve_publickey, sub.curve_secretkey, sub.curve_serverkey = (zmq.utils.z85.encode(k) for k in (C, c, S))
    sub.subscribe(b'topic')
    with socket.create_server(('127.0.0.1', 0)) as listener:
        sub.connect(f'tcp://127.0.0.1:{listener.getsockname()[1]}')
        r.connect(listener.accept()[0])
    hello = r.hear()
    C1 = hello[80:112]
    assert unseal(hello[120:], b'CurveZMQHELLO---' + hello[112:120], C1, s) == bytes(64)
    cookie = cookie_nonce + secretbox(C1 + s1, b'COOKIE--' + cookie_nonce, K)
    r.say(b'\7WELCOME' + welcome_nonce + seal(S1 + cookie, b'WELCOME-' + welcome_nonce, C1, s), 4)
    r.hear()
    r.say(b'\5READY' + short(1) + seal(metadata, b'CurveZMQREADY---' + short(1), C1, s1), 4)
    message = r.hear()
    payload = unseal(message[16:], b'CurveZMQMESSAGEC' + message[8:16], C1, s1)
    assert payload == b'\2\x09SUBSCRIBEtopic', payload
    r.note('payload', payload)
    for number, payload in ((2, b'\1topic'), (3, b'\0' + b'x' * 300)):
        r.note('payload', payload)
        r.say(b'\7MESSAGE' + short(number) + seal(payload, b'CurveZMQMESSAGES' + short(number), C1, s1), 0)
    assert sub.recv_multipart() == [b'topic', b'x' * 300]
    r.save()


def libzmq_is_server():
    """A ROUTER of libzmq is dialled by us."""
    r = Recording('server', 'a ROUTER is the server, with a DEALER')
    s, S = key_of('server')
    c, C = key_of('client')
    c1, C1 = key_of('client, transient')
    vouch_nonce = b'vouch nonce'.ljust(16)
    metadata = properties(b'DEALER', b'')
    for what, octets in (('server-public', S), ('client-secret', c), ('metadata', metadata),
                         ('random', c1 + vouch_nonce)):
        r.note(what, octets)
    router = r.context.socket(zmq.ROUTER)
    router.curve_server = True
    router.curve_publickey, router.curve_secretkey = (zmq.utils.z85.encode(k) for k in (S, s))
    r.connect(socket.create_connection(('127.0.0.1', router.bind_to_random_port('tcp://127.0.0.1'))))
    r.say(b'\5HELLO\1\0' + bytes(72) + C1 + short(1) + seal(bytes(64), b'CurveZMQHELLO---' + short(1), S, c1), 4)
    welcome = r.hear()
    plain = unseal(welcome[24:], b'WELCOME-' + welcome[8:24], S, c1)
    S1, cookie = plain[:32], plain[32:]
    vouch = vouch_nonce + seal(C1 + S, b'VOUCH---' + vouch_nonce, S1, c)
    r.say(b'\x08INITIATE' + cookie + short(2) +
          seal(C + vouch + metadata, b'CurveZMQINITIATE' + short(2), S1, c1), 4)
    r.hear()
    for number, payload in ((3, b'\1hello'), (4, b'\0')):
        r.note('payload', payload)
        r.say(b'\7MESSAGE' + short(number) + seal(payload, b'CurveZMQMESSAGEC' + short(number), S1, c1), 0)
    who, *message = router.recv_multipart()
    assert message == [b'hello', b'']
    router.send_multipart([who, b'world' * 100])
    message = r.hear()
    payload = unseal(message[16:], b'CurveZMQMESSAGES' + message[8:16], S1, c1)
    assert payload == b'\0' + b'world' * 100
    r.note('payload', payload)
    r.save()


if __name__ == '__main__':
    os.makedirs(FOLDER, exist_ok=True)
    libzmq_is_client()
    libzmq_is_server()
