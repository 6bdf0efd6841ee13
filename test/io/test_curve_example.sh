#!/bin/bash
# examples/curve with keys of zmtp-keygen: whoever is allowed is answered, anybody else is told why not.
# examples/zap the same with a password, against pyzmq's client.
folder=$(mktemp -d)
servers=
trap 'kill $servers 2>/dev/null; wait 2>/dev/null; rm -rf "$folder"' EXIT
examples=$O/zmtp/examples
keygen=$O/bin/zmtp-keygen
echo 1..7
check() { if [ "$1" = 0 ]; then echo "ok $2"; else echo "not ok $2"; fi; }

mkdir "$folder/clients"
{ "$keygen" "$folder/server" && "$keygen" "$folder/clients/me" && "$keygen" "$folder/stranger" &&
    "$keygen" "$folder/other"; } >/dev/null
check $? "1 - keys are made"
"$examples/curve" server "$folder/server_secret" "$folder/clients" "ipc://$folder/curve" >"$folder/log" &
servers=$!
client() { timeout 60 "$examples/curve" client "$folder/$1" "$folder/$2" "ipc://$folder/curve" 2>&1; }
client clients/me_secret server | grep -q "Can anybody else read this?"
check $? "2 - who is allowed is answered"
grep -qFe "$("$keygen" --show "$folder/clients/me") says" "$folder/log"
check $? "3 - and known by the key"
client stranger_secret server | grep -q "denied by authoriser: 400"
check $? "4 - who is not allowed is told so"
"$examples/curve" client "$folder/clients/me" "$folder/server" 2>&1 | grep -q "ends in _secret"
check $? "5 - a public certificate in place of the secret one is told"
"$examples/curve" server "$folder/server_secret" "$folder/nowhere" 2>&1 | grep -q "allow.path: .*nowhere cannot be read"
check $? "6 - and a folder that is not there"

"$examples/zap" "ipc://$folder/zap" >/dev/null &
servers="$servers $!"
/usr/bin/python3 - "ipc://$folder/zap" <<'P'
import sys, zmq
def ask(password):
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.linger = 0
        socket.plain_username, socket.plain_password = b"admin", password
        socket.connect(sys.argv[1])
        socket.send(b"hello")
        return socket.recv() if socket.poll(20000 if password == b"secret" else 500) else None
answer = ask(b"secret")
assert answer and answer.startswith(b"Hello, admin of localhost:"), answer
assert ask(b"guess") is None
P
check $? "7 - a client of libzmq comes in with the password that the ZAP handler knows, and with no other"
