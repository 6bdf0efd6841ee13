#!/usr/bin/python3
"""What is left of a recording whose two sides were killed, and which was then damaged, becomes a manifest.

One recording is made and killed; each test damages a copy of its store, runs gardenctl capture --recover, and
compares what came out with what lay in files. Reports in TAP.
"""
import json
import os
import signal
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import recordings  # pylint: disable=wrong-import-position
from test_kills import URI, Kill, KINDS  # pylint: disable=wrong-import-position
from test_story import run_all, tests_of  # pylint: disable=wrong-import-position

RECORDINGS = {}


def killed(kind, step):
    """A store in which a client was killed at |step| and the daemon after it, made once."""
    if (kind, step) not in RECORDINGS:
        maker = Kill()
        maker.begin(kind)
        client = maker.capture(dies=step)
        client.communicate(timeout=60)
        assert client.returncode == -signal.SIGKILL
        maker.daemons[0].kill()
        maker.daemons[0].wait()
        RECORDINGS[kind, step] = maker
    return RECORDINGS[kind, step]


class Damaged(Kill):
    def __init__(self, kind="audio", step="recording.announced:5"):
        super().__init__()
        self.content = KINDS[kind][3]
        subprocess.run(["rm", "-rf", self.store], check=True)
        subprocess.run(["cp", "-a", killed(kind, step).store, self.store], check=True)  # with its hard links
        self.before = self.written()
        run = [name for name in os.listdir(os.path.join(self.store, "staging")) if name.endswith(".journal")]
        self.run = run[0].removesuffix(".journal")
        self.journal = os.path.join(self.store, "staging", run[0])
        self.saved = os.path.join(self.store, "recordings", self.run + ".json")

    def staged(self):
        staging = os.path.join(self.store, "staging")
        names = [name for name in os.listdir(staging) if name.rsplit(".", 1)[-1].isdigit()]
        return [os.path.join(staging, name) for name in sorted(names, key=lambda name: int(name.split(".")[1]))]

    def recover(self, words=None):
        done = self.ctl("capture", "--recover", "--store", self.store)
        assert done.returncode == 5 and "did not confirm the end" in done.stdout, (done.stdout, done.stderr)
        if words is not None:
            assert words in done.stderr, done.stderr
        self.nothing_is_left()
        assert not os.listdir(os.path.join(self.store, "recordings"))
        assert "nothing was left" in self.ctl("capture", "--recover", "--store", self.store, check=0).stdout
        return self.manifest()

    def records(self):
        """Where each record of the journal begins and ends, and its type."""
        with open(self.journal, "rb") as file:
            octets = file.read()
        at = 8
        while at < len(octets):
            size, kind = struct.unpack_from("<II", octets, at)
            yield at, at + 16 + size, kind
            at += 16 + size

    def flip(self, at):
        with open(self.journal, "r+b") as file:
            file.seek(at)
            octet = file.read(1)[0]
            file.seek(at)
            file.write(bytes([octet ^ 0x10]))


def with_each(make, damage):
    for step in ("recording.announced:5", "journal.appended:9", "seal.linked:4"):
        for kind in KINDS:
            damaged = Damaged(kind, step)
            try:
                damage(damaged)
            finally:
                damaged.close()
    make.close()


def an_undamaged_recording_is_recovered_whole(story):
    def check(damaged):
        _, captured, _ = damaged.recover()
        assert captured == damaged.before, (captured, damaged.before)
    with_each(story, check)


def a_journal_damaged_at_any_record_costs_no_frame(story):
    count = sum(1 for _ in Damaged().records())
    for index in range(count):
        damaged = Damaged()
        begin, end, kind = list(damaged.records())[index]
        damaged.flip((begin + end) // 2)
        _, captured, lost = damaged.recover("" if index == count - 1 else "damaged")
        assert captured == damaged.before and lost == 0, (index, kind, captured, lost, damaged.before)
        damaged.close()
    story.close()


def a_journal_cut_behind_any_record_costs_no_frame(story):
    step = "seal.synced:2"  # the daemon has filled all chunks that there are, and none is an object
    for index, (_, end, kind) in enumerate(Damaged("audio", step).records()):
        damaged = Damaged("audio", step)
        os.truncate(damaged.journal, end)
        _, captured, lost = damaged.recover()
        assert captured == damaged.before and lost == 0, (index, kind, captured, lost, damaged.before)
        damaged.close()
    story.close()


def a_journal_that_is_gone_or_no_journal_costs_no_frame(story):
    def gone(damaged):
        os.unlink(damaged.journal)
        _, captured, _ = damaged.recover()
        assert captured == damaged.before, (captured, damaged.before)

    def zeros(damaged):
        with open(damaged.journal, "r+b") as file:
            file.write(bytes(os.path.getsize(damaged.journal)))
        _, captured, _ = damaged.recover("is none")
        assert captured == damaged.before, (captured, damaged.before)
    with_each(story, gone)
    with_each(story, zeros)


def staging_that_is_removed_leaves_the_sealed_chunks(story):
    damaged = Damaged()
    with open(damaged.saved, encoding="utf-8") as file:
        sealed = json.load(file)
    subprocess.run(f"rm -rf '{damaged.store}/staging'", shell=True, check=True)
    manifest, captured, _ = damaged.recover()
    assert manifest["chunks"] == sealed["chunks"] and captured == sealed["total_samples"] > 0
    assert not manifest["complete"]
    damaged.close()
    story.close()


def a_live_manifest_that_is_gone_is_made_from_the_journal(story):
    def check(damaged):
        os.unlink(damaged.saved)
        _, captured, _ = damaged.recover()
        assert captured == damaged.before, (captured, damaged.before)
    with_each(story, check)


def a_chunk_replaced_by_a_link_a_pipe_or_a_folder_is_lost_and_the_rest_is_not(story):
    def link(path):
        os.symlink("/etc/passwd", path)
    for put in (link, os.mkfifo):
        damaged = Damaged("audio", "journal.append:20")
        # One that is no object yet: an object would only have to be named again.
        victim = [path for path in damaged.staged() if os.path.getsize(path) > 0 and os.stat(path).st_nlink == 1][0]
        frames = os.path.getsize(victim) // damaged.content.frame_size
        os.unlink(victim)
        put(victim)
        done = damaged.ctl("capture", "--recover", "--store", damaged.store)
        assert done.returncode in (0, 5) and "1 chunk is lost" in done.stderr, (done.stdout, done.stderr)
        damaged.nothing_is_left()
        found = recordings.manifests_of(damaged.store, URI)
        damaged.ctl("verify", "--store", damaged.store, *found, check=0)
        manifest = recordings.read_manifest(damaged.store, found[0])
        assert manifest["total_samples"] == damaged.before - frames, (manifest["total_samples"], damaged.before, frames)
        damaged.close()
    assert os.path.getsize("/etc/passwd") > 0
    story.close()


def nothing_to_read_is_told_and_left_alone(story):
    damaged = Damaged()
    os.unlink(damaged.saved)
    with open(damaged.journal, "r+b") as file:
        file.write(bytes(os.path.getsize(damaged.journal)))
    done = damaged.ctl("capture", "--recover", "--store", damaged.store, check=1)
    assert "neither its journal nor its live manifest" in done.stderr, done.stderr
    assert damaged.staged()
    damaged.close()
    story.close()


if __name__ == "__main__":
    result = run_all(tests_of(globals()))
    for made in RECORDINGS.values():
        made.close()
    sys.exit(result)
