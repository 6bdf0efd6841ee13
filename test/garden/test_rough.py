#!/usr/bin/python3
"""Rough treatment: no descriptors left, damaged files of every kind, storms of signals, odd words, and a collection that
races a capture. Nothing crashes, hangs or stays silent, and what was captured stays whole.

Reports in TAP.
"""
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from test_story import GARDENCTL, GARDEND, PATIENCE, run_all, tests_of  # noqa: E402


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def ctl(place, *words, run="run", timeout=str(PATIENCE * 500), stdout=subprocess.PIPE):
    """Whatever it is given, gardenctl ends with one of its own statuses, and says why."""
    done = subprocess.run([GARDENCTL, "--timeout", timeout, "--run-dir", place.path(run), *words], stdin=subprocess.DEVNULL,
                          stdout=stdout, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
    assert 0 <= done.returncode <= 5, (words, done)
    assert done.returncode == 0 or done.stderr or done.stdout, (words, done)
    return done


def capturing(place, *words):
    return subprocess.Popen([GARDENCTL, "--run-dir", place.path("run"), "--json", "capture", "--store", place.store, "--chunk-bytes",
                             "65536", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def sealed(place):
    return sum(len(files) for _, _, files in os.walk(os.path.join(place.store, "objects")))


def whole(place, running, statuses=(0,)):
    out, err = running.communicate(timeout=PATIENCE)
    assert running.returncode in statuses, (running.returncode, out, err)
    told = json.loads(out)
    assert told["captured"] + told["lost"] == told["offered"], told
    assert ctl(place, "verify", "--store", place.store, told["manifest"]).returncode == 0
    return told


def a_daemon_without_descriptors_serves_who_is_there_and_recovers(story):
    os.makedirs(story.path("run"), mode=0o700)
    limit = 64
    ready, write = os.pipe()
    daemon = subprocess.Popen([GARDEND, "--run-dir", story.path("run"), "--source", "counter:2,48000", "--log-level", "error",
                               "--ready-fd", str(write)], pass_fds=(write,), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
    story.daemons.append(daemon)
    os.close(write)
    assert os.read(ready, 10)
    os.close(ready)
    events = subprocess.Popen([GARDENCTL, "--run-dir", story.path("run"), "events", "--since", "0", "--type", "NodeAdded", "--count",
                               "1"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    strangers = []
    for _ in range(1000):  # many times what there are
        stranger = socket.socket(socket.AF_UNIX)
        stranger.settimeout(0.02)
        try:
            stranger.connect(story.path(f"run/{random.choice(('control', 'shell', 'iopub', 'hb', 'query'))}"))
        except OSError:  # nobody takes it
            stranger.close()
            if len(strangers) > 2 * limit:
                break
            continue
        strangers.append(stranger)
    assert len(strangers) >= limit, len(strangers)
    with open(f"/proc/{daemon.pid}/stat", encoding="utf-8") as stat:
        ticks = sum(int(word) for word in stat.read().rsplit(")", 1)[1].split()[11:13])
    time.sleep(1)
    with open(f"/proc/{daemon.pid}/stat", encoding="utf-8") as stat:
        ticks = sum(int(word) for word in stat.read().rsplit(")", 1)[1].split()[11:13]) - ticks
    assert ticks < os.sysconf("SC_CLK_TCK") * 0.8, f"{ticks} ticks of a second were spent on nobody"
    assert daemon.poll() is None
    for stranger in strangers:
        stranger.close()
    until(lambda: ctl(story, "ping").returncode == 0)
    assert ctl(story, "add-node", '{"name":"n","node_type":"t","config":{}}').returncode == 0
    assert "NodeAdded" in events.communicate(timeout=PATIENCE)[0]


def kinds_of_damage(octets, dice):
    yield b""
    yield octets[:dice.randrange(len(octets) + 1)]
    if octets:
        flipped = bytearray(octets)
        flipped[dice.randrange(len(octets))] ^= 1 << dice.randrange(8)
        yield bytes(flipped)
    yield dice.randbytes(200)
    yield None  # a directory in its place


def replace(path, octets):
    os.remove(path)
    if octets is None:
        os.mkdir(path)
        return
    with open(path, "wb") as file:
        file.write(octets)


def start_on(place):
    """A daemon on what there is: it starts, or ends with a line."""
    daemon, started = place.start("--source", "counter:2,48000", "--config", place.path("gardend.conf"), pace="real")
    if started:
        assert ctl(place, "get-regions").returncode == 0
        daemon.terminate()
    _, err = daemon.communicate(timeout=PATIENCE)
    assert daemon.returncode in ((0,) if started else (1, 2)), (daemon.returncode, err)
    assert started or err, daemon.returncode


def damaged_files_of_every_kind_are_refused_or_repaired(story):
    """A capture that was left, its chunks and journal; objects and their metadata; state, configuration, tape."""
    dice = random.Random(5)
    with open(story.path("gardend.conf"), "w", encoding="utf-8") as file:
        file.write("ring-ms = 400\n")
    daemon, _ = story.start("--source", "counter:2,48000", "--ring-ms", "10000", pace="real")
    for beat in range(3):
        ctl(story, "create-region", str(beat), "4", '{"PlayContent":{"artifact_id":"kick"}}')
    whole(story, capturing(story, "--seconds", "1"))
    recorder = subprocess.Popen([GARDENCTL, "--run-dir", story.path("run"), "record", "--listen", story.path("proxy"),
                                 story.path("a.tape")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
    until(lambda: os.path.exists(story.path("proxy/connection.json")))
    ctl(story, "get-regions", run="proxy")
    recorder.send_signal(signal.SIGINT)
    recorder.wait(PATIENCE)
    before = sealed(story)
    left = capturing(story)
    until(lambda: sealed(story) > before)
    left.kill()
    left.communicate()
    daemon.kill()
    daemon.communicate()
    kept = story.path("kept")
    places = [name for name in ("store", "run", "a.tape", "gardend.conf") if os.path.exists(story.path(name))]
    os.mkdir(kept)
    subprocess.run(["cp", "-a", *(story.path(name) for name in places), kept], check=True)
    groups = {}
    for name in places:
        for folder, _, names in os.walk(story.path(name)):
            for file in (os.path.join(folder, each) for each in names):
                if os.path.isfile(file) and not file.endswith("lock"):
                    groups.setdefault(tuple(os.path.relpath(file, story.folder).split("/")[:2]), []).append(file)
    for file in (story.path("a.tape"), story.path("gardend.conf")):
        groups[(file,)] = [file]
    assert {("store", "objects"), ("store", "metadata"), ("store", "staging"), ("store", "recordings"), ("run", "state"),
            ("run", "connection.json")} <= set(groups), groups.keys()
    for group, files in groups.items():
        file = dice.choice(files)
        with open(file, "rb") as opened:
            octets = opened.read()
        for damage in kinds_of_damage(octets, dice):
            replace(file, damage)
            if group[0] == "store":
                for words in (["capture", "--recover"], ["fsck"], ["gc"], ["fsck", "--repair"], ["gc", "--remove"]):
                    ctl(story, *words, "--store", story.store)
            elif file.endswith(".tape"):
                ctl(story, "show", file)
                ctl(story, "--json", "show", file)
            elif file.endswith("connection.json"):
                ctl(story, "ping", timeout="100")
            else:
                start_on(story)
            for name in places:
                subprocess.run(["rm", "-rf", story.path(name)], check=True)
            subprocess.run(["cp", "-a", *(os.path.join(kept, name) for name in places), story.folder], check=True)


def a_storm_of_signals_loses_nothing_unseen(story):
    with open(story.path("gardend.conf"), "w", encoding="utf-8") as file:
        file.write("ring-ms = 3000\n")
    daemon, started = story.start("--source", "counter:2,48000", "--config", story.path("gardend.conf"), pace="real")
    assert started
    running = capturing(story, "--seconds", "4")
    until(lambda: sealed(story) > 0)
    dice = random.Random(3)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        process = dice.choice((daemon, daemon, running))
        for number in dice.choice(((signal.SIGSTOP, signal.SIGCONT), (signal.SIGHUP,) * 5, (signal.SIGPIPE, signal.SIGCONT))):
            if number != signal.SIGHUP or process is daemon:
                process.send_signal(number)
        time.sleep(dice.random() / 100)
        process.send_signal(signal.SIGCONT)
    whole(story, running, statuses=(0, 5))
    assert ctl(story, "ping").returncode == 0
    daemon.terminate()
    assert daemon.wait(PATIENCE) == 0


def a_collection_that_races_a_capture_and_slices_takes_nothing_of_theirs(story):
    story.start("--source", "counter:2,48000", "--ring-ms", "10000", pace="real")
    first = whole(story, capturing(story, "--seconds", "1"))
    before = sealed(story)
    running = capturing(story, "--seconds", "3")
    until(lambda: sealed(story) > before)  # a collection that came first would refuse it
    refused = 0
    while running.poll() is None:
        refused += ctl(story, "gc", "--remove", "--store", story.store).returncode != 0
        sliced = ctl(story, "slice", "--store", story.store, "--out", story.path("x.wav"), "--force", first["manifest"])
        assert sliced.returncode == 0, sliced
    assert refused > 0, "it was refused while the capture wrote"
    second = whole(story, running)
    assert ctl(story, "gc", "--remove", "--store", story.store).returncode == 0
    for told in (first, second):
        assert ctl(story, "verify", "--store", story.store, told["manifest"]).returncode == 0


ODD = ("", "-1", "nan", "-inf", "1e999", "9" * 30, "-" + "9" * 20, "0x10", "-", "--", "--nope", "--nope=1", "\udcff\udcfe",
       "a" * 70000, "%s%n", "\n", "{}", "[]", '{"a":', "/dev/full", "/nonexistent")


def odd_words_are_answered(story):
    story.start("--source", "none")
    listed = ctl(story, "requests").stdout.decode().splitlines()
    commands = ["seek", "capture", "verify", "slice", "gc", "fsck", "export", "import", "show", "replay", "query", "end-stream",
                "completion", *(line.split()[0] for line in listed)]
    dice = random.Random(1)
    for command in commands:
        if command == "control-shutdown":
            continue
        for word in dice.sample(ODD, 6):
            ctl(story, command, word, timeout="100")
    for option in ("--timeout", "--connection", "--run-dir", "--tcp", "--server-key", "--key"):
        for word in ODD:
            ctl(story, option, word, "ping", timeout="100")
    with open(story.path("gardend.conf"), "wb") as file:
        file.write(b"ring-ms = \xff\xfe\n")
    for words in (["--config", story.path("gardend.conf")], ["--log-level", "\udcff"], ["--source", "\udcff:1"], ["\udcb0"]):
        done = subprocess.run([GARDEND, *words], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
        assert done.returncode == 2 and "gardend: " in done.stderr.decode(), done  # whatever it was given, what it says is text
    for words in ([GARDEND, "--help"], [GARDEND, "--version"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
        assert done.returncode == 1 and b"standard output" in done.stderr, done
    for command in ("ping", "status", "schema", "requests", "get-transport-state", "--help", "--version"):
        with open("/dev/full", "wb") as full:
            assert ctl(story, command, stdout=full).returncode == 1, command
        closed = subprocess.run(["sh", "-c", '"$@" >&-', "sh", GARDENCTL, "--run-dir", story.path("run"), command],
                                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
        assert closed.returncode in (0, 1), (command, closed)
    assert ctl(story, "ping").returncode == 0


if __name__ == "__main__":
    sys.exit(run_all(tests_of(globals())))
