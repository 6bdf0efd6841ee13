#!/usr/bin/python3
"""One side of a conversation: libzmq 2.2, which speaks ZMTP 1.0, through ctypes.

    peer.py LIBRARY TYPE bind|connect ENDPOINT ROLE COUNT

ROLE, as in interop_peer.c: echo sends every message back; ask sends the plan and checks that it comes back;
source says hello until a line comes in, then publishes the plan with decoys between; sink checks that the
plan comes. It prints "ready" when its endpoint stands, and "done" at its end.
"""
import ctypes
import sys
import threading

SIZES = [0, 1, 255, 256, 8191, 8192, 65536, 1024 * 1024]
PERIOD, PARTS_MAX = 251, 8
OCTETS = (bytes(range(PERIOD)) * (SIZES[-1] // PERIOD + 3))
TYPES = {'PAIR': 0, 'PUB': 1, 'SUB': 2, 'REQ': 3, 'REP': 4, 'DEALER': 5, 'ROUTER': 6, 'PULL': 7,
         'PUSH': 8}
SUBSCRIBE, RCVMORE, SNDMORE = 6, 13, 2


def plan(n):
    size, parts = SIZES[n % len(SIZES)], n // len(SIZES) % PARTS_MAX + 1
    starts = [(n * 7 + i) % PERIOD for i in range(parts)]
    return [OCTETS[s:s + size] for s in starts]


class Message(ctypes.Structure):
    """zmq_msg_t of 2.2."""
    _fields_ = [('content', ctypes.c_void_p), ('flags', ctypes.c_ubyte), ('size', ctypes.c_ubyte),
                ('octets', ctypes.c_ubyte * 30)]


class Socket:
    def __init__(self, path, kind):
        self.lib = ctypes.CDLL(path)
        for name in ('zmq_init', 'zmq_socket', 'zmq_msg_data'):
            getattr(self.lib, name).restype = ctypes.c_void_p
        self.lib.zmq_msg_size.restype = ctypes.c_size_t
        self.socket = ctypes.c_void_p(self.lib.zmq_socket(ctypes.c_void_p(self.lib.zmq_init(1)),
                                                          TYPES[kind]))

    def call(self, name, *arguments):
        if getattr(self.lib, name)(self.socket, *arguments) != 0:
            raise OSError(f'{name} failed')

    def send(self, parts):
        for i, part in enumerate(parts):
            message = Message()
            self.lib.zmq_msg_init_size(ctypes.byref(message), ctypes.c_size_t(len(part)))
            ctypes.memmove(self.lib.zmq_msg_data(ctypes.byref(message)), part, len(part))
            self.call('zmq_send', ctypes.byref(message), SNDMORE if i + 1 < len(parts) else 0)
            self.lib.zmq_msg_close(ctypes.byref(message))

    def recv(self):
        parts, more = [], ctypes.c_int64(1)
        while more.value:
            message = Message()
            self.lib.zmq_msg_init(ctypes.byref(message))
            self.call('zmq_recv', ctypes.byref(message), 0)
            parts.append(ctypes.string_at(self.lib.zmq_msg_data(ctypes.byref(message)),
                                          self.lib.zmq_msg_size(ctypes.byref(message))))
            self.lib.zmq_msg_close(ctypes.byref(message))
            size = ctypes.c_size_t(ctypes.sizeof(more))
            self.call('zmq_getsockopt', RCVMORE, ctypes.byref(more), ctypes.byref(size))
        return parts


def check(message, n):
    if message != plan(n):
        sys.exit(f'message {n} is not what the plan says: {[len(part) for part in message]}')


def main():
    path, kind, how, endpoint, role, count = sys.argv[1:]
    socket, count = Socket(path, kind), int(count)
    if role == 'sink':
        socket.call('zmq_setsockopt', SUBSCRIBE, b'A', ctypes.c_size_t(1))
    socket.call('zmq_' + how, endpoint.encode())
    print('ready', flush=True)
    if role == 'source':
        told = threading.Event()
        threading.Thread(target=lambda: (sys.stdin.readline(), told.set()), daemon=True).start()
        while not told.wait(0.01):
            socket.send([b'A', b'hello'])
    for n in range(count):
        if role == 'ask':
            socket.send(plan(n))
            check(socket.recv(), n)
        elif role == 'source':
            socket.send([b'B'] + plan(n))
            socket.send([b'A'] + plan(n))
        elif role == 'sink':
            message = socket.recv()
            if message[0] != b'A':
                sys.exit('a topic came that nobody subscribed to')
            check(message[1:], n)
    while role == 'echo':
        socket.send(socket.recv())
    print('done', flush=True)
    sys.stdin.readline()  # what was sent may still be on its way


main()
