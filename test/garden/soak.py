#!/usr/bin/python3
"""Captures four streams for as long as it is told, while both sides are killed, stopped and started again.

soak.py SECONDS [--seed N]. Three streams of numbered samples (f32, s16, s24) and one of
numbered MIDI messages, each captured by a gardenctl of its own from one gardend. At random a client or the
daemon dies of SIGKILL, is held by SIGSTOP, or ends in order; a client that died is taken up with --resume.
After each run its manifest must verify, every octet must be that of its position, and captured + lost must
be what was offered, to the frame; where the daemon lived to tell its totals, they must be the same. The
exit status is 0 if all that was so, and every stream was captured at all.
"""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import recordings  # pylint: disable=wrong-import-position

BIN = os.path.join(os.environ.get("O", "build"), "bin")
GARDEND, GARDENCTL = (os.path.abspath(os.path.join(BIN, name)) for name in ("gardend", "gardenctl"))
PATIENCE = 120
STREAMS = {  # the source, the format, octets of a chunk
    "f32": ("counter:2,48000", "f32_le", 100000),
    "s16": ("counter:2,44100", "s16_le", 65536),
    "s24": ("counter:3,48000", "s24_le", 150001),
    "midi": ("midi-counter:20000", None, 4096),
}


class Daemon:
    """gardend, which chaos ends and starts again; the lock is held while it is not there."""

    def __init__(self, folder, store, log):
        self.folder, self.store, self.log = folder, store, log
        self.lock = threading.Lock()
        self.process, self.starts = None, 0

    def connection(self):
        return os.path.join(self.folder, "run", "connection.json")

    def start(self):
        ready, write = os.pipe()
        sources = [word for name, (source, _, _) in STREAMS.items() for word in ("--source", f"{name}={source}")]
        self.process = subprocess.Popen(
            [GARDEND, "--run-dir", os.path.join(self.folder, "run"), "--staging", os.path.join(self.store, "staging"),
             "--log-level", "error", "--ready-fd", str(write), "--ring-ms", "2000", *sources],
            pass_fds=(write,), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        os.close(write)
        line = os.read(ready, 100)
        os.close(ready)
        assert line, "gardend did not start"
        self.starts += 1

    def end(self, number):
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        assert status == (-number if number == signal.SIGKILL else 0), f"gardend ended with {status}"

    def totals(self, uri):
        """Of a stream that was stopped, if the daemon that had it is still there."""
        with self.lock:
            told = subprocess.run([GARDENCTL, "--connection", self.connection(), "--json", "status"], capture_output=True,
                                  stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False)
        if told.returncode != 0:
            return None
        for stream in json.loads(told.stdout)["streams"]:
            if stream["uri"] == uri and stream["state"] == "stopped":
                return stream["totals"]
        return None


class Soak:
    def __init__(self, seconds, seed, folder):
        self.end = time.monotonic() + seconds
        self.folder, self.store = folder, os.path.join(folder, "store")
        os.makedirs(os.path.join(self.store, "staging"))
        os.makedirs(os.path.join(folder, "run"), mode=0o700)
        self.log = open(os.path.join(folder, "log"), "ab")
        self.daemon = Daemon(folder, self.store, self.log)
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.count = {}
        self.failures = []

    def add(self, key, amount=1):
        with self.lock:
            self.count[key] = self.count.get(key, 0) + amount

    def pick(self, low, high):
        with self.lock:
            return self.random.uniform(low, high)

    def going(self):
        return time.monotonic() < self.end and not self.failures

    def sleep(self, seconds):
        end = min(time.monotonic() + seconds, self.end)
        while time.monotonic() < end and not self.failures:
            time.sleep(0.05)

    # ---- The daemon's fate

    def chaos(self):
        while self.going():
            self.sleep(self.pick(4, 14))
            if not self.going():
                break
            fate = self.pick(0, 1)
            with self.daemon.lock:
                if fate < 0.35:
                    self.add("daemon killed")
                    self.daemon.end(signal.SIGKILL)
                    time.sleep(self.pick(0, 1))
                    self.daemon.start()
                elif fate < 0.5:
                    self.add("daemon ended in order")
                    self.daemon.end(signal.SIGTERM)
                    self.daemon.start()
                elif fate < 0.9:
                    self.add("daemon stopped for a while")
                    self.daemon.process.send_signal(signal.SIGSTOP)
                    time.sleep(self.pick(0.05, 2.5))
                    self.daemon.process.send_signal(signal.SIGCONT)

    # ---- A stream's

    def client(self, *words):
        return subprocess.Popen([GARDENCTL, "--connection", self.daemon.connection(), "--json", "capture",
                                 "--store", self.store, *words],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log)

    def torment(self, client):
        """Until it ends, or is killed: then True."""
        while client.poll() is None:
            self.sleep(self.pick(0.3, 5))
            fate = self.pick(0, 1)
            if client.poll() is not None:
                break
            if not self.going():
                time.sleep(1.5)  # or it is ended before it heeds the signal, again and again
            if not self.going() or fate < 0.15:
                client.send_signal(signal.SIGINT)
                client.wait(PATIENCE)
            elif fate < 0.5:
                self.add("client killed")
                client.kill()
                client.wait()
                return True
            elif fate < 0.75:
                self.add("client stopped for a while")
                client.send_signal(signal.SIGSTOP)
                time.sleep(self.pick(0.05, 2.5))
                client.send_signal(signal.SIGCONT)
        return False

    def one_run(self, name, uri):
        _, sample_format, chunk = STREAMS[name]
        words = ["--uri", uri, "--device", name, "--chunk-bytes", str(chunk)]
        client = self.client(*words, *(["--format", sample_format] if sample_format else []))
        deadline = None
        while True:
            killed = self.torment(client)
            if not killed and client.returncode in (0, 5):
                break
            if manifests := recordings.manifests_of(self.store, uri):
                break  # it was killed after all was done
            if not self.going():
                deadline = deadline or time.monotonic() + PATIENCE
                assert time.monotonic() < deadline, f"{uri} does not come to its end"
            time.sleep(self.pick(0, 0.7))
            if not self.left(uri):
                return None  # it had not begun
            self.add("capture taken up")
            with self.daemon.lock:  # a daemon that is there
                client = self.client("--resume", "--uri", uri)
        manifests = recordings.manifests_of(self.store, uri)
        assert len(manifests) == 1, (uri, manifests)
        return manifests[0]

    def left(self, uri):
        staging = os.path.join(self.store, "staging")
        for path in [os.path.join(staging, name) for name in os.listdir(staging)]:
            if not path.endswith(".journal"):
                continue
            try:
                with open(path, "rb") as file:
                    if uri.encode() in file.read():
                        return True
            except FileNotFoundError:
                pass
        return False

    def verify(self, name, uri, digest):
        done = subprocess.run([GARDENCTL, "verify", "--store", self.store, digest], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, (uri, done.stdout, done.stderr)
        source, sample_format, _ = STREAMS[name]
        content = (recordings.Counter(sample_format, int(source.split(":")[1].split(",")[0]))
                   if sample_format else recordings.MidiCounter())
        manifest = recordings.read_manifest(self.store, digest)
        captured, lost = recordings.check(self.store, manifest, content)
        totals = self.daemon.totals(uri) if manifest["complete"] else None
        if totals:
            self.add("totals compared with the daemon's")
            assert (totals["offered"], totals["captured"], totals["overrun"]) == (captured + lost, captured, lost), \
                (uri, totals, captured, lost)
        self.add("runs verified")
        self.add("runs whose end was confirmed", int(manifest["complete"]))
        self.add("chunks", len(manifest["chunks"]))
        self.add("bytes", manifest["total_bytes"])
        self.add(f"{name}: frames captured", captured)
        self.add(f"{name}: frames lost and accounted for", lost)
        for chunk in {chunk["hash"] for chunk in manifest["chunks"]}:
            os.unlink(recordings.object_path(self.store, chunk))  # else the disk would fill

    def stream(self, name):
        number = 0
        while self.going():
            uri = f"stream://{name}/{number}-"
            number += 1
            digest = self.one_run(name, uri)
            if digest:
                self.verify(name, uri, digest)

    def guard(self, call, *arguments):
        try:
            call(*arguments)
        except Exception:  # whatever it is, the others stop and it is told
            self.failures.append(traceback.format_exc())

    def run(self):
        self.daemon.start()
        threads = [threading.Thread(target=self.guard, args=(self.stream, name)) for name in STREAMS]
        threads.append(threading.Thread(target=self.guard, args=(self.chaos,)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with self.daemon.lock:
            if not self.failures:
                self.guard(self.daemon.end, signal.SIGTERM)
            else:
                self.daemon.process.kill()
        for name in STREAMS:
            if not self.failures and not self.count.get(f"{name}: frames captured"):
                self.failures.append(f"nothing was captured of {name}")
        return not self.failures


def soak(seconds, seed, folder=None, keep=False):
    """Returns whether all went well, and what was counted."""
    own = folder or tempfile.mkdtemp(prefix="soak.", dir=os.environ.get("TMPDIR", "/tmp"))
    run = Soak(seconds, seed, own)
    good = run.run()
    run.log.close()
    if good and not keep:
        subprocess.run(["rm", "-rf", own], check=True)
    return good, run.count, run.failures, own


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    print(f"{arguments.seconds:.0f} s with seed {arguments.seed}", flush=True)
    good, count, failures, folder = soak(arguments.seconds, arguments.seed)
    for key in sorted(count):
        print(f"{key:45} {count[key]:>15,}")
    for failure in failures:
        print(failure)
    print("all is accounted for" if good else f"FAILED; everything is kept in {folder}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
