#!/bin/sh
# Captures a recording over the five lanes into a store, and verifies it: starts gardend with audio
# files as its source, captures that with gardenctl, compares store and files sample by sample.
#
#   O=build PACE=real|fast FILE=recording.wav JSON=1 garden/examples/demo.sh
#
# Without FILE: the speech recordings of Debian's alsa-utils. The store stays in O/demo/store.
set -eu

bin=${O:-build}/bin
out=${O:-build}/demo
pace=${PACE:-real}
speech=/usr/share/sounds/alsa

case $pace in
real | fast) ;;
*)
    echo "demo: PACE is real or fast, not '$pace'" >&2
    exit 2
    ;;
esac
if [ -n "${FILE:-}" ]; then
    set -- "$FILE"
else
    for name in Front_Center Front_Left Front_Right Rear_Center Rear_Left Rear_Right Side_Left \
        Side_Right; do
        set -- "$@" "$speech/$name.wav"
    done
fi
for file; do
    if [ ! -f "$file" ] || [ ! -r "$file" ]; then
        echo "demo: $file cannot be read: name a readable audio file with FILE=" >&2
        exit 1
    fi
done

say() { [ -n "${JSON:-}" ] || echo "$@"; }
ctl() { "$bin/gardenctl" --connection "$run/connection.json" ${JSON:+--json} "$@"; }
quietly() { if [ -n "${JSON:-}" ]; then "$@" >/dev/null; else "$@"; fi; }

run=$(mktemp -d "${TMPDIR:-/tmp}/garden-demo.XXXXXX")
daemon=
finish() {
    if [ -n "$daemon" ]; then
        kill "$daemon" 2>/dev/null || true
        wait "$daemon" 2>/dev/null || true
    fi
    rm -rf "$run"
}
trap finish EXIT
trap 'exit 130' INT TERM

rm -rf "$out/store"
mkdir -p "$out/store/staging"
mkfifo "$run/ready"

# Each FILE becomes a --file for the daemon, and later an --against for verify.
for file; do
    shift
    set -- "$@" --file "$file"
done

say "== gardend: five lanes on ipc in $run, pace $pace"
"$bin/gardend" --run-dir "$run" --staging "$out/store/staging" --pace "$pace" --log-level warning \
    --ready-fd 3 "$@" 3>"$run/ready" &
daemon=$!
if ! read -r _ <"$run/ready"; then
    wait "$daemon" || true
    daemon=
    echo "demo: gardend did not start" >&2
    exit 1
fi

say "== ping"
quietly ctl ping

say "== capture"
quietly ctl capture --store "$out/store" --chunks 12 --manifest-file "$run/manifest"
read -r manifest <"$run/manifest"

say "== shutdown"
quietly ctl shutdown
wait "$daemon"
daemon=

for option; do
    shift
    if [ "$option" = --file ]; then option=--against; fi
    set -- "$@" "$option"
done
say "== verify"
ctl verify --store "$out/store" "$@" "$manifest"
say "The store is $out/store."
