#!/bin/sh
# The example with a loop of its own asks the example that answers, line after line.
set -u
bin=${O:-build}/zmtp/examples
folder=$(mktemp -d)
"$bin/rep" "ipc://$folder/rep" >"$folder/log" &
rep=$!
trap 'kill $rep; rm -rf "$folder"' EXIT
printf 'world\nmoon\n' | timeout 20 "$bin/poll" "ipc://$folder/rep" >"$folder/answers"
printf 'Hello, world!\nHello, moon!\n' >"$folder/expected"
if cmp "$folder/expected" "$folder/answers"; then
    echo 'ok 1 - each line is answered'
    echo '1 passed, 0 failed'
else
    cat "$folder/answers" "$folder/log"
    echo 'not ok 1 - each line is answered'
    echo '0 passed, 1 failed'
    exit 1
fi
