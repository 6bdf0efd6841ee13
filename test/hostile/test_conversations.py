#!/usr/bin/python3
"""Conversations gone wrong, with a listener of every kind: parts left out, octets changed, cut short, said an
octet at a time, ended in every way. Nobody crashes or hangs, memory and messages are accounted for at the end,
and each listener still answers whoever comes next.

What is said hangs on --seed alone; how it is read also on the kernel.
"""
import argparse
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

TCP, IPC, WS, UDP = range(4)
NULL, PLAIN, CURVE, OLD = range(4)
HELD = 60  # connections that are left open
GREETING_SIZE = 64
PEERS = {'REQ': 'REP', 'REP': 'REQ', 'DEALER': 'ROUTER', 'ROUTER': 'DEALER', 'PUB': 'SUB', 'SUB': 'PUB',
         'XPUB': 'SUB', 'XSUB': 'PUB', 'PUSH': 'PULL', 'PULL': 'PUSH', 'SERVER': 'CLIENT', 'CLIENT': 'SERVER',
         'RADIO': 'DISH', 'DISH': 'RADIO', 'SCATTER': 'GATHER', 'GATHER': 'SCATTER', 'PEER': 'PEER',
         'CHANNEL': 'CHANNEL', 'PAIR': 'PAIR'}


def greeting(minor=1, mechanism=b'NULL'):
    return b'\xff' + bytes(8) + b'\x7f\x03' + bytes([minor]) + mechanism.ljust(20, b'\0') + bytes(32)


def prop(name, value):
    return bytes([len(name)]) + name + struct.pack('>I', len(value)) + value


def framed(flags, body):
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return bytes([flags | 2]) + struct.pack('>Q', len(body)) + body


def command(name, body):
    return framed(4, bytes([len(name)]) + name + body)


class Speaker:
    """Whatever a stranger may say."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def below(self, bound):
        return self.random.randrange(bound)

    def octets(self, size):
        return bytes(self.random.getrandbits(8) for _ in range(size))

    def traffic(self):
        kind = self.below(9)
        if kind == 0:
            return command(b'PING', b'\0\x0a' + self.octets(self.below(20)))
        if kind == 1:
            name = self.random.choice([b'SUBSCRIBE', b'CANCEL', b'JOIN', b'LEAVE', b'ERROR', b'PONG', b'FOO'])
            return command(name, self.octets(self.below(12)))
        if kind == 2:
            return framed(0, bytes([self.below(3)]) + self.octets(self.below(6)))
        if kind == 3:
            return framed(self.below(2), self.octets(self.below(2000)))
        if kind == 4:
            return framed(1, b'')
        if kind == 5:  # a promise
            return b'\x02' + struct.pack('>Q', self.random.choice([2**63, 2**64 - 1, 2**40, 70000])) + bytes(9)
        if kind == 6:  # an envelope and a body
            return framed(1, self.octets(5)) + framed(1, b'') + framed(0, self.octets(self.below(300)))
        if kind == 7:  # 1024 parts are allowed
            return framed(1, b'a') * self.random.choice([3, 1100])
        return self.octets(self.below(30))

    def old(self):
        begin = self.random.choice([
            b'\xff' + bytes(7) + b'\1\x7f\1' + bytes([self.below(12)]) + b'\0' + bytes([self.random.choice([0, 5])])
            + self.octets(5), b'\1\0', bytes([1, 0, self.below(256), self.below(2)]) + self.octets(30)])
        return begin + b''.join(framed(self.below(2), self.octets(self.below(40))) for _ in range(self.below(6)))

    def zmtp(self, kind, mechanism):
        if mechanism == OLD and self.below(5) < 3:
            return self.old()
        said = greeting(self.random.choice([0, 1, 1, 1, 9]), [b'NULL', b'PLAIN', b'CURVE', b'NULL'][mechanism])
        if mechanism == PLAIN:
            said += command(b'HELLO', b'\1a\1b')
        if mechanism == CURVE:
            said += command(b'HELLO', b'\1\0' + self.octets(72 + 32 + 8 + 80))
        said += command(b'INITIATE' if mechanism == PLAIN else b'READY',
                        prop(b'Socket-Type', PEERS.get(kind, 'PAIR').encode())
                        + prop(b'Identity', self.octets(self.below(5))))
        return said + b''.join(self.traffic() for _ in range(self.below(8)))

    def web_frame(self, opcode, body, final=1, masked=1, reserved=0, promised=None):
        size = len(body) if promised is None else promised
        head, mask = bytes([final << 7 | reserved << 4 | opcode]), masked << 7
        if size < 126:
            head += bytes([mask | size])
        elif size < 65536:
            head += bytes([mask | 126]) + struct.pack('>H', size)
        else:
            head += bytes([mask | 127]) + struct.pack('>Q', size)
        if masked:
            key = self.octets(4)
            return head + key + bytes(x ^ key[i % 4] for i, x in enumerate(body))
        return head + body

    def web_head(self, mechanism):
        choose = self.random.choice
        protocol = choose([b'ZWS2.0', b'ZWS2.0/NULL', b'ZWS2.0/PLAIN', b'ZWS2.0/CURVE', b'foo', b'ZWS2.0/NULL, ZWS2.0'])
        if mechanism in (NULL, OLD) and self.below(10) < 7:
            protocol = b'ZWS2.0/NULL'
        path = choose([b'/p'] * 6 + [b'/q', b'*', b'/' + b'a' * self.below(9000)])
        more = choose([b'', b'', b'', b'X: ' + b'y' * self.below(9000) + b'\r\n', b'Origin: http://a\r\n',
                       b'Content-Length: 5\r\n', self.octets(20) + b'\r\n'])
        return (b'GET ' + path + b' HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                b'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ' + protocol
                + b'\r\nSec-WebSocket-Version: 13\r\n' + more + b'\r\n')

    def web_traffic(self):
        kind, choose = self.below(8), self.random.choice
        if kind == 0:
            return self.web_frame(choose([8, 9, 10]), self.octets(choose([0, 1, 2, 50, 125, 126])))
        if kind == 1:
            return self.web_frame(2, bytes([choose([0, 1, 2, 3, 255])]) + self.octets(self.below(300)))
        if kind == 2:
            body, cut = bytes([self.below(3)]) + self.octets(600), self.below(600)
            return self.web_frame(2, body[:cut], 0) + self.web_frame(0, body[cut:])
        if kind == 3:
            return self.web_frame(self.below(16), self.octets(9), self.below(2), self.below(2), self.below(8))
        if kind == 4:
            return self.web_frame(2, b'\0x', promised=choose([2**63 - 1, 2**40, 70000]))
        if kind == 5:
            return self.web_frame(2, b'')
        if kind == 6:
            return self.web_frame(2, b'\1a') * choose([3, 1100])
        return self.octets(self.below(20))

    def web(self, kind, mechanism):
        ready = b'\x02\5READY' + prop(b'Socket-Type', PEERS.get(kind, 'PAIR').encode())
        return self.web_head(mechanism) + self.web_frame(2, ready) + b''.join(
            self.web_traffic() for _ in range(self.below(10)))

    def conversation(self, kind, mechanism, transport):
        if transport == WS and self.below(10) < 9:
            said = self.web(kind, mechanism)
        elif self.below(10) == 0:
            said = self.octets(self.below(300))
        else:
            said = self.zmtp(kind, mechanism)
        said = bytearray(said)
        if said and self.below(2):
            for _ in range(1 + self.below(3)):
                said[self.below(len(said))] = self.random.getrandbits(8)
        return bytes(said[:self.below(len(said) + 1)] if self.below(5) < 2 else said)

    def datagram(self):
        return self.random.choice([b'', b'\1a' + self.octets(self.below(2000)), b'\1a' + bytes(self.below(60000)),
                                   bytes([self.below(256)]) + self.octets(self.below(300))])


class Listeners:
    """The program with the listeners, and the connections to it that are open."""

    def __init__(self):
        self.folder = tempfile.mkdtemp()
        self.process = subprocess.Popen([os.path.join(os.environ.get('O', 'build'), 'test/hostile/listeners'), self.folder],
                                        stdout=subprocess.PIPE, text=True)
        self.places, self.held = [], []
        for line in self.process.stdout:
            if line.strip() == 'ready':
                break
            kind, mechanism, transport, endpoint = line.split()
            self.places.append((kind, int(mechanism), int(transport), endpoint))

    def close(self):
        for held in self.held:
            held.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder)


def connect(transport, endpoint, seconds):
    if transport == IPC:
        conn, address = socket.socket(socket.AF_UNIX), endpoint[6:]
    else:
        host, port = endpoint.split('://')[1].split('/')[0].rsplit(':', 1)
        conn, address = socket.socket(), (host, int(port))
    conn.settimeout(seconds)
    try:
        conn.connect(address)
    except OSError:  # its queue is full
        conn.close()
        return None
    return conn


def say(speaker, conn, said):
    """At once, or a few octets at a time; and now and then what comes back is read."""
    step = speaker.random.choice([1, 1, 7] + [max(len(said), 1)] * 3) if len(said) < 3000 else len(said)
    try:
        for at in range(0, len(said), step):
            conn.send(said[at:at + step])
            if speaker.below(10) == 0:
                conn.setblocking(False)
                try:
                    conn.recv(9999)
                except BlockingIOError:
                    pass
                conn.settimeout(0.05)
    except OSError:
        pass  # it was cut off, or is not read


def end(speaker, conn, held):
    """In each of the ways there are."""
    how = speaker.below(5)
    try:
        if how == 1:
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        if how == 2:
            conn.shutdown(speaker.below(3))
    except OSError:
        pass
    if how < 2:
        conn.close()
    else:
        held.append(conn)
    while len(held) > HELD:
        held.pop(speaker.below(len(held))).close()


def talk(speaker, listeners):
    kind, mechanism, transport, endpoint = speaker.random.choice(listeners.places)
    if transport == UDP:
        host, port = endpoint[6:].rsplit(':', 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as conn:
            for _ in range(20):
                try:
                    conn.sendto(speaker.datagram(), (host, int(port)))
                except OSError:
                    pass
        return
    said = speaker.conversation(kind, mechanism, transport)
    conn = connect(transport, endpoint, 0.2)
    if conn:
        conn.settimeout(0.05)
        say(speaker, conn, said)
        end(speaker, conn, listeners.held)


def answers(transport, endpoint):
    conn = connect(transport, endpoint, 20)
    if not conn:
        return False
    try:
        with conn:
            conn.sendall(greeting())
            return len(conn.recv(GREETING_SIZE)) > 0
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--count', type=int, default=600, help='of conversations')
    options = parser.parse_args()
    speaker, listeners = Speaker(options.seed), Listeners()
    tests = []
    try:
        for number in range(options.count):
            if listeners.process.poll() is not None:
                print(f'# it ended at conversation {number} of --seed {options.seed}')
                break
            talk(speaker, listeners)
        tests.append((f'{options.count} conversations gone wrong, of seed {options.seed}, with '
                      f'{len(listeners.places)} listeners end none of them', listeners.process.poll() is None))
        silent = [endpoint for kind, _, transport, endpoint in listeners.places
                  if transport in (TCP, IPC) and kind != 'STREAM' and not answers(transport, endpoint)]
        print(''.join(f'# silent: {endpoint}\n' for endpoint in silent), end='')
        tests.append(('each listener answers whoever comes next', len(listeners.places) > 0 and not silent))
        listeners.process.send_signal(signal.SIGTERM)
        told, _ = listeners.process.communicate(timeout=60)
        print(f'# {told.strip()}')
        tests.append(('all memory is back, and messages are accounted for', listeners.process.returncode == 0))
    finally:
        listeners.close()
    print(f'1..{len(tests)}')
    for number, (name, good) in enumerate(tests, 1):
        print(f'{"ok" if good else "not ok"} {number} - {name}')
    return 0 if all(good for _, good in tests) else 1


if __name__ == '__main__':
    sys.exit(main())
