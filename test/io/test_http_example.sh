#!/bin/bash
# examples/http, a web server on a STREAM, with a client that knows nothing of ZeroMQ.
log=$(mktemp)
"$O/zmtp/examples/http" 'tcp://127.0.0.1:*' >"$log" &
server=$!
trap 'kill $server 2>/dev/null; wait 2>/dev/null; rm -f "$log"' EXIT
for _ in $(seq 200); do [ -s "$log" ] && break; sleep 0.05; done
/usr/bin/python3 - "$(cat "$log")" <<'P'
import socket, sys, urllib.request
host, port = sys.argv[1][len('tcp://'):].split(':')
passed = failed = 0
def case(name, good):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print('ok' if good else 'not ok', passed + failed, '-', name)
print('1..4')
def get():
    with urllib.request.urlopen(f'http://{host}:{port}/', timeout=20) as page:
        return page.status, page.read()
case('a page is served', get() == (200, b'You are visitor 1.\n'))
case('and another', get() == (200, b'You are visitor 2.\n'))
with socket.create_connection((host, int(port)), 20) as slow, socket.create_connection((host, int(port)), 20) as gone:
    for octet in b'GET / HTTP/1.0\r\nHost: x\r\n\r':
        slow.sendall(bytes([octet]))
    gone.sendall(b'GET /')
    gone.close()
    case('others are served between the pieces of a request', get()[1] == b'You are visitor 3.\n')
    slow.sendall(b'\n')
    text = b''
    while True:
        more = slow.recv(4096)
        if not more:
            break
        text += more
    case('which is answered when it is whole', text.endswith(b'\r\n\r\nYou are visitor 4.\n'))
print(f'{passed} passed, {failed} failed')
sys.exit(failed > 0)
P
