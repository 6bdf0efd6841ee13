#!/usr/bin/python3
"""gardend and gardenctl as their users meet them: captures end to end, and what goes wrong.

Reports in TAP. Runs the programs of $O/bin in a folder of its own.
"""
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import wave

BIN = os.path.join(os.environ.get("O", "build"), "bin")
GARDEND, GARDENCTL = (os.path.abspath(os.path.join(BIN, name)) for name in ("gardend", "gardenctl"))
PATIENCE = 60  # seconds for anything that should take far less


class Story:
    """A folder with a recording in it, and the daemons that were started there."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="story.")
        self.store = self.path("store")
        os.makedirs(os.path.join(self.store, "staging"))
        self.daemons = []
        self.env = None  # of daemons: this program's

    def path(self, name):
        return os.path.join(self.folder, name)

    def recording(self, seconds=1.0, name="take.wav", channels=2, rate=48000):
        """Noise, so that no two frames look alike."""
        noise = random.Random(7)
        frames = int(seconds * rate)
        with wave.open(self.path(name), "wb") as out:
            out.setnchannels(channels)
            out.setsampwidth(2)
            out.setframerate(rate)
            out.writeframes(noise.randbytes(frames * channels * 2))
        return self.path(name), frames

    def start(self, *options, run="run", pace="fast"):
        """Starts gardend and waits until it says that it is ready. Returns it, or its failure."""
        os.makedirs(self.path(run), mode=0o700, exist_ok=True)
        ready, write = os.pipe()
        daemon = subprocess.Popen(
            [GARDEND, "--run-dir", self.path(run), "--staging", os.path.join(self.store, "staging"),
             "--pace", pace, "--log-level", "warning", "--ready-fd", str(write), *options],
            pass_fds=(write,), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=self.env)
        os.close(write)
        line = os.read(ready, 100)
        os.close(ready)
        self.daemons.append(daemon)
        return daemon, bool(line)

    def ctl(self, *words, run="run", check=None):
        done = subprocess.run(
            [GARDENCTL, "--timeout", str(PATIENCE * 500), "--connection", os.path.join(self.path(run), "connection.json"), *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if check is not None:
            assert done.returncode == check, (words, done.returncode, done.stdout, done.stderr)
        return done

    def verify(self, manifest, against, check=0):
        out = self.ctl("--json", "verify", "--store", self.store, "--against", against, manifest,
                       check=check).stdout
        return json.loads(out)

    def close(self):
        for daemon in self.daemons:
            if daemon.poll() is None:
                daemon.kill()
            daemon.communicate()
        subprocess.run(["rm", "-rf", self.folder], check=True)


def one_line(text):
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    return lines[0]


def refused(daemon, *words):
    """The daemon did not start: status 1, and one line that has all the words."""
    out, err = daemon.communicate(timeout=PATIENCE)
    assert daemon.returncode == 1, (daemon.returncode, out, err)
    line = one_line(err)
    for word in words:
        assert word in line, line
    return line


# ---- Requests


def every_request_is_a_command(story):
    story.start("--source", "none")
    names = [line.split()[0] for line in story.ctl("requests", check=0).stdout.splitlines()]
    assert len(names) >= 30 and "stream-switch-chunk" in names and "control-pause" in names, names
    for name in names:
        help_ = story.ctl(name, "--help", check=0).stdout
        if name != "control-shutdown" and "=" not in help_.splitlines()[0]:
            story.ctl(name, check=0)  # what takes no argument works without one


def arguments_of_requests_are_fields_in_order_or_by_name(story):
    story.start("--source", "none")
    region = story.ctl("create-region", "0", "4", '{"PlayContent":{"artifact_id":"x"}}', check=0).stdout.strip()
    story.ctl("move-region", "new_position=2.5", region, check=0)
    listed = json.loads(story.ctl("--json", "get-regions", check=0).stdout)["Regions"]["regions"]
    assert [(each["region_id"], each["position"]) for each in listed] == [(region, 2.5)], listed
    table = story.ctl("get-regions", "range=[0,9]", check=0).stdout.splitlines()
    assert table[0].split()[:2] == ["region_id", "position"] and table[1].split()[0] == region, table
    assert story.ctl("get-regions", "[10,20]", check=0).stdout == "none\n"
    for words, complaint in ((("seek",), "beat is missing"), (("seek", "1", "2"), "'2' was not expected"),
                             (("seek", "beat=1", "beat=2"), "given twice"), (("seek", "soon"), "beat takes a number"),
                             (("seek", "1},\"x\":{"), ""), (("no-such-thing",), "there is no command")):
        assert complaint in story.ctl(*words, check=2).stderr, words
    other = "11111111-1111-4111-8111-111111111111"
    assert other in story.ctl("delete-region", other, check=1).stderr
    assert "Error" in story.ctl("--json", "delete-region", other, check=1).stdout


# ---- Captures


def a_recording_is_captured_sample_by_sample(story):
    take, frames = story.recording()
    _, ready = story.start("--file", take)
    assert ready
    done = json.loads(story.ctl("--json", "capture", "--store", story.store, "--chunks", "12",
                                check=0).stdout)
    assert done["offered"] == done["captured"] == frames and done["lost"] == 0, done
    assert done["chunks"] >= 8, done
    found = story.verify(done["manifest"], take)
    assert found["ok"] and found["compared"] and found["captured"] == frames, found


def any_part_of_a_recording_becomes_a_wav_file(story):
    take, frames = story.recording()
    story.start("--file", take)
    done = json.loads(story.ctl("--json", "capture", "--store", story.store, "--chunks", "12",
                                check=0).stdout)
    with wave.open(take) as file:
        octets = file.readframes(frames)
    out = story.path("slice.wav")
    again = []
    for begin, end, first, last in (("0", str(frames), 0, frames), ("12345", "12346", 12345, 12346),
                                    ("0.25s", "0.75s", 12000, 36000), ("-100", None, frames - 100, frames),
                                    (None, "-0.5s", 0, frames - 24000)):
        words = ["--from", begin] if begin else []
        words += ["--to", end] if end else []
        told = json.loads(story.ctl("--json", "slice", "--store", story.store, *words, "--out", out, *again,
                                    done["manifest"], check=0).stdout)
        again = ["--force"]
        assert (told["from"], told["to"], told["lost"]) == (first, last, 0), told
        with wave.open(out) as file:
            assert file.getparams()[:4] == (2, 2, 48000, last - first)
            assert file.readframes(last - first) == octets[first * 4:last * 4]
    assert not os.path.exists(out + ".part")
    before = os.stat(out)
    assert "--force" in story.ctl("slice", "--store", story.store, "--out", out, done["manifest"], check=2).stderr
    assert (os.stat(out).st_ino, os.stat(out).st_size) == (before.st_ino, before.st_size)
    pieces = [json.loads(line) for line in story.ctl("--json", "slice", "--store", story.store, "--from", "100",
                                                     done["manifest"], check=0).stdout.splitlines()]
    assert sum(piece["count"] for piece in pieces) == frames - 100 and pieces[0]["byte_offset"] == 400, pieces
    for words, status, word in ((["--from", "5", "--to", "5"], 2, "empty"), (["--to", str(frames + 1)], 2, "outside"),
                                (["--from", "999s"], 2, f"{frames} frames ({frames / 48000:.3f}s)"),
                                (["--from", "-" + "9" * 30], 2, "outside"), (["--from", "1e3"], 2, "position"), (["--gaps", "loud"], 2, "--gaps")):
        assert word in story.ctl("slice", "--store", story.store, *words, done["manifest"], check=status).stderr
    assert "12" in story.ctl("slice", "--store", story.store, "12", check=2).stderr
    assert "cannot be written" in story.ctl("slice", "--store", story.store, "--out", "/nonexistent/x.wav",
                                            done["manifest"], check=1).stderr


def a_slice_of_lost_frames_is_silent_or_left_out_or_refused(story):
    story.start("--source", "counter:2,48000,96000", "--ring-ms", "40", pace="real")
    begun = subprocess.Popen([GARDENCTL, "--connection", os.path.join(story.path("run"), "connection.json"),
                              "--json", "capture", "--store", story.store, "--chunk-bytes", "65536"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    deadline = time.monotonic() + PATIENCE
    while sum(len(names) for _, _, names in os.walk(os.path.join(story.store, "objects"))) < 2:  # more than the definition
        assert time.monotonic() < deadline
        time.sleep(0.02)
    begun.send_signal(signal.SIGSTOP)  # nobody stages chunks for a while
    time.sleep(0.8)
    begun.send_signal(signal.SIGCONT)
    out, _ = begun.communicate(timeout=PATIENCE)
    done = json.loads(out)
    assert done["lost"] > 0 and done["captured"] + done["lost"] == done["offered"], done
    path = story.path("slice.wav")
    for how, size in (("silence", done["offered"]), ("skip", done["captured"])):
        told = json.loads(story.ctl("--json", "slice", "--store", story.store, "--gaps", how, "--out", path, "--force",
                                    done["manifest"], check=0).stdout)
        assert told["lost"] == done["lost"] and told["frames"] == size, (told, done)
        assert wave.open(path).getnframes() == size
    assert "lost" in story.ctl("slice", "--store", story.store, "--gaps", "fail", "--out", path, "--force",
                               done["manifest"], check=1).stderr


def a_stream_under_way_is_sliced_as_far_as_it_is_sealed(story):
    story.start("--source", "counter:2,48000", pace="real")
    capture = subprocess.Popen([GARDENCTL, "--connection", os.path.join(story.path("run"), "connection.json"),
                                "--json", "capture", "--store", story.store, "--chunk-bytes", "38400",
                                "--format", "s16_le"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    end = time.monotonic() + PATIENCE
    path = story.path("live.wav")
    while story.ctl("slice", "--store", story.store, "--from", "9000", "--to", "9600", "--out", path, "--force",
                    "stream://default/main").returncode != 0:
        assert time.monotonic() < end
        time.sleep(0.05)
    with wave.open(path) as file:
        frames = file.readframes(600)
    # The counter numbers samples; 16 bits of it show the lower half.
    assert frames == b"".join(struct.pack("<H", sample & 0xffff) for sample in range(18000, 19200))
    capture.send_signal(signal.SIGINT)
    capture.communicate(timeout=PATIENCE)
    assert "captured" in story.ctl("slice", "--store", story.store, "stream://default/other", check=1).stderr


def verify_finds_a_changed_octet_and_another_file(story):
    take, _ = story.recording()
    other, _ = story.recording(name="other.wav", seconds=0.9)
    story.start("--file", take)
    done = json.loads(story.ctl("--json", "capture", "--store", story.store, "--chunks", "9",
                                check=0).stdout)
    found = story.verify(done["manifest"], other, check=4)
    assert not found["ok"] and "frame" in found["difference"], found
    manifest = read_json(object_path(story, done["manifest"]))
    victim = object_path(story, manifest["chunks"][3]["hash"])
    os.chmod(victim, 0o600)
    with open(victim, "r+b") as file:
        file.seek(100)
        octet = file.read(1)
        file.seek(100)
        file.write(bytes([octet[0] ^ 1]))
    found = story.verify(done["manifest"], take, check=4)
    assert "damaged" in found["difference"] and manifest["chunks"][3]["hash"][2:] in found["difference"]


def every_kind_of_file_is_captured_in_every_format(story):
    noise = random.Random(3)
    frames = 5000
    kinds = {"s16": (1, 16, lambda: struct.pack("<h", noise.randrange(-32768, 32768))),
             "s24": (1, 24, lambda: noise.randbytes(3)),
             "s32": (1, 32, lambda: noise.randbytes(4)),
             "f32": (3, 32, lambda: struct.pack("<f", noise.uniform(-1.2, 1.2)))}
    for name, (tag, bits, sample) in kinds.items():
        take = story.path(f"{name}.wav")
        body = b"".join(sample() for _ in range(frames * 2))
        step = bits // 8 * 2
        with open(take, "wb") as out:
            out.write(b"RIFF" + struct.pack("<I", 36 + len(body)) + b"WAVEfmt "
                      + struct.pack("<IHHIIHH", 16, tag, 2, 44100, 44100 * step, step, bits)
                      + b"data" + struct.pack("<I", len(body)) + body)
        story.start("--file", take, run=name)
        for number, sample_format in enumerate(("s16_le", "s24_le", "s32_le", "f32_le")):
            done = json.loads(story.ctl("--json", "capture", "--store", story.store, "--uri",
                                        f"stream://{name}/{number}", "--chunk-bytes", "30000",
                                        "--format", sample_format, run=name, check=0).stdout)
            found = story.verify(done["manifest"], take)
            assert found["ok"] and found["captured"] == frames, (name, sample_format, found)


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def object_path(story, name):
    return os.path.join(story.store, "objects", name[:2], name[2:])


def stopped_client(story, ring_ms):
    """Stops the client for 2 s amid its rotations. Returns what it then tells of the capture."""
    take, frames = story.recording(seconds=5)
    _, ready = story.start("--file", take, "--ring-ms", str(ring_ms), pace="real")
    assert ready
    client = subprocess.Popen(
        [GARDENCTL, "--connection", story.path("run/connection.json"), "capture", "--store",
         story.store, "--chunks", "20", "--manifest-file", story.path("manifest")],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in client.stdout:
        if line.startswith("chunk 2 sealed"):
            break
    client.send_signal(signal.SIGSTOP)
    time.sleep(2)
    client.send_signal(signal.SIGCONT)
    _, err = client.communicate(timeout=PATIENCE)
    assert client.returncode in (0, 5), err
    with open(story.path("manifest"), encoding="utf-8") as file:
        manifest = file.read().strip()
    found = story.verify(manifest, take)
    assert found["ok"] and found["offered"] == frames, (found, frames)
    assert found["captured"] + found["lost"] == found["offered"], found
    assert (client.returncode == 5) == (found["lost"] > 0), client.returncode
    return found


def a_client_stopped_for_two_seconds_loses_only_what_is_accounted_for(story):
    assert stopped_client(story, ring_ms=300)["lost"] > 0


def a_client_stopped_for_two_seconds_loses_nothing_with_a_ring_of_four(story):
    assert stopped_client(story, ring_ms=4000)["lost"] == 0


def a_killed_client_is_recovered(story):
    take, frames = story.recording(seconds=4)
    story.start("--file", take, pace="real")
    client = subprocess.Popen(
        [GARDENCTL, "--connection", story.path("run/connection.json"), "capture", "--store",
         story.store, "--chunks", "16"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in client.stdout:
        if line.startswith("chunk 4 sealed"):
            break
    client.kill()
    client.communicate()
    assert "stopped" in story.ctl("end-stream", "stream://default/main", check=0).stdout
    story.ctl("end-stream", "stream://default/other", check=1)
    done = json.loads(story.ctl("--json", "capture", "--recover", "--store", story.store,
                                check=5).stdout)
    assert not done["complete"], done
    assert done["chunks"] >= 5 and 0 < done["captured"] <= frames, done
    story.ctl("verify", "--store", story.store, done["manifest"], check=0)
    again = story.ctl("capture", "--recover", "--store", story.store, check=0).stdout
    assert "nothing" in again, again


def a_capture_tells_whether_a_daemon_that_shut_down_confirmed_its_end(story):
    take, frames = story.recording(seconds=4)
    daemon, _ = story.start("--file", take, pace="real")
    client = subprocess.Popen(
        [GARDENCTL, "--connection", story.path("run/connection.json"), "capture", "--store",
         story.store, "--chunks", "16", "--manifest-file", story.path("manifest")],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in client.stdout:
        if line.startswith("chunk 2 sealed"):
            break
    daemon.terminate()
    _, err = client.communicate(timeout=PATIENCE)
    assert daemon.wait(PATIENCE) == 0
    with open(story.path("manifest"), encoding="utf-8") as file:
        found = json.loads(story.ctl("--json", "verify", "--store", story.store, file.read().strip(),
                                     check=0).stdout)
    assert 0 < found["captured"] < frames, found
    assert client.returncode == (0 if found["complete"] and found["lost"] == 0 else 5), (found, err)


def a_daemon_killed_amid_a_capture_leaves_what_it_wrote(story):
    take, _ = story.recording(seconds=4)
    daemon, _ = story.start("--file", take, pace="real")
    client = subprocess.Popen(
        [GARDENCTL, "--connection", story.path("run/connection.json"), "--json", "capture",
         "--store", story.store, "--chunks", "16"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + PATIENCE
    objects = os.path.join(story.store, "objects")
    while not os.path.isdir(objects) or len(os.listdir(objects)) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    daemon.kill()
    daemon.wait()
    client.send_signal(signal.SIGINT)
    out, err = client.communicate(timeout=PATIENCE)
    assert client.returncode in (0, 5), err
    done = json.loads(out)
    story.ctl("verify", "--store", story.store, done["manifest"], check=0)
    assert done["captured"] > 0, done


def a_daemon_that_was_started_anew_ends_the_capture(story):
    options = ("--source", "counter:2,48000")
    daemon, _ = story.start(*options, pace="real")
    client = subprocess.Popen(
        [GARDENCTL, "--connection", story.path("run/connection.json"), "capture", "--store",
         story.store, "--chunk-bytes", "100000"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert client.stdout.readline().startswith("chunk 0 sealed")
    daemon.kill()
    daemon.wait()
    story.start(*options, pace="real")
    out, err = client.communicate(timeout=PATIENCE)
    assert client.returncode in (0, 5), err
    # The client asks whether the stream is there, unless a request for a chunk finds that out before.
    assert "started anew" in err or "there is no stream" in err, err
    story.ctl("verify", "--store", story.store, out.split()[-1], check=0)


def a_capture_whose_daemon_and_store_are_gone_ends_and_says_so(story):
    daemon, _ = story.start("--source", "counter:2,48000", pace="real")
    client = subprocess.Popen(
        [GARDENCTL, "--connection", story.path("run/connection.json"), "capture", "--store", story.store,
         "--chunk-bytes", "100000", "--patience", "1"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert client.stdout.readline().startswith("chunk 0 sealed")
    daemon.kill()
    daemon.wait()
    subprocess.run(["rm", "-rf", story.store], check=True)
    _, err = client.communicate(timeout=PATIENCE)
    assert client.returncode == 1 and "stays away" in err and f"{story.store} is gone" in err, (client.returncode, err)


def a_recording_without_frames_is_captured(story):
    take, _ = story.recording(seconds=0)
    story.start("--file", take)
    manifest = story.ctl("capture", "--store", story.store, "--chunks", "12",
                         check=0).stdout.split()[-1]
    story.verify(manifest, take)


def a_staged_chunk_that_others_remove_is_staged_again(story):
    take, frames = story.recording(seconds=4)
    story.start("--file", take, "--ring-ms", "4000", pace="real")
    client = subprocess.Popen(
        [GARDENCTL, "--connection", story.path("run/connection.json"), "capture",
         "--store", story.store, "--chunks", "16", "--manifest-file", story.path("manifest")],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in client.stdout:
        if line.startswith("chunk 3 sealed"):
            break
    staging = os.path.join(story.store, "staging")
    chunks = [name for name in os.listdir(staging) if name.rsplit(".", 1)[-1].isdigit()]
    # The newest: the daemon has not been told of it yet.
    os.unlink(os.path.join(staging, max(chunks, key=lambda name: int(name.rsplit(".", 1)[1]))))
    _, err = client.communicate(timeout=PATIENCE)
    assert client.returncode == 0 and "No such file" in err, (client.returncode, err)
    with open(story.path("manifest"), encoding="utf-8") as file:
        found = story.verify(file.read().strip(), take)
    assert found["ok"] and found["captured"] == frames, found


def a_daemon_that_shuts_down_amid_a_capture_ends_it(story):
    take, frames = story.recording(seconds=30)
    daemon, _ = story.start("--file", take, pace="real")
    client = subprocess.Popen(
        [GARDENCTL, "--connection", story.path("run/connection.json"), "--json", "capture",
         "--store", story.store, "--chunks", "16"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + PATIENCE
    objects = os.path.join(story.store, "objects")
    while not os.path.isdir(objects) or len(os.listdir(objects)) < 2:  # more than the definition
        assert time.monotonic() < deadline
        time.sleep(0.01)
    story.ctl("shutdown", check=0)
    daemon.wait(PATIENCE)
    out, err = client.communicate(timeout=20)  # which is less than the patience with a dead one
    assert client.returncode in (0, 5), err
    done = json.loads(out)
    story.ctl("verify", "--store", story.store, done["manifest"], check=0)
    assert 0 < done["captured"] < frames, done


# ---- What goes wrong


def an_unknown_scheme_is_refused(story):
    daemon, ready = story.start("--endpoints", ",".join(["quic://127.0.0.1:9"] * 5))
    assert not ready
    refused(daemon, "quic")


def a_port_in_use_is_refused(story):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        if port > 65000:
            return
        daemon, ready = story.start("--tcp", f"127.0.0.1:{port}")
        assert not ready
        refused(daemon, str(port), "in use")


def a_live_daemons_endpoints_are_not_taken(story):
    take, _ = story.recording()
    _, ready = story.start("--file", take)
    assert ready
    daemon, ready = story.start("--file", take)
    assert not ready
    refused(daemon, "in use")
    story.ctl("ping", check=0)


def a_second_tcp_daemon_in_one_run_directory_is_refused_and_takes_nothing(story):
    _, ready = story.start("--source", "none", "--tcp", "127.0.0.1:0")
    assert ready
    before = read_json(story.path("run/connection.json"))
    daemon, ready = story.start("--source", "none", "--tcp", "127.0.0.1:0")
    assert not ready
    refused(daemon, "in use by another daemon", "--run-dir")
    assert read_json(story.path("run/connection.json")) == before
    story.ctl("ping", check=0)


def a_second_daemon_with_one_connection_file_is_refused_and_takes_nothing(story):
    shared = story.path("shared.json")
    daemon, ready = story.start("--source", "none", "--connection-file", shared)
    assert ready
    before = read_json(shared)
    second, ready = story.start("--source", "none", "--connection-file", shared, run="other")
    assert not ready
    refused(second, shared, "in use by another daemon", "--connection-file")
    assert read_json(shared) == before
    daemon.kill()  # which leaves the file, but not the lock
    daemon.wait()
    third, ready = story.start("--source", "none", "--connection-file", shared, run="other")
    assert ready and read_json(shared)["pid"] == third.pid != before["pid"]
    third.terminate()
    assert third.wait(PATIENCE) == 0 and not os.path.exists(shared)


def a_store_of_another_owner_or_on_a_disk_that_may_not_be_written_is_told(story):
    """Before anything is asked of the daemon, and nothing is left in it."""
    story.start("--source", "counter:2,48000", pace="real")
    closed = story.path("closed")
    os.makedirs(os.path.join(closed, "staging"))
    os.chmod(closed, 0o555)
    tool, before = GARDENCTL, {}
    if os.getuid() == 0:  # whom no mode stops: as nobody, then, who may not look into where this was built
        os.chmod(story.folder, 0o755)
        tool = shutil.copy(GARDENCTL, story.path("gardenctl"))
        before = {"preexec_fn": lambda: os.setuid(65534)}
        try:
            subprocess.run([tool, "--version"], check=True, capture_output=True, **before)
        except PermissionError:
            os.chmod(closed, 0o755)
            return f"nobody but root may run a program in {story.folder}"
    words = [tool, "--connection", story.path("run/connection.json"), "capture", "--store", closed]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
                          check=False, **before)
    assert done.returncode == 1 and "Permission denied" in one_line(done.stderr) and "closed" in done.stderr, done
    assert os.listdir(closed) == ["staging"] and not os.listdir(os.path.join(closed, "staging"))
    os.chmod(closed, 0o755)
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", closed],
                                          capture_output=True, check=False).returncode != 0:
        return "the rest needs the right to mount"
    try:
        os.mkdir(os.path.join(closed, "staging"))
        subprocess.run(["mount", "-o", "remount,ro", closed], check=True)
        done = story.ctl("capture", "--store", closed)
        assert done.returncode == 1 and "Read-only file system" in one_line(done.stderr), done
    finally:
        subprocess.run(["umount", "-l", closed], check=False)
    assert not json.loads(story.ctl("--json", "status", check=0).stdout)["streams"]
    return None


def a_staging_folder_on_another_disk_is_told_and_what_was_captured_stays(story):
    """Sealing is by linking, which no two file systems have between them."""
    staging = os.path.join(story.store, "staging")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", staging], capture_output=True,
                      check=False).returncode != 0:
        return "no right to mount a small file system"
    try:
        take, _ = story.recording()
        daemon, ready = story.start("--file", take)
        assert ready
        done = story.ctl("capture", "--store", story.store, "--chunks", "4")
        assert done.returncode == 1 and "staging" in done.stderr, done
        assert "file system" in done.stderr or "cross-device" in done.stderr, done.stderr
        daemon.kill()
        daemon.wait()
    finally:
        subprocess.run(["umount", "-l", staging], check=False)
    return None


def a_file_that_is_no_recording_is_refused(story):
    text = story.path("text.wav")
    with open(text, "w", encoding="utf-8") as out:
        out.write("this is not audio\n" * 100)
    for path in (text, story.path("absent.wav"), story.folder):
        daemon, ready = story.start("--file", path)
        assert not ready
        refused(daemon, path)


def a_store_that_cannot_be_written_is_told(story):
    take, _ = story.recording()
    story.start("--file", take)
    blocked = story.path("blocked")
    with open(blocked, "w", encoding="utf-8") as out:
        out.write("a file where a folder should be")
    done = story.ctl("capture", "--store", blocked)
    assert done.returncode == 1 and blocked in one_line(done.stderr), done


def a_store_whose_path_is_no_text_is_told(story):
    story.store = story.path("store-\udcff")  # an octet that UTF-8 does not have
    os.makedirs(os.path.join(story.store, "staging"))
    take, _ = story.recording()
    story.start("--file", take)
    done = story.ctl("capture", "--store", story.store)
    assert done.returncode == 1 and "no UTF-8" in one_line(done.stderr), done
    assert not os.listdir(os.path.join(story.store, "staging")), "something was left behind"
    story.ctl("status", check=0)


def a_full_disk_is_told_and_harms_nothing(story):
    small = story.path("small")
    os.makedirs(small)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", small],
                             capture_output=True, check=False).returncode == 0
    if not mounted:
        return "no right to mount a small file system"
    try:
        take, frames = story.recording(seconds=4)
        story.store = os.path.join(small, "store")
        os.makedirs(os.path.join(story.store, "staging"))
        story.start("--file", take, pace="real")
        client = subprocess.Popen(
            [GARDENCTL, "--connection", story.path("run/connection.json"), "capture", "--store",
             story.store, "--chunk-bytes", "50000"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, err = client.communicate(timeout=PATIENCE)
        assert client.returncode in (1, 5) and "space" in err, (client.returncode, out, err)
        if client.returncode == 1:  # not even the manifest had room: it is finished later
            assert "--recover" in err, err
            subprocess.run(["mount", "-o", "remount,size=8m", small], check=True)
            story.ctl("shutdown", check=0)
            story.daemons[0].wait(PATIENCE)
            out = story.ctl("capture", "--recover", "--store", story.store).stdout
        manifest = out.split()[-1]
        found = json.loads(story.ctl("--json", "verify", "--store", story.store, manifest,
                                     check=0).stdout)
        assert 0 < found["captured"] < frames and found["offered"] <= frames, (found, frames)
    finally:
        for daemon in story.daemons:
            daemon.kill()
            daemon.wait()
        subprocess.run(["umount", "-l", small], check=False)
    return None


def strangers_on_a_lane_disturb_nobody(story):
    take, frames = story.recording()
    story.start("--file", take)
    lane = read_json(story.path("run/connection.json"))
    path = lane["endpoints"]["shell"].removeprefix("ipc://")
    strangers = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                 b"\x01\x00\x05hello", b"\xff" * 4000, bytes(64), b"\xff" + bytes(8) + b"\x7f\x01\x05"]
    for octets in strangers:
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.settimeout(PATIENCE)
            stranger.connect(path)
            stranger.sendall(octets)
            while stranger.recv(4096):
                pass  # the daemon's greeting, then its end of the connection
    done = json.loads(story.ctl("--json", "capture", "--store", story.store, check=0).stdout)
    assert done["captured"] == frames, done


def a_garbage_body_is_answered_with_an_error(story):
    import zmq  # Debian's python3-zmq
    take, _ = story.recording()
    story.start("--file", take)
    lane = read_json(story.path("run/connection.json"))
    context = zmq.Context()
    try:
        for name, kind in (("shell", zmq.DEALER), ("control", zmq.DEALER), ("query", zmq.REQ)):
            asker = context.socket(kind)
            asker.linger = 0
            asker.rcvtimeo = PATIENCE * 1000
            asker.connect(lane["endpoints"][name])
            for body in (b"\xc1\xc1garbage", b"", b"\x94" * 40, struct.pack(">I", 7) * 9, b"{"):
                asker.send(body)
                assert b"rror" in asker.recv(), name
            asker.close()
    finally:
        context.term()
    story.ctl("ping", check=0)


def a_reader_that_goes_does_not_end_a_capture(story):
    take, frames = story.recording(seconds=2)
    story.start("--file", take, "--ring-ms", "10000", pace="real")
    client = subprocess.Popen(
        [GARDENCTL, "--connection", story.path("run/connection.json"), "capture", "--store",
         story.store, "--chunks", "8", "--manifest-file", story.path("manifest")],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    client.stdout.readline()
    client.stdout.close()
    err = client.stderr.read()
    # What it told was not heard, so it did not do all that it was asked for.
    assert client.wait(PATIENCE) == 1 and "standard output" in err, (client.returncode, err)
    client.stderr.close()
    with open(story.path("manifest"), encoding="utf-8") as file:
        found = story.verify(file.read().strip(), take)
    assert found["ok"] and found["captured"] == frames, found


def closed_and_full_outputs_are_borne(story):
    take, _ = story.recording()
    story.start("--file", take)
    words = [GARDENCTL, "--connection", story.path("run/connection.json"), "status"]
    for closed in ((1,), (0, 1), (0, 1, 2)):
        done = subprocess.run(words, check=False, timeout=PATIENCE,
                              preexec_fn=lambda numbers=closed: [os.close(n) for n in numbers])
        assert done.returncode == 1, (closed, done)  # what was asked for reached nobody
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1 and "standard output" in one_line(done.stderr), done


def wrong_words_are_told(story):
    for words, word in ((["frobnicate"], "frobnicate"), (["capture"], "--store"),
                        (["verify", "--store", story.store, "12"], "hash"), ([], "command"),
                        (["--timeout", "-1", "ping"], "--timeout")):
        done = subprocess.run([GARDENCTL, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and word in done.stderr, (words, done)
    assert subprocess.run([GARDEND, "--frobnicate"], capture_output=True,
                          check=False).returncode == 2
    for program in (GARDEND, GARDENCTL):
        for option in ("--help", "--version"):
            done = subprocess.run([program, option], capture_output=True, text=True, check=False)
            assert done.returncode == 0 and done.stdout, (program, option)
    done = story.ctl("--timeout", "300", "ping")
    assert done.returncode == 3 and "gardend" in done.stderr or "daemon" in done.stderr, done


def tests_of(names):
    return [value for value in names.values()
            if callable(value) and getattr(value, "__code__", None) is not None
            and value.__code__.co_varnames[:1] == ("story",) and value.__code__.co_argcount == 1]


def run_all(tests):
    wanted = sys.argv[1:]
    tests = [test for test in tests if not wanted or test.__name__ in wanted]
    if wanted and len(tests) < len(wanted):
        sys.exit(f"not all of these are names of tests: {' '.join(wanted)}")
    print(f"1..{len(tests)}")
    failed = 0
    for number, test in enumerate(tests, 1):
        story = Story()
        begun = time.monotonic()
        name = test.__name__.replace("_", " ")
        try:
            skipped = test(story)
            print(f"ok {number} - {name}" + (f" # SKIP {skipped}" if skipped else ""), flush=True)
        except Exception as error:  # whatever it is, the other tests still run
            failed += 1
            print(f"not ok {number} - {name}\n# {type(error).__name__}: {error}", flush=True)
        finally:
            story.close()
        print(f"# {time.monotonic() - begun:.1f} s", flush=True)
    return failed > 0


if __name__ == "__main__":
    sys.exit(run_all(tests_of(globals())))
