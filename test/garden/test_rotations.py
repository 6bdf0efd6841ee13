#!/usr/bin/python3
"""Captures of a real gardend by a real gardenctl, with somebody between them who loses, doubles, holds and reorders
their messages, or breaks what lies in the staging folder: G01 to G08. Whatever happens, every frame that the source
offered is in the recording, octet by octet, or in a gap of it. Reports in TAP.
"""
import glob
import json
import os
import signal
import subprocess
import sys
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import recordings  # noqa: E402
import tap  # noqa: E402
from pygarden import wire  # noqa: E402
from pygarden.tamper import Tamper  # noqa: E402
from test_story import GARDENCTL, PATIENCE, Story  # noqa: E402

URI = "stream://default/main"
FRAMES, CHUNK_FRAMES = 48000, 3000  # a second, in 16 chunks
FEW = 6 * CHUNK_FRAMES  # where each chunk costs the client a second of waiting
CONTENT = recordings.Counter("s32_le", 2)
CHUNK = CHUNK_FRAMES * CONTENT.frame_size


def let_be(passing):
    return [passing.frames]


class Rotations(Story):
    """A daemon, somebody in the middle, and a client that captures."""

    def begin(self, rule=let_be, frames=FRAMES, ring_ms=10000):
        _, ready = self.start("--source", f"counter:2,48000,{frames}", "--ring-ms", str(ring_ms), pace="real")
        assert ready
        self.between = Tamper(os.path.join(self.path("run"), "connection.json"), self.path("front"), rule)

    def client(self, *words, chunk=CHUNK):
        client = subprocess.Popen(
            [GARDENCTL, "--timeout", str(PATIENCE * 500), "--connection", os.path.join(self.path("front"), "connection.json"),
             "--json", "capture", "--store",
             self.store, *(["--chunk-bytes", str(chunk)] if chunk else []), *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.daemons.append(client)  # so that it is ended, whatever comes
        return client

    def finish(self, client):
        """What the client tells of a capture that went to its end."""
        out, err = client.communicate(timeout=PATIENCE)
        assert not self.between.failed, self.between.failed
        assert client.returncode in (0, 5), (client.returncode, out, err)
        return json.loads(out)

    def streams(self):
        return json.loads(self.ctl("--json", "status", check=0).stdout)["streams"]

    def until_objects(self, count):
        end = time.monotonic() + PATIENCE
        while len(glob.glob(os.path.join(self.store, "objects", "*", "*"))) < count:
            assert time.monotonic() < end and not self.between.failed, self.between.failed
            time.sleep(0.02)

    def manifest(self):
        """The only one, which verifies and holds what it should. Returns it, captured and lost."""
        found = recordings.manifests_of(self.store, URI)
        assert len(found) == 1, found
        self.ctl("verify", "--store", self.store, found[0], check=0)
        manifest = recordings.read_manifest(self.store, found[0])
        return manifest, *recordings.check(self.store, manifest, CONTENT)

    def nothing_is_left(self):
        left = os.listdir(os.path.join(self.store, "staging"))
        assert not left, left

    def whole(self, client, frames=FRAMES, chunk_frames=CHUNK_FRAMES):
        """Nothing lost, no chunk sealed twice: each but the last is full, and no two are alike."""
        done = self.finish(client)
        manifest, captured, lost = self.manifest()
        assert (captured, lost) == (frames, 0) and (done["captured"], done["lost"]) == (frames, 0), (captured, lost, done)
        hashes = [chunk["hash"] for chunk in manifest["chunks"]]
        assert len(set(hashes)) == len(hashes) == -(-frames // chunk_frames), manifest["chunks"]
        assert all(chunk["sample_count"] == chunk_frames for chunk in manifest["chunks"][:-1]), manifest["chunks"]
        self.nothing_is_left()
        return manifest

    def close(self):
        if hasattr(self, "between"):
            self.between.close()
        super().close()


def manifests(place):
    there = os.path.isdir(os.path.join(place.store, "metadata"))
    return recordings.manifests_of(place.store, URI) if there else []


def counted(counts, key):
    counts[key] = counts.get(key, 0) + 1
    return counts[key]


def is_full(passing):
    return passing.way == "event" and passing.name == "StreamChunkFull"


def is_switch(passing):
    return passing.way == "ask" and passing.name == "StreamSwitchChunk"


def under_another_id(octets):
    message, form, dialect = wire.decode(octets)
    message["header"]["msg_id"] = uuid.uuid4()
    return wire.encode(message, form, dialect)


# ---- ChunkFull

def g01_a_lost_chunk_full_comes_again_until_it_is_answered(place):
    heard = {}

    def rule(passing):
        return [] if is_full(passing) and counted(heard, passing.fields["path"]) <= 2 else [passing.frames]

    place.begin(rule)
    place.whole(place.client())
    assert len(heard) >= FRAMES // CHUNK_FRAMES - 1 and max(heard.values()) >= 3, heard


def g02_a_duplicate_chunk_full_seals_nothing_twice(place):
    """Three times each, and once more when the next one comes."""
    before, passed = [], {}

    def rule(passing):
        if not is_full(passing):
            return [passing.frames]
        counted(passed, passing.fields["path"])
        going = [passing.frames] * 3 + before[-2:]
        before.append(passing.frames)
        return going

    place.begin(rule)
    place.whole(place.client())
    assert len(passed) >= FRAMES // CHUNK_FRAMES - 1, passed


def g03_a_buffer_across_the_boundary_is_in_both_chunks(place):
    """Chunks of 1009 frames, which no buffer's size divides, and 7 octets that are no frame."""
    place.begin(frames=20000)
    done = place.finish(place.client(chunk=1009 * CONTENT.frame_size + 7))
    manifest, captured, lost = place.manifest()
    assert (captured, lost, done["captured"]) == (20000, 0, 20000), (captured, lost, done)
    sizes = [chunk["sample_count"] for chunk in manifest["chunks"]]
    assert sizes == [1009] * 19 + [20000 - 19 * 1009], sizes
    assert [chunk["first_sample"] for chunk in manifest["chunks"]] == [1009 * number for number in range(20)], manifest
    place.nothing_is_left()


# ---- The standby chunk

def g04_without_a_standby_chunk_what_is_lost_is_told_at_its_place(place):
    """No chunk comes for 300 ms, and the ring holds 50."""
    told, since = [], []

    def rule(passing):
        if passing.way == "event" and passing.name == "StreamError":
            told.append(passing.fields)
        if is_switch(passing):
            since.append(time.monotonic())
            return [] if time.monotonic() - since[0] < 0.3 else [passing.frames]
        return [passing.frames]

    place.begin(rule, ring_ms=50)
    done = place.finish(place.client())
    manifest, captured, lost = place.manifest()
    assert lost > 0 and captured + lost == FRAMES, (captured, lost)
    assert (done["captured"], done["lost"]) == (captured, lost), done
    assert manifest["gaps"] and all(each["recoverable"] for each in told), (manifest["gaps"], told)
    for gap in manifest["gaps"]:
        words = f"{gap['sample_count']} frames from {gap['first_sample']} are missing"
        assert any(words in each["error"] for each in told), (words, told)
    place.nothing_is_left()


def g04_a_late_standby_chunk_costs_nothing_while_the_ring_holds(place):
    """Each is 100 ms late, and a chunk lasts 63."""
    held = {}

    def rule(passing):
        if not is_switch(passing):
            return [passing.frames]
        counted(held, passing.fields["new_chunk_path"])
        return [(0.1, passing.frames)]

    place.begin(rule)
    place.whole(place.client())
    assert len(held) >= FRAMES // CHUNK_FRAMES - 1, held


def g04_a_standby_chunk_that_cannot_be_opened_is_staged_again(place):
    """One is a link when the daemon comes to it, one a pipe, and one is not there. Each costs the client two seconds
    of waiting."""
    broken, refused = [], []
    breaks = [lambda path: os.symlink("/etc/passwd", path), os.mkfifo, lambda path: None]

    def rule(passing):
        if is_switch(passing):
            path = passing.fields["new_chunk_path"]
            full = os.path.join(place.store, "staging", os.path.basename(path))
            if path not in broken and len(broken) < 3 and os.path.isfile(full):
                os.unlink(full)
                breaks[len(broken)](full)
                broken.append(path)
        if passing.way == "reply" and passing.asked == "StreamSwitchChunk" and passing.name == "Error":
            refused.append(passing.fields)
        return [passing.frames]

    place.begin(rule, frames=7 * FRAMES)
    place.whole(place.client(chunk=FRAMES * CONTENT.frame_size), 7 * FRAMES, FRAMES)
    assert len(broken) == 3 and len(refused) >= 3, (broken, refused)


# ---- SwitchChunk

def g05_a_lost_switch_is_asked_for_again(place):
    """Three are lost while the source plays: once it is over, what the ring holds is waited for two seconds only."""
    asked, lost = {}, []

    def rule(passing):
        if is_switch(passing):
            path = passing.fields["new_chunk_path"]
            if counted(asked, path) == 1 and len(lost) < 3:
                lost.append(path)
                return []
        return [passing.frames]

    place.begin(rule, frames=6 * FRAMES)
    place.whole(place.client(), 6 * FRAMES)
    assert len(lost) == 3 and all(asked[path] >= 2 for path in lost), (asked, lost)
    assert len(asked) >= 6 * FRAMES // CHUNK_FRAMES - 1, asked


def g05_a_switch_whose_reply_is_lost_is_made_once(place):
    """The first reply to each is lost; the second is from the daemon's record."""
    lost = {}

    def rule(passing):
        if passing.way != "reply" or passing.asked != "StreamSwitchChunk":
            return [passing.frames]
        return [] if counted(lost, passing.parent) == 1 else [passing.frames]

    place.begin(rule, frames=FEW)
    place.whole(place.client(), FEW)
    assert len(lost) >= FEW // CHUNK_FRAMES - 1, lost


def g05_switches_doubled_and_reordered_seal_nothing_twice(place):
    """Each goes three times, with those of earlier chunks behind it: the older the request, the later it comes. One of
    the three, and of the old ones each, has a msg_id of its own, so that no record of answers knows it."""
    before = []

    def rule(passing):
        if not is_switch(passing):
            return [passing.frames]
        anew = [*passing.frames[:-1], under_another_id(passing.frames[-1])]
        going = [passing.frames, anew, passing.frames, *before[:-4:-1]]
        before.append([*passing.frames[:-1], under_another_id(passing.frames[-1])])
        return going

    place.begin(rule)
    place.whole(place.client())
    assert len(before) >= FRAMES // CHUNK_FRAMES - 1, len(before)


# ---- The end

def stopped_amid_a_rotation(place, order):
    """The client is told to stop when the fifth chunk is full; |order| says what goes on of its switch."""
    full, state = {}, {"held": [], "stopped": False}

    def rule(passing):
        if is_full(passing) and counted(full, passing.fields["path"]) == 1 and len(full) == 5:
            state["stopped"] = True
            client.send_signal(signal.SIGINT)
        if state["stopped"] and is_switch(passing):
            return order(state, passing)
        if passing.way == "ask" and passing.name == "StreamStop":
            return [passing.frames, *state.pop("held", [])]
        return [passing.frames]

    place.begin(rule, frames=480000)
    client = place.client()
    done = place.finish(client)
    _, captured, lost = place.manifest()
    assert lost == 0 and done["captured"] == captured >= 5 * CHUNK_FRAMES, (done, captured, lost)
    totals = place.streams()[0]["totals"]
    assert (totals["offered"], totals["captured"]) == (captured, captured), totals
    place.nothing_is_left()


def g06_a_stop_before_the_switch_that_a_full_chunk_asked_for(place):
    def hold(state, passing):
        if "held" not in state:
            return [passing.frames]
        state["held"].append(passing.frames)
        return []

    stopped_amid_a_rotation(place, hold)


def g06_a_stop_right_behind_the_switch(place):
    stopped_amid_a_rotation(place, lambda state, passing: [passing.frames, passing.frames])


def g06_a_stop_while_the_chunk_full_is_lost(place):
    """Nobody hears that the fifth is full; the client stops all the same, and it is sealed once."""
    full, lost = {}, []

    def rule(passing):
        if not is_full(passing):
            return [passing.frames]
        counted(full, passing.fields["path"])
        if len(full) < 5:
            return [passing.frames]
        if not lost:
            client.send_signal(signal.SIGINT)
        lost.append(passing.fields["path"])
        return []

    place.begin(rule, frames=480000)
    client = place.client()
    done = place.finish(client)
    _, captured, gone = place.manifest()
    # What no chunk came for in time once it was stopped, on a slow machine, is counted.
    assert (done["captured"], done["lost"]) == (captured, gone) and captured >= 5 * CHUNK_FRAMES and lost, (done, captured, gone)
    totals = place.streams()[0]["totals"]
    assert (totals["offered"], totals["captured"]) == (captured + gone, captured), totals
    place.nothing_is_left()


def g06_one_wish_to_stop_that_comes_as_two_signals_is_one(place):
    """As timeout(1) sends them. Taken for two, the second would seal the last chunk without the daemon's word."""
    place.begin(frames=480000)
    client = place.client()
    place.until_objects(4)
    for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
        client.send_signal(number)
    done = place.finish(client)
    assert client.returncode == 0, (client.returncode, done)
    _, captured, lost = place.manifest()
    assert lost == 0 and done["captured"] == captured > 0, (done, captured, lost)
    place.nothing_is_left()


# ---- Starting and stopping when the other side does not play along

def g07_a_refused_start_leaves_nothing_behind(place):
    """By the client itself, and by the daemon: somebody else has a stream of that name."""
    place.begin()
    for words in (["--uri", "x" * 5000], ["--chunk-bytes", "4"], ["--device", "nobody"]):
        client = place.client(*words)
        out, err = client.communicate(timeout=PATIENCE)
        assert client.returncode not in (0, 5) and err.strip(), (words, client.returncode, out, err)
        place.nothing_is_left()
        assert not place.streams() and not manifests(place), words
    other = os.path.join(place.store, "staging", "other")
    with open(other, "wb"):
        pass
    definition = {"device_identity": "default", "chunk_size_bytes": 1 << 20, "format":
                  {"Audio": {"sample_rate": 48000, "channels": 2, "sample_format": "S32Le"}}}
    place.ctl("stream-start", URI, json.dumps(definition), other, check=0)
    client = place.client()
    out, err = client.communicate(timeout=PATIENCE)
    assert client.returncode not in (0, 5) and "already" in err, (client.returncode, out, err)
    assert os.listdir(os.path.join(place.store, "staging")) == ["other"]
    assert len(place.streams()) == 1 and not manifests(place), place.streams()
    place.ctl("stream-stop", URI, check=0)
    os.unlink(other)
    place.whole(place.client(), FRAMES)  # and the name is free again


def g07_a_start_of_a_daemon_that_is_gone_leaves_nothing_behind(place):
    """It dies before the first request reaches it; the client waits for it, until it is told to stop."""
    def rule(passing):
        if passing.way == "ask" and passing.name == "StreamStart":
            place.daemons[0].kill()
            return []
        return [passing.frames]

    place.begin(rule)
    client = place.client()
    place.daemons[0].wait(PATIENCE)
    time.sleep(0.2)
    client.send_signal(signal.SIGINT)
    client.communicate(timeout=PATIENCE)
    assert client.returncode != 0, client.returncode
    place.nothing_is_left()
    assert not any(recordings.read_manifest(place.store, each)["chunks"] for each in manifests(place))
    _, ready = place.start("--source", f"counter:2,48000,{FRAMES}", pace="real")
    assert ready and not place.streams()


def g07_a_start_whose_reply_is_lost_is_one_stream(place):
    """The client asks again, and is told of the stream that it has."""
    lost = []

    def rule(passing):
        if passing.way == "reply" and passing.asked == "StreamStart" and len(lost) < 2:
            lost.append(passing.name)
            return []
        return [passing.frames]

    place.begin(rule)
    place.whole(place.client())
    assert lost == ["Ok", "Ok"] and len(place.streams()) == 1, (lost, place.streams())


def g08_a_stop_with_the_daemon_dead_seals_what_was_written(place):
    place.begin(frames=480000)
    client = place.client()
    place.until_objects(4)
    place.daemons[0].kill()
    place.daemons[0].wait()
    time.sleep(0.2)  # the client may be sealing
    client.send_signal(signal.SIGINT)
    done = place.finish(client)
    _, captured, lost = place.manifest()
    assert done["captured"] == captured > 0 and lost == done["lost"], (done, captured, lost)
    place.nothing_is_left()


def g08_a_daemon_that_hangs_for_longer_than_the_patience_is_taken_up_again(place):
    """Its recording does not count as ended: what it still writes belongs to it. It goes on for as long as this takes."""
    place.begin(frames=600 * FRAMES)
    client = place.client("--patience", "200ms")
    place.until_objects(3)
    with tap.halted(place.daemons[0]):
        out, err = client.communicate(timeout=PATIENCE)
        assert client.returncode == 1 and "has not ended" in err and "--resume" in err, (client.returncode, out, err)
    sealed = len(glob.glob(os.path.join(place.store, "objects", "*", "*")))
    resumed = place.client("--resume", chunk=None)
    place.until_objects(sealed + 3)
    resumed.send_signal(signal.SIGINT)
    done = place.finish(resumed)
    manifest, captured, lost = place.manifest()
    assert manifest["complete"] and (captured, lost) == (done["captured"], done["lost"]), (captured, lost, done)
    assert captured > (sealed + 2) * CHUNK_FRAMES, (captured, sealed)
    place.nothing_is_left()


def g10_a_store_that_is_moved_away_ends_the_capture(place):
    """It says so, and what was captured is whole where the store is now."""
    place.begin(frames=60 * 48000)
    client = place.client()
    place.until_objects(4)
    os.rename(place.store, place.store + ".moved")
    out, err = client.communicate(timeout=PATIENCE)
    assert client.returncode == 5 and "moved away" in err and "stays away" in err, (client.returncode, out, err)
    done = json.loads(out)
    assert done["broken"] and done["complete"], done
    os.rename(place.store + ".moved", place.store)
    _, captured, lost = place.manifest()
    assert (captured, lost) == (done["captured"], done["lost"]), (captured, lost, done)
    place.nothing_is_left()


tap.run([
    g01_a_lost_chunk_full_comes_again_until_it_is_answered,
    g02_a_duplicate_chunk_full_seals_nothing_twice,
    g03_a_buffer_across_the_boundary_is_in_both_chunks,
    g04_without_a_standby_chunk_what_is_lost_is_told_at_its_place,
    g04_a_late_standby_chunk_costs_nothing_while_the_ring_holds,
    g04_a_standby_chunk_that_cannot_be_opened_is_staged_again,
    g05_a_lost_switch_is_asked_for_again,
    g05_a_switch_whose_reply_is_lost_is_made_once,
    g05_switches_doubled_and_reordered_seal_nothing_twice,
    g06_a_stop_before_the_switch_that_a_full_chunk_asked_for,
    g06_a_stop_right_behind_the_switch,
    g06_a_stop_while_the_chunk_full_is_lost,
    g06_one_wish_to_stop_that_comes_as_two_signals_is_one,
    g07_a_refused_start_leaves_nothing_behind,
    g07_a_start_of_a_daemon_that_is_gone_leaves_nothing_behind,
    g07_a_start_whose_reply_is_lost_is_one_stream,
    g08_a_stop_with_the_daemon_dead_seals_what_was_written,
    g08_a_daemon_that_hangs_for_longer_than_the_patience_is_taken_up_again,
    g10_a_store_that_is_moved_away_ends_the_capture,
], Rotations)
