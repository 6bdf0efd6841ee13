#!/bin/bash
# zmtp-keygen: two certificates that are never written over, and words for whatever goes wrong.
keygen=$O/bin/zmtp-keygen
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
count=0

# check NAME CONDITION...: the condition is a command.
check() {
    count=$((count + 1))
    local name=$1
    shift
    if "$@"; then echo "ok $count - $name"; else echo "not ok $count - $name"; fi
}
# says STATUS WORDS COMMAND...: exits with STATUS, and its output has WORDS in it.
says() {
    local status=$1 words=$2 output
    shift 2
    output=$("$@" 2>&1)
    [ $? -eq "$status" ] && [[ $output == *"$words"* ]]
}
# A full disk is a failure; no pipe here, which would hide the exit.
full() { "$keygen" --show "$folder/a" >/dev/full 2>/dev/null; [ $? -eq 1 ]; }

umask 022
key=$("$keygen" "$folder/a")
check "it prints the public key" [ ${#key} -eq 40 ]
check "the public certificate has it" grep -qF "public-key = \"$key\"" "$folder/a"
check "and no secret one" [ "$(grep -c secret-key "$folder/a")" -eq 0 ]
check "the secret certificate has both" grep -q 'secret-key = ".\{40\}"' "$folder/a_secret"
check "only its owner can read it" [ "$(stat -c %a "$folder/a_secret")" = 600 ]
before=$(cat "$folder/a" "$folder/a_secret")
check "an old pair is never written over" says 1 "exists already" "$keygen" "$folder/a"
check "and stays as it was" [ "$before" = "$(cat "$folder/a" "$folder/a_secret")" ]
rm "$folder/a_secret"
check "half of a pair keeps it from being written as well" says 1 "exists already" "$keygen" "$folder/a"
check "nothing is left of such a try" [ ! -e "$folder/a_secret" ]
check "a key can be shown" says 0 "$key" "$keygen" --show "$folder/a"
check "a full output is a failure" full
json=$("$keygen" --json "$folder/b \"q\"")
check "JSON is JSON" env json="$json" /usr/bin/python3 -c '
import json, os
told = json.loads(os.environ["json"])
assert len(told["public_key"]) == 40 and told["file"].endswith("/b \"q\""), told
assert set(told) == {"public_key", "file"}'
check "pyzmq reads both" /usr/bin/python3 -c '
import sys, zmq.auth
public, secret = zmq.auth.load_certificate(sys.argv[1] + "_secret")
assert public and secret and zmq.auth.load_certificate(sys.argv[1])[0] == public
import zmq
assert zmq.curve_public(secret) == public' "$folder/b \"q\""
check "each pair is another" [ "$key" != "$("$keygen" "$folder/c")" ]
check "a folder that is not there is told" says 1 "no such folder" "$keygen" "$folder/none/a"
check "what is no certificate is told" says 1 "no certificate" "$keygen" --show "$0"
check "what is not there is told" says 1 "no such file" "$keygen" --show "$folder/none"
check "a full disk behind the output is told" says 1 "could not be printed" \
    sh -c '"$0" "$1" > /dev/full' "$keygen" "$folder/full"
check "a path is demanded" says 2 "PATH is missing" "$keygen"
check "one only" says 2 "another: y" "$keygen" x y
check "unknown options are refused" says 2 "unknown option --force" "$keygen" --force x
check "after -- any path goes" says 1 "no such file" "$keygen" --show -- --json
check "there is help" says 0 "usage: zmtp-keygen" "$keygen" --help
check "and a version" says 0 "libzmtp" "$keygen" --version
echo "1..$count"
