#!/usr/bin/python3
"""Python's ctypes, which saves errno only when it is asked to, and so shows both errnos."""
import ctypes as c

REQ, REP, PUB, SUB, DEALER, ROUTER, PULL, PUSH = 3, 4, 1, 2, 5, 6, 7, 8
SUBSCRIBE, ROUTING_ID, RCVMORE, LINGER, RCVTIMEO, LAST_ENDPOINT = 6, 5, 13, 17, 27, 32
CURVE_SERVER, CURVE_PUBLICKEY, CURVE_SECRETKEY, CURVE_SERVERKEY = 47, 48, 49, 50
EAGAIN, EINVAL, EFAULT, ENOTSOCK, EFSM, ETERM = 11, 22, 14, 88, 156384763, 156384765
DONTWAIT, SNDMORE, POLLIN = 1, 2, 1
z = c.CDLL('libzmq.so.5', use_errno=True)
for name in ('ctx_new', 'socket', 'strerror', 'msg_data'):
    getattr(z, 'zmq_' + name).restype = c.c_char_p if name == 'strerror' else c.c_void_p
for name, kinds in {
        'socket': 'pi', 'close': 'p', 'ctx_term': 'p', 'ctx_shutdown': 'p', 'ctx_get': 'pi', 'bind': 'ps', 'connect': 'ps', 'unbind': 'ps',
        'send': 'pszi', 'recv': 'ppzi', 'setsockopt': 'pipz', 'getsockopt': 'pipp', 'poll': 'pil', 'curve_keypair': 'pp'}.items():
    table = {'p': c.c_void_p, 'i': c.c_int, 's': c.c_char_p, 'z': c.c_size_t, 'l': c.c_long}
    getattr(z, 'zmq_' + name).argtypes = [table[kind] for kind in kinds]


class Item(c.Structure):
    _fields_ = [('socket', c.c_void_p), ('fd', c.c_int), ('events', c.c_short), ('revents', c.c_short)]


count = 0


def check(ok, name):
    global count
    count += 1
    print(f'{"ok" if ok else "not ok"} {count} - {name}', flush=True)


def number(socket, option, value):
    return z.zmq_setsockopt(socket, option, c.byref(c.c_int(value)), 4)


def octets(socket, option, value):
    return z.zmq_setsockopt(socket, option, value, len(value))


def get(socket, option, size=256):
    room, length = c.create_string_buffer(size), c.c_size_t(size)
    return room.raw[:length.value] if z.zmq_getsockopt(socket, option, room, c.byref(length)) == 0 else None


def make(ctx, kind, *options):
    socket = z.zmq_socket(ctx, kind)
    number(socket, LINGER, 0)
    number(socket, RCVTIMEO, 5000)
    for option, value in options:
        (number if isinstance(value, int) else octets)(socket, option, value)
    return socket


def pair(ctx, server, client, server_options=(), client_options=()):
    a, b = make(ctx, server, *server_options), make(ctx, client, *client_options)
    z.zmq_bind(a, b'tcp://127.0.0.1:*')
    z.zmq_connect(b, get(a, LAST_ENDPOINT).rstrip(b'\0'))
    return a, b


def send(socket, data, flags=0):
    return z.zmq_send(socket, data, len(data), flags)


def recv(socket, flags=0):
    room = c.create_string_buffer(256)
    size = z.zmq_recv(socket, room, 256, flags)
    return room.raw[:size] if size >= 0 else None


def poll(socket, ms):
    items = (Item * 1)(Item(socket, 0, POLLIN, 0))
    return z.zmq_poll(items, 1, ms), items[0].revents


ctx = z.zmq_ctx_new()
check(z.zmq_ctx_get(ctx, 6) == 64 and c.sizeof(Item) == 16 and (Item.fd.offset, Item.events.offset, Item.revents.offset) == (8, 12, 14),
      'R7: a message is 64 octets, a poll item 16 with its fields at 0, 8, 12 and 14')

rep, req = pair(ctx, REP, REQ)
check(recv(req) is None and z.zmq_errno() == EFSM, 'a REQ that reads before it asks gets EFSM')
check(send(req, b'hello') == 5 and recv(rep) == b'hello' and send(rep, b'') == 0 and recv(req) == b'', 'REQ and REP')
check(poll(rep, 10) == (0, 0), 'a poll of nothing ends at its time')
send(req, b'x')
check(poll(rep, 5000) == (1, POLLIN), 'a poll sees what arrives')
recv(rep)
c.set_errno(0)
check(recv(rep, DONTWAIT) is None and z.zmq_errno() == EFSM, 'a REP that owes an answer cannot read')
send(rep, b'y')
recv(req)
number(rep, RCVTIMEO, 20)
c.set_errno(0)
check(recv(rep) is None and c.get_errno() == EAGAIN and z.zmq_errno() == EAGAIN, "R2: a wait that ends has EAGAIN in libc's errno and in zmq_errno")
recv(rep, DONTWAIT)
c.CDLL(None, use_errno=False).access(b'/nowhere', 0)
own = z.zmq_errno()
check(own == EAGAIN, 'R2: zmq_errno is still EAGAIN after libc changed its errno')
check(b'temporarily' in z.zmq_strerror(EAGAIN), 'zmq_strerror has words')
check(z.zmq_bind(rep, b'nonsense') == -1 and z.zmq_errno() == EINVAL, 'an endpoint that is none is EINVAL')

endpoint = get(rep, LAST_ENDPOINT).rstrip(b'\0')
check(z.zmq_close(rep) == 0, 'a bound socket closes')
again = make(ctx, REP)
check(z.zmq_bind(again, endpoint) == 0, 'R9: an endpoint is bound again at once after close')
check(z.zmq_close(again) == 0 and z.zmq_close(again) == -1 and z.zmq_errno() == ENOTSOCK, 'R5: a second close is ENOTSOCK')
check(z.zmq_close(None) == -1 and z.zmq_ctx_term(None) == -1 and z.zmq_errno() == EFAULT, 'R5: a null handle is an error')
z.zmq_close(req)

pub, sub = pair(ctx, PUB, SUB, (), ((SUBSCRIBE, b'a'),))
got, tries = None, 0
number(sub, RCVTIMEO, 50)
while got is None and tries < 200:
    send(pub, b'b-no')
    send(pub, b'a-yes')
    got, tries = recv(sub), tries + 1
check(got == b'a-yes', 'PUB and SUB: only what is subscribed')
push, pull = pair(ctx, PUSH, PULL)
check([send(push, b'%d' % i) for i in range(9)] == [1] * 9 and [recv(pull) for i in range(9)] == [b'%d' % i for i in range(9)], 'PUSH and PULL, in order')
router, dealer = pair(ctx, ROUTER, DEALER, (), ((ROUTING_ID, b'me'),))
send(dealer, b'one', SNDMORE)
send(dealer, b'two')
parts = [recv(router)]
while int.from_bytes(get(router, RCVMORE, 4), 'little'):
    parts.append(recv(router))
check(parts == [b'me', b'one', b'two'], 'ROUTER and DEALER: parts and the routing id')
send(router, b'me', SNDMORE)
send(router, b'back')
check(recv(dealer) == b'back', 'ROUTER answers whom it names')

keys = [c.create_string_buffer(41) for _ in range(4)]
z.zmq_curve_keypair(keys[0], keys[1])
z.zmq_curve_keypair(keys[2], keys[3])
server = ((CURVE_SERVER, 1), (CURVE_SECRETKEY, keys[1].raw))
client = ((CURVE_SERVERKEY, keys[0].raw), (CURVE_PUBLICKEY, keys[2].raw), (CURVE_SECRETKEY, keys[3].raw))
rep, req = pair(ctx, REP, REQ, server, client)
check(send(req, b'secret') == 6 and recv(rep) == b'secret', 'CURVE')

check(z.zmq_ctx_shutdown(ctx) == 0 and recv(pull) is None and z.zmq_errno() == ETERM, 'after a shutdown, sockets say ETERM')
for socket in (req, dealer, pull, sub, pub, push, router, rep):
    z.zmq_close(socket)
check(z.zmq_ctx_term(ctx) == 0, 'R5: sockets closed after the shutdown, in any order, and the context ends')

ctx = z.zmq_ctx_new()
push = z.zmq_socket(ctx, PUSH)
number(push, LINGER, 0)
z.zmq_connect(push, b'tcp://127.0.0.1:1')
send(push, b'never')
check(z.zmq_close(push) == 0 and z.zmq_ctx_term(ctx) == 0, 'R5: with linger 0 an unsent message keeps nobody')
left = z.zmq_socket(z.zmq_ctx_new(), PULL)
check(left is not None, 'R9: a process may end with sockets and a context open')
for line in sorted({line.split()[-1] for line in open('/proc/self/maps') if 'libzmq' in line}):
    print('# maps', line)
print(f'1..{count}')
