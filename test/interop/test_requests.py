#!/usr/bin/python3
"""Our REQ with many requests in flight, and with requests that are sent again, asks libzmq's REP and ROUTER.

Prints one line a case, in TAP, and at last "N passed, N failed".
"""
import os
import subprocess
import sys
import time

import zmq

PEER = os.path.join(os.environ.get('O', 'build'), 'test/interop/request_peer')
COUNT = 300
PATIENCE = 30.0


def bound(context, kind):
    socket = context.socket(kind)
    socket.linger, socket.rcvhwm, socket.sndhwm = 0, 0, 0
    socket.bind('tcp://127.0.0.1:*')
    return socket, socket.last_endpoint.decode()


def reply(request):
    """To a request of a ROUTER: everything before the body goes back as it came."""
    assert len(request) == 4 and len(request[1]) == 4 and request[2] == b'', request
    assert int.from_bytes(request[1], 'big') == int(request[3]), request
    return request[:3] + [b're' + request[3]]


def serve(process, answer, *sockets):
    """Lets |answer| have what comes to the sockets until our side has ended."""
    poller = zmq.Poller()
    for socket in sockets:
        poller.register(socket, zmq.POLLIN)
    end = time.monotonic() + PATIENCE
    while process.poll() is None:
        if time.monotonic() > end:
            process.kill()
            raise AssertionError('not done in time')
        for socket, _ in poller.poll(20):
            answer(socket, socket.recv_multipart())


def rep_answers_in_turn(context):
    """REP answers many in flight one after the other"""
    rep, endpoint = bound(context, zmq.REP)
    process = yield ['50', '0', endpoint]
    serve(process, lambda socket, request: socket.send(b're' + request[0]), rep)


def router_answers_backwards(context):
    """ROUTER answers many in flight in any order"""
    router, endpoint = bound(context, zmq.ROUTER)
    asked, left = [], [COUNT]

    def answer(socket, request):
        asked.append(request)
        if len(asked) < min(20, left[0]):
            return
        left[0] -= len(asked)
        while asked:
            socket.send_multipart(reply(asked.pop()))
    process = yield ['20', '0', endpoint]
    serve(process, answer, router)


def router_answers_the_second_time(context):
    """ROUTER answers only what it is asked for the second time"""
    router, endpoint = bound(context, zmq.ROUTER)
    known = set()

    def answer(socket, request):
        if request[3] in known:
            socket.send_multipart(reply(request))
        known.add(request[3])
    process = yield ['30', '20', endpoint]
    serve(process, answer, router)


def one_of_two_is_silent(context):
    """REP answers what a silent ROUTER beside it does not"""
    rep, endpoint = bound(context, zmq.REP)
    router, silent = bound(context, zmq.ROUTER)

    def answer(socket, request):
        if socket is rep:
            socket.send(b're' + request[0])
    process = yield ['30', '50', silent, endpoint]
    serve(process, answer, rep, router)


def run(case):
    context = zmq.Context()
    process = None
    try:
        steps = case(context)
        arguments = next(steps)
        process = subprocess.Popen([PEER, str(COUNT)] + arguments, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            steps.send(process)
        except StopIteration:
            pass
        assert process.wait() == 0 and process.stdout.read() == 'done\n', 'it did not end well'
        return None
    except AssertionError as error:
        return str(error) or 'a request is not as it should be'
    finally:
        if process and process.poll() is None:
            process.kill()
            process.wait()
        context.destroy(linger=0)


def main():
    cases = [rep_answers_in_turn, router_answers_backwards, router_answers_the_second_time,
             one_of_two_is_silent]
    failed = 0
    print(f'1..{len(cases)}')
    for number, case in enumerate(cases, 1):
        error = run(case)
        failed += error is not None
        print(f'{"not ok" if error else "ok"} {number} - {case.__doc__}', flush=True)
        if error:
            print(f'# {error}')
    print(f'{len(cases) - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
