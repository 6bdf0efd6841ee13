#!/usr/bin/python3
"""pyzmq's sockets of asyncio and of gevent, which wait on ZMQ_FD and read ZMQ_EVENTS."""
import asyncio
import sys

count = 0


def check(ok, name):
    global count
    count += 1
    print(f'{"ok" if ok else "not ok"} {count} - {name}', flush=True)


async def with_asyncio():
    import zmq.asyncio
    with zmq.asyncio.Context() as ctx:
        rep, req = ctx.socket(zmq.REP), ctx.socket(zmq.REQ)
        req.connect(f'tcp://127.0.0.1:{rep.bind_to_random_port("tcp://127.0.0.1")}')
        asking = asyncio.ensure_future(rep.recv())
        await req.send(b'hello')
        check(await asyncio.wait_for(asking, 10) == b'hello', 'asyncio: a read that was there first')
        await rep.send(b'world')
        check(await asyncio.wait_for(req.recv(), 10) == b'world', 'asyncio: an answer')
        check(await rep.poll(20) == 0, 'asyncio: a poll of nothing ends at its time')
        push, pull = ctx.socket(zmq.PUSH), ctx.socket(zmq.PULL)
        pull.connect(f'tcp://127.0.0.1:{push.bind_to_random_port("tcp://127.0.0.1")}')

        async def reads():
            return [int(await pull.recv()) for _ in range(3000)]
        reading = asyncio.ensure_future(reads())
        for i in range(3000):
            await push.send(b'%d' % i)
        check(await asyncio.wait_for(reading, 60) == list(range(3000)), 'asyncio: 3000 messages, no edge is lost')
        waiting = asyncio.ensure_future(pull.recv())
        await asyncio.sleep(0.02)
        waiting.cancel()
        await push.send(b'after')
        check(await asyncio.wait_for(pull.recv(), 10) == b'after', 'asyncio: a read after one that was cancelled')
        ctx.destroy(linger=0)
    check(True, 'asyncio: the context ends')


def with_gevent():
    import gevent
    import zmq.green as zmq
    ctx = zmq.Context()
    rep, req = ctx.socket(zmq.REP), ctx.socket(zmq.REQ)
    req.connect(f'tcp://127.0.0.1:{rep.bind_to_random_port("tcp://127.0.0.1")}')

    def answer():
        for _ in range(500):
            rep.send(rep.recv())
    server = gevent.spawn(answer)

    def ask():
        right = True
        for i in range(500):
            req.send(b'%d' % i)
            right = right and req.recv() == b'%d' % i
        return right
    client = gevent.spawn(ask)
    check(client.get(timeout=60) is True, 'gevent: 500 questions between two greenlets of one thread')
    server.join(10)
    check(rep.poll(20) == 0, 'gevent: a poll of nothing ends at its time')
    waiting = gevent.spawn(rep.recv)
    gevent.sleep(0.02)
    req.send(b'late')
    check(waiting.get(timeout=10) == b'late', 'gevent: a read that was there first')
    ctx.destroy(linger=0)
    check(True, 'gevent: the context ends')


if sys.argv[1] == 'asyncio':
    asyncio.run(with_asyncio())
else:
    with_gevent()
for path in sorted({line.split()[-1] for line in open('/proc/self/maps') if 'libzmq' in line}):
    print('# maps', path)
print(f'1..{count}')
