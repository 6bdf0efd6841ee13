#!/usr/bin/python3
"""G09: each side is killed at each named step of a capture, and what was written is recovered.

A row of the tables is a step of the code (garden__step) and how often it is passed before the process dies
there, by GARDEN_DIE_AT. A client that died goes on with --resume: at the end every frame that was offered is
captured or in a gap. For a daemon that died its client seals what was written: exactly the frames that lay
in files when it died. Both sides at once is the third table. Reports in TAP.
"""
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import recordings  # pylint: disable=wrong-import-position
import tap  # pylint: disable=wrong-import-position
from pygarden.preload import Preload  # pylint: disable=wrong-import-position
from test_story import GARDENCTL, GARDEND, PATIENCE, Story  # pylint: disable=wrong-import-position

CLIENT = ["stage.made", "stage.synced", "journal.append", "journal.appended", "seal.synced", "seal.hashed", "seal.linked",
          "seal.described", "recording.object", "manifest.written", "manifest.renamed", "recording.announced",
          "recording.unstaged"]
CLIENT_END = ["recording.manifest", "recording.done", "recording.gone"]
DAEMON = ["chunk.opened", "chunk.write", "chunk.written", "chunk.full", "chunk.cut", "chunk.protected", "chunk.closed",
          "stream.full", "stream.told", "stream.switched"]
DAEMON_START = ["stream.started"]
DAEMON_END = ["stream.stopped"]
KINDS = {"audio": ("counter:2,48000,{}", 36000, 19200, recordings.Counter("s32_le", 2)),
         "midi": ("midi-counter:60000,{}", 10000, 3000, recordings.MidiCounter())}
URI = "stream://default/main"


WORKERS = 3  # tests at a time; most of each is waiting


def dying(step):
    """The environment of a process that is to die at |step|, a name and how often it is come to."""
    env = {name: value for name, value in os.environ.items() if name != "GARDEN_DIE_AT"}
    return env | {"GARDEN_DIE_AT": step} if step else env


class Kill(Story):
    def begin(self, kind, daemon_dies=None, ring_ms=10000, times=1):
        source, frames, self.chunk, self.content = KINDS[kind]
        self.env = dying(daemon_dies)
        _, ready = self.start("--source", source.format(times * frames), "--ring-ms", str(ring_ms), pace="real")
        assert ready

    def client(self, *words, dies=None):
        client = subprocess.Popen(
            [GARDENCTL, "--connection", os.path.join(self.path("run"), "connection.json"), "--json", "capture",
             "--store", self.store, *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dying(dies))
        self.daemons.append(client)  # so that it is ended, whatever comes
        return client

    def capture(self, dies=None):
        return self.client("--chunk-bytes", str(self.chunk), dies=dies)

    def finish(self, client):
        out, err = client.communicate(timeout=PATIENCE)
        assert client.returncode in (0, 5), (client.returncode, out, err)
        return json.loads(out)

    def manifest(self):
        """The only one, which verifies and holds what it should. Returns it, captured and lost."""
        found = recordings.manifests_of(self.store, URI)
        assert len(found) == 1, found
        self.ctl("verify", "--store", self.store, found[0], check=0)
        manifest = recordings.read_manifest(self.store, found[0])
        return manifest, *recordings.check(self.store, manifest, self.content)

    def nothing_is_left(self):
        left = os.listdir(os.path.join(self.store, "staging"))
        assert not left, left

    def written(self):
        """Frames in files, whether sealed or not: a file with two names counts once."""
        files = {}
        staging = os.path.join(self.store, "staging")
        for name in os.listdir(staging):
            if name.rsplit(".", 1)[-1].isdigit():
                status = os.stat(os.path.join(staging, name))
                files[status.st_ino] = status.st_size
        for folder, _, names in os.walk(os.path.join(self.store, "objects")):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    if file.read(1) != b"{":  # no definition, no manifest: those of both sources begin otherwise
                        status = os.stat(path)
                        files[status.st_ino] = status.st_size
        return sum(files.values()) // self.content.frame_size


def later(step, count):
    """So often is the step passed when about |count| chunks are: a chunk is written in many pieces."""
    return 12 * count if step in ("chunk.write", "chunk.written") else count


def kill_client(kind, step, count):
    def test(story):
        story.begin(kind)
        client = story.capture(dies=f"{step}:{count}")
        client.communicate(timeout=PATIENCE)
        assert client.returncode == -signal.SIGKILL, client.returncode
        if not [name for name in os.listdir(os.path.join(story.store, "staging")) if name.endswith(".journal")]:
            assert step == "recording.gone" or count == 1, "the journal is gone"
            if step == "recording.gone":  # all was done
                story.manifest()
            return
        done = story.finish(story.client("--resume"))
        _, captured, lost = story.manifest()
        assert done["captured"] == captured and done["lost"] == lost, done
        status = json.loads(story.ctl("--json", "status", check=0).stdout)["streams"]
        if status:  # else it had not been started yet when the client died, and was when it came back
            totals = status[0]["totals"]
            assert (totals["offered"], totals["captured"]) == (captured + lost, captured), (totals, captured, lost)
        assert lost == 0, "the ring is large enough for all of it"
        story.nothing_is_left()
    test.__name__ = f"g09_a_{kind}_client_killed_at_{step}_{count}_goes_on"
    return test


def kill_daemon(kind, step, count):
    def test(story):
        story.begin(kind, daemon_dies=f"{step}:{count}")
        client = story.capture()
        status = story.daemons[0].wait(PATIENCE)
        assert status == -signal.SIGKILL, status
        with tap.halted(client):
            written = story.written()
        client.send_signal(signal.SIGINT)  # else it would wait for the daemon's return
        out, err = client.communicate(timeout=PATIENCE)
        if written == 0 and client.returncode != 0 and not recordings.manifests_of(story.store, URI):
            story.nothing_is_left()
            return
        assert client.returncode in (0, 5), (client.returncode, out, err)
        _, captured, _ = story.manifest()
        assert captured == written, (captured, written)
        story.nothing_is_left()
    test.__name__ = f"g09_a_{kind}_daemon_killed_at_{step}_{count}_leaves_what_it_wrote"
    return test


def kill_both(kind, client_step, daemon_step, count):
    def test(story):
        story.begin(kind, daemon_dies=f"{daemon_step}:{later(daemon_step, count + 3)}")
        client = story.capture(dies=f"{client_step}:{count}")
        client.communicate(timeout=PATIENCE)
        assert client.returncode == -signal.SIGKILL, client.returncode
        try:
            story.daemons[0].wait(3)
        except subprocess.TimeoutExpired:
            story.daemons[0].kill()  # it starved before it came there
            story.daemons[0].wait(PATIENCE)
        written = story.written()
        story.ctl("capture", "--recover", "--store", story.store)
        _, captured, _ = story.manifest()
        assert captured == written, (captured, written)
        story.nothing_is_left()
    test.__name__ = f"g09_{kind}_both_killed_at_{client_step}_and_{daemon_step}_{count}_lose_nothing_written"
    return test


def lose(story, until):
    """Frames are lost amid a chunk, again and again, until that has an effect."""
    daemon, end = story.daemons[0], time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < end, "no frame is lost"
        if story.written() > 0:
            with tap.halted(daemon):
                time.sleep(0.2)
        time.sleep(0.05)
    return end


def die_where_a_gap_is_noted(step, count):
    """Before the note, nothing is written behind the gap; after it, whoever finds the chunk knows of the gap."""
    def test(story):
        story.begin("audio", daemon_dies=f"{step}:{count}", ring_ms=50, times=100)
        story.chunk = 1 << 26
        client, daemon = story.capture(), story.daemons[0]
        lose(story, lambda: daemon.poll() is not None)
        written = story.written()
        client.send_signal(signal.SIGINT)
        story.finish(client)
        _, captured, lost = story.manifest()
        assert captured == written and (lost > 0) == (count > 1), (captured, written, lost)
        story.nothing_is_left()
    test.__name__ = f"g09_a_daemon_killed_at_{step}_{count}_misplaces_nothing"
    return test


def heard(pipe):
    """What is in it now."""
    os.set_blocking(pipe.fileno(), False)
    try:
        return os.read(pipe.fileno(), 65536).decode()
    except BlockingIOError:
        return ""
    finally:
        os.set_blocking(pipe.fileno(), True)


def lose_without_a_note(goes_on):
    """There is no descriptor for the note: what lies behind the gap waits, and is counted, until there is one."""
    def test(story):
        story.begin("audio", ring_ms=50, times=100)
        story.chunk = 1 << 26
        client, daemon = story.capture(), story.daemons[0]
        end = time.monotonic() + PATIENCE
        while story.written() == 0:
            assert time.monotonic() < end
            time.sleep(0.05)
        _, most = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (3, most))
        lose(story, lambda: "raise the limit of open files" in heard(client.stderr))
        stuck = story.written()
        time.sleep(0.3)
        assert story.written() == stuck, "it was written all the same"
        if goes_on:
            resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (most, most))
            while story.written() == stuck:
                assert time.monotonic() < end + PATIENCE, "it does not go on"
                time.sleep(0.05)
        daemon.kill()
        daemon.wait(PATIENCE)
        written = story.written()
        client.send_signal(signal.SIGINT)
        story.finish(client)
        _, captured, lost = story.manifest()
        assert captured == written and (lost > 0) == goes_on, (captured, written, lost)
        story.nothing_is_left()
    test.__name__ = "g09_a_gap_that_cannot_be_noted_holds_up_what_is_behind_it" + ("_until_it_is" if goes_on else "")
    return test


def lose_and_kill_daemon(recovers):
    """What it lost amid a chunk, which nobody had heard of, it had noted beside the chunk."""
    def test(story):
        story.begin("audio", ring_ms=50, times=100)
        story.chunk = 1 << 26
        client, daemon = story.capture(), story.daemons[0]
        staging = os.path.join(story.store, "staging")
        end = lose(story, lambda: [name for name in os.listdir(staging) if name.endswith(".gaps")])
        if recovers:
            client.kill()
            client.communicate(timeout=PATIENCE)
        before = story.written()
        while story.written() == before:  # frames lie behind the gap
            assert time.monotonic() < end, "nothing is written any more"
        daemon.kill()
        daemon.wait(PATIENCE)
        written = story.written()
        if recovers:
            story.ctl("capture", "--recover", "--store", story.store)
        else:
            client.send_signal(signal.SIGINT)
            story.finish(client)
        _, captured, lost = story.manifest()
        assert captured == written and lost > 0, (captured, written, lost)
        story.nothing_is_left()
    test.__name__ = f"g09_a_daemon_killed_behind_a_gap_leaves_word_of_it_to_{'recover' if recovers else 'its_client'}"
    return test


def recover_after(jumps, boots):
    """The wall's clock jumps by so many seconds, and the machine starts so often, before somebody recovers."""
    def test(story):
        preload = Preload(story, WALL_AHEAD=0, BOOTS=0)
        story.begin("audio", times=100)
        client = story.capture()
        end = time.monotonic() + PATIENCE
        while not recordings_end(story):
            assert time.monotonic() < end
            time.sleep(0.02)
        client.kill()
        client.communicate(timeout=PATIENCE)
        story.daemons[0].kill()
        story.daemons[0].wait(PATIENCE)
        sealed = recordings_end(story)
        preload.write("WALL_AHEAD", jumps)
        preload.write("BOOTS", boots)
        done = subprocess.run([GARDENCTL, "capture", "--recover", "--store", story.store], env=preload.env, timeout=PATIENCE,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 5, done
        told = re.search(r"exact up to frame (\d+)", done.stderr)
        _, captured, _ = story.manifest()
        # What was sealed last may not be in the live manifest yet, which the journal is ahead of.
        assert sealed < captured and bool(told) == bool(boots), (done, sealed, captured)
        assert not told or sealed <= int(told[1]) < captured, (done, sealed, captured)
        story.nothing_is_left()
    test.__name__ = ("g09_a_recovery_after_a_power_failure_tells_how_much_is_exact" if boots else
                     f"g21_a_recovery_takes_no_clock_that_leapt_{'ahead' if jumps > 0 else 'back'}_for_a_power_failure")
    return test


def recordings_end(story):
    """The frames that the live manifest has."""
    folder = os.path.join(story.store, "recordings")
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        if name.endswith(".json"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                return json.load(file)["total_samples"]
    return 0


def table():
    yield recover_after(-86400, 1)
    yield recover_after(int(time.clock_gettime(time.CLOCK_BOOTTIME)) + 86400, 0)
    yield recover_after(-86400, 0)
    for kind in KINDS:
        for number, step in enumerate(CLIENT):
            yield kill_client(kind, step, 1 if kind == "audio" and number % 3 == 0 else 3)
            if kind == "audio":
                yield kill_client(kind, step, 6 + number % 2)
        for step in CLIENT_END:
            yield kill_client(kind, step, 1)
        for number, step in enumerate(DAEMON):
            yield kill_daemon(kind, step, 1 + number % 2)
            if kind == "audio":
                yield kill_daemon(kind, step, 5)
        for step in DAEMON_START + DAEMON_END:
            yield kill_daemon(kind, step, 1)
    for recovers in (False, True):
        yield lose_and_kill_daemon(recovers)
        yield lose_without_a_note(recovers)
        for step in ("chunk.note", "chunk.noted"):
            yield die_where_a_gap_is_noted(step, 1 + recovers)
    for number, step in enumerate(CLIENT):
        yield kill_both("audio" if number % 2 else "midi", step, DAEMON[number % len(DAEMON)], 4)


def run_one(test):
    story = Kill()
    try:
        test(story)
        return None
    except Exception as error:  # whatever it is, the other tests still run
        return error
    finally:
        story.close()


def main():
    tests = [test for test in table() if not sys.argv[1:] or test.__name__ in sys.argv[1:]]
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    with ThreadPoolExecutor(WORKERS) as workers:
        for number, (test, error) in enumerate(zip(tests, workers.map(run_one, tests)), 1):
            name = test.__name__.replace("_", " ")
            if isinstance(error, tap.Skipped):
                print(f"ok {number} - {name} # SKIP {error}", flush=True)
                continue
            failed += error is not None
            print(f"not ok {number} - {name}\n# {type(error).__name__}: {error}" if error else f"ok {number} - {name}",
                  flush=True)
    return failed > 0


if __name__ == "__main__":
    assert os.path.exists(GARDEND)
    sys.exit(main())
