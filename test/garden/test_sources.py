#!/usr/bin/python3
"""Sources that are not files: standard input, ALSA, PipeWire; each as a user would give it to gardend.

Reports in TAP. What this build or this machine has no library for is told as skipped.
"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import wave

import tap

BIN = os.path.join(os.environ.get("O", "build"), "bin")
GARDEND, GARDENCTL = (os.path.abspath(os.path.join(BIN, name)) for name in ("gardend", "gardenctl"))
PATIENCE = 60


class Place:
    """A folder with a store, and the processes that were started there."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sources.")
        self.store = self.path("store")
        self.run = self.path("run")
        os.makedirs(os.path.join(self.store, "staging"))
        self.processes = []
        self.env = dict(os.environ, HOME=self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def spawn(self, words, **more):
        process = subprocess.Popen(words, env=self.env, **more)
        self.processes.append(process)
        return process

    def start(self, *options, stdin=subprocess.DEVNULL):
        ready, write = os.pipe()
        daemon = self.spawn(
            [GARDEND, "--run-dir", self.run, "--staging", os.path.join(self.store, "staging"),
             "--log-level", "warning", "--ready-fd", str(write), *options],
            pass_fds=(write,), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.close(write)
        line = os.read(ready, 100)
        os.close(ready)
        if not line:
            daemon.wait(PATIENCE)
            raise AssertionError(daemon.stderr.read())
        return daemon

    def ctl(self, *words, check=(0,)):
        done = subprocess.run(
            [GARDENCTL, "--connection", os.path.join(self.run, "connection.json"), "--json", *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode in check, (words, done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout) if done.stdout.startswith("{") else None

    def captured(self, manifest):
        """The octets of all chunks, in order."""
        path = os.path.join(self.store, "objects", manifest[:2], manifest[2:])
        with open(path, encoding="utf-8") as file:
            chunks = json.load(file)["chunks"]
        octets = b""
        for chunk in chunks:
            name = chunk["hash"]
            with open(os.path.join(self.store, "objects", name[:2], name[2:]), "rb") as file:
                octets += file.read()
        return octets

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        self.sweep()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sweep(self):
        """Ends what those processes have left: it has our folder as its home."""
        mark = f"HOME={self.folder}".encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    ours = mark in file.read().split(b"\0")
                if ours:
                    os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass  # it is gone, or not ours to look at


def need(library):
    """Ends the test when gardend was built without |library|."""
    said = subprocess.run([GARDEND, "--version"], capture_output=True, text=True, check=True).stdout
    if f"with {library}" not in said:
        raise tap.Skipped(f"this build has no {library}")


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"no {what} within {PATIENCE} s"
        time.sleep(0.05)


def standard_input_is_captured_to_the_last_frame(place):
    octets = random.Random(5).randbytes(100_000 * 4)
    reader, writer = os.pipe()
    place.start("--pace", "fast", "--source", "stdin:s16,2,48000", stdin=reader)
    os.close(reader)
    feeder = place.spawn([sys.executable, "-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"],
                         stdin=subprocess.PIPE, stdout=writer)
    os.close(writer)
    feeder.stdin.write(octets)
    feeder.stdin.close()
    done = place.ctl("capture", "--store", place.store, "--format", "s16_le")
    assert done["captured"] == done["offered"] == 100_000 and done["lost"] == 0, done
    assert place.captured(done["manifest"]) == octets


def standard_input_that_ends_within_a_frame_fails_the_stream_and_keeps_the_rest(place):
    reader, writer = os.pipe()
    os.write(writer, b"x" * 4003)
    os.close(writer)
    place.start("--pace", "fast", "--source", "stdin:s16,2,48000", stdin=reader)
    os.close(reader)
    done = place.ctl("capture", "--store", place.store, "--format", "s16_le", check=(5,))
    assert done["captured"] == 1000 and done["broken"], done


def a_device_of_alsa_is_captured(place):
    need("ALSA")
    octets = random.Random(9).randbytes(20_000 * 4)
    with open(place.path("in.raw"), "wb") as file:
        file.write(octets)
    with open(place.path(".asoundrc"), "w", encoding="utf-8") as file:
        file.write('pcm.known { type file slave.pcm null file /dev/null '
                   f'infile "{place.path("in.raw")}" format raw }}\n')
    place.start("--source", "alsa:known,s16,2,48000")
    done = place.ctl("capture", "--store", place.store, "--format", "s16_le", "--seconds", "1",
                     check=(0, 5))
    # This device has no clock and gives what it has at once, more than a ring takes: the rest is lost,
    # counted, and no concern of this test.
    assert done["captured"] >= 20_000 and done["captured"] + done["lost"] == done["offered"], done
    got = place.captured(done["manifest"])
    assert got[:len(octets)] == octets, "the first frames are not those of the file"


def an_alsa_device_that_is_not_there_is_named(place):
    need("ALSA")
    try:
        place.start("--source", "alsa:nonesuch,s16,2,48000")
    except AssertionError as failed:
        assert "nonesuch" in str(failed) and "arecord -L" in str(failed), failed
    else:
        raise AssertionError("gardend started")


def start_pipewire(place):
    for program in ("pipewire", "wireplumber", "pw-play", "pw-cli", "dbus-run-session"):
        if not shutil.which(program):
            raise tap.Skipped(f"there is no {program} here")
    place.env["XDG_RUNTIME_DIR"] = place.path("runtime")
    os.makedirs(place.env["XDG_RUNTIME_DIR"], mode=0o700)
    conf = place.path(".config/pipewire/pipewire.conf.d")
    os.makedirs(conf)
    with open(os.path.join(conf, "sink.conf"), "w", encoding="utf-8") as file:
        file.write('context.objects = [ { factory = adapter args = { factory.name = support.null-audio-sink '
                   'node.name = garden-sink media.class = Audio/Sink object.linger = true '
                   'audio.position = [ FL FR ] audio.rate = 48000 } } ]\n')
    log = place.path("pipewire.log")
    # The second ends at once where the first does not listen yet.
    both = 'pipewire & until [ -S "$XDG_RUNTIME_DIR/pipewire-0" ]; do sleep 0.1; done; exec wireplumber'
    place.spawn(["dbus-run-session", "--", "sh", "-c", both],
                stdout=open(log, "w", encoding="utf-8"), stderr=subprocess.STDOUT, start_new_session=True)

    def has_sink():
        done = subprocess.run(["pw-cli", "ls", "Node"], env=place.env, capture_output=True, text=True,
                              check=False)
        return "garden-sink" in done.stdout
    wait_for("sink", has_sink)


def what_a_sink_of_pipewire_plays_is_captured(place):
    need("PipeWire")
    start_pipewire(place)
    frames = 48000 * 2
    noise = random.Random(11)
    known = noise.randbytes(frames * 4)
    with wave.open(place.path("known.wav"), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(48000)
        out.writeframes(known)
    place.start("--source", "pipewire:sink:garden-sink,2,48000")
    capture = place.spawn([GARDENCTL, "--connection", os.path.join(place.run, "connection.json"), "--json",
                           "capture", "--store", place.store, "--format", "s16_le", "--seconds", "6"],
                          stdout=subprocess.PIPE, text=True)
    played = subprocess.run(["pw-play", "--target", "garden-sink", place.path("known.wav")], env=place.env,
                            timeout=PATIENCE, check=False)
    assert played.returncode == 0
    out, _ = capture.communicate(timeout=PATIENCE)
    done = json.loads(out)
    assert done["captured"] + done["lost"] == done["offered"], done
    got = place.captured(done["manifest"])
    # 16 bits go through floats and back unharmed. A busy machine makes the player stumble, so what it
    # played is looked for piece by piece, in order; but a piece that is there is there to the last bit.
    size, at, found = 480 * 4, 0, 0
    for piece in (known[i:i + size] for i in range(0, len(known), size)):
        place = got.find(piece, at)
        if place >= 0:
            at, found = place + size, found + 1
    assert found >= frames // 480 // 2, f"{found} of {frames // 480} pieces are as they were played"


def priorities(daemon):
    """Of the threads that run in real time."""
    threads = [int(name) for name in os.listdir(f"/proc/{daemon.pid}/task")]
    return [os.sched_getparam(thread).sched_priority for thread in threads
            if os.sched_getscheduler(thread) == os.SCHED_FIFO]


def what_plays_runs_at_the_priority_that_was_asked_for(place):
    """And at none by default if it was asked for none, or at pace fast, where it would never sleep."""
    counter = ("--source", "a=counter:1,48000", "--source", "b=midi-counter:3125")
    for options, wanted in ((("--priority", "11"), [11, 11]), (("--priority", "0"), []),
                            (("--priority", "11", "--pace", "fast"), [])):
        daemon = place.start(*counter, *options)
        found = priorities(daemon)
        told = place.ctl("status")["sources"][0]["callback"]
        assert told["count"] == 0 and told["max_ns"] == 0, told
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(PATIENCE) == 0
        if wanted and not found:
            raise tap.Skipped("this system lets us have no real-time priority")
        assert found == wanted, (options, found)
    refused = subprocess.run([GARDEND, "--priority", "100"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2 and "--priority" in refused.stderr, refused


def how_long_the_callback_takes_is_told(place):
    place.start("--source", "big=counter:8,48000,48000")
    done = place.ctl("capture", "--store", place.store, "--device", "big")
    assert done["captured"] == 48000, done
    told = place.ctl("status")["sources"][0]["callback"]
    assert told["count"] == 48000 // 256 + 1, told
    for own in ("", "own_"):  # by the clock, and of the processor
        parts = [told[f"{own}{part}_ns"] for part in ("p50", "p99", "p999", "max")]
        assert parts == sorted(parts) and (own or parts[0] > 0), told


TESTS = (
    what_plays_runs_at_the_priority_that_was_asked_for,
    how_long_the_callback_takes_is_told,
    standard_input_is_captured_to_the_last_frame,
    standard_input_that_ends_within_a_frame_fails_the_stream_and_keeps_the_rest,
    a_device_of_alsa_is_captured,
    an_alsa_device_that_is_not_there_is_named,
    what_a_sink_of_pipewire_plays_is_captured,
)


tap.run(TESTS, Place)
