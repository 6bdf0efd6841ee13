#!/usr/bin/python3
"""The words of a call of gardenctl: what is taken, what is refused, and whether the advice can be followed.

Reports in TAP. Runs the programs of $O/bin in a folder of its own.
"""
import json
import os
import re
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from test_story import GARDENCTL, GARDEND, PATIENCE, one_line, run_all, tests_of  # noqa: E402


def plain(*words, check=None, **options):
    """gardenctl without a daemon."""
    done = subprocess.run([GARDENCTL, *words], **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                                                  "stderr": subprocess.PIPE, "text": True, "timeout": PATIENCE, "check": False,
                                                  **options})
    if check is not None:
        assert done.returncode == check, (words, done)
    return done


def capturing(place, *words):
    """A capture under way, of which something is sealed."""
    running = subprocess.Popen([GARDENCTL, "--run-dir", place.path("run"), "capture", "--store", place.store, "--chunk-bytes",
                                "65536", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    while "sealed" not in running.stdout.readline():
        assert running.poll() is None, running.stderr.read()
    return running


def stopped(running):
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0 and "manifest" in out, (out, err)


# ---- Streams' names


def a_uri_that_is_none_is_refused_by_the_tool_and_by_the_daemon(story):
    story.start("--source", "counter:2,48000,4800")
    definition = json.dumps({"device_identity": "default", "chunk_size_bytes": 65536, "format": "Midi"})
    for uri, words in (("x", "stream://"), ("stream:///main", "stream://"), ("stream://", "stream://"),
                       ("stream://a\nb", "control"), ("stream://\x1b[2J", "control"), (b"stream://\xff", "UTF-8"),
                       ("stream://" + "x" * 600, "511 octets")):
        told = one_line(story.ctl("capture", "--store", story.store, "--uri", uri, check=2).stderr.split("\nTry")[0])
        assert "--uri" in told and words in told, (uri, told)
        told = story.ctl("end-stream", uri, check=2).stderr
        assert "URI: a stream's uri must" in told and words in told, (uri, told)
        assert words in story.ctl("events", "--stream", uri, check=2).stderr
        if isinstance(uri, str):
            told = one_line(story.ctl("stream-start", f"uri={uri}", f"definition={definition}", "chunk_path=x", check=1).stderr)
            assert "the stream's uri must" in told and words in told, (uri, told)
    assert not os.listdir(os.path.join(story.store, "staging")), "a refused capture has staged something"
    for number, uri in enumerate(("stream://caf\u00e9/take 1", "stream://x", "stream://a/?b#c")):
        done = json.loads(story.ctl("--json", "capture", "--store", story.store, "--uri", uri, check=0).stdout)
        assert done["uri"] == uri, (number, done)


def a_name_that_a_device_cannot_give_is_asked_for(story):
    told = plain("capture", "--store", story.store, "--device", "/dev", check=2).stderr
    assert "--device '/dev'" in told and "--uri" in told, told
    assert "--device takes a value, not ''" in plain("capture", "--store", story.store, "--device", "", check=2).stderr


# ---- Advice


def a_name_that_is_taken_is_told_with_what_can_be_done(story):
    """By a capture under way into this store, into another one, and by one that was killed: each advice works."""
    uri = "stream://default/main"
    story.start("--source", "counter:2,48000", "--ring-ms", "10000", pace="real")
    running = capturing(story)
    told = story.ctl("capture", "--store", story.store, check=1).stderr
    assert "is being recorded already" in told and "another process captures it into this store" in told, told
    assert "--resume" not in told and "--recover" not in told and "gardenctl top" in told, told
    name = re.search(r"--uri (\S+?)\)", told).group(1)
    done = json.loads(story.ctl("--json", "capture", "--store", story.store, "--uri", name, "--seconds", "0.1", check=0).stdout)
    assert done["captured"] == 4800, done
    other = story.path("other")
    os.makedirs(os.path.join(other, "staging"))
    told = story.ctl("capture", "--store", other, check=1).stderr
    assert "into another store" in told and "--resume" not in told, told
    stopped(running)
    running = capturing(story)
    running.kill()
    running.communicate()
    told = story.ctl("capture", "--store", story.store, check=1).stderr
    assert f"gardenctl capture --resume --store {story.store}" in told and f"gardenctl end-stream {uri}" in told, told
    resumed = subprocess.Popen([GARDENCTL, "--run-dir", story.path("run"), "capture", "--resume", "--store", story.store],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while "sealed" not in resumed.stdout.readline():
        assert resumed.poll() is None, resumed.stderr.read()
    assert "another process still records" in story.ctl("capture", "--resume", "--store", story.store, check=1).stderr
    stopped(resumed)


def a_capture_whose_stream_somebody_else_ends_ends_too(story):
    story.start("--source", "counter:2,48000", pace="real")
    running = capturing(story)
    story.ctl("end-stream", "stream://default/main", check=0)
    out, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0 and "ended by somebody else" in err, (running.returncode, out, err)
    plain("verify", "--store", story.store, out.split()[-1], check=0)
    assert not os.listdir(os.path.join(story.store, "staging"))


def a_manifests_file_that_cannot_be_written_is_told_before_anything_is_captured(story):
    story.start("--source", "counter:2,48000,4800")
    for path in (story.path("absent/x"), story.folder):
        told = story.ctl("capture", "--store", story.store, "--manifest-file", path, check=1).stderr
        assert "--manifest-file" in one_line(told) and path in told, told
    assert not os.path.exists(os.path.join(story.store, "objects"))
    path = story.path("hash")
    for _ in range(2):  # a new one, and one that is there
        story.ctl("capture", "--store", story.store, "--manifest-file", path, check=0)
    with open(path, encoding="utf-8") as file:
        plain("verify", "--store", story.store, file.read().strip(), check=0)


def a_chunk_must_hold_a_frame(story):
    story.start("--source", "counter:2,48000,3")
    for words, size in ((["--chunk-bytes", "7"], 8), (["--chunk-bytes", "3", "--format", "s16_le"], 4)):
        told = story.ctl("capture", "--store", story.store, *words, check=2).stderr
        assert words[0] in told and "at least a frame" in told and f"{size} octets" in told, told
    story.ctl("capture", "--store", story.store, "--chunk-bytes", "8", check=0)


def midi_has_messages_and_no_samples_or_times(story):
    with open(story.path("take.mid"), "wb") as file:
        file.write(bytes([0x90, 0x40, 0x7f, 0x80, 0x40, 0x00]))
    story.start("--source", "midi:" + story.path("take.mid"))
    assert "at least a message" in story.ctl("capture", "--store", story.store, "--chunk-bytes", "2", check=2).stderr
    assert "--format is of samples" in story.ctl("capture", "--store", story.store, "--format", "s16_le", check=2).stderr
    done = json.loads(story.ctl("--json", "capture", "--store", story.store, "--chunk-bytes", "3", check=0).stdout)
    assert done["captured"] == 6 and done["chunks"] == 2, done
    for position in ("1s", "0.5", "5ms"):
        told = plain("slice", "--store", story.store, "--from", position, done["manifest"], check=2).stderr
        assert "which has no times, are octets" in told, told
    assert plain("slice", "--store", story.store, "--from", "-3", done["manifest"], check=0).stdout.split()[:2] == ["3", "3"]


def words_that_other_programs_have_lead_to_the_command(story):
    del story
    for word, meant in (("streams", "status"), ("list", "status"), ("ls", "status"), ("info", "status"), ("state", "status"),
                        ("sources", "status"), ("logs", "events"), ("quit", "shutdown"), ("cut", "slice"), ("monitor", "top"),
                        ("help", "--help"), ("version", "--version"), ("recover", "capture --recover")):
        told = plain(word, check=2).stderr
        assert f"there is no command '{word}'" in told and f"'gardenctl {meant}'" in told, told
        commands = re.findall(r"^ {2}([a-z][a-z-]*) +\S", plain("--help", check=0).stdout, re.M)
        assert meant.split()[0] in (*commands, "--help", "--version") and word not in commands, (word, meant)
        assert plain(*meant.split()[:1], "--help", check=0).stdout


def words_that_say_nothing_or_two_things_are_refused(story):
    """None of these asks a daemon."""
    calls = {
        ("--connection=", "ping"): ("--connection takes a value, not ''",),
        ("slice", "--store", "x", "--out=", "0"): ("--out takes a value, not ''",),
        ("seek", "--", "-5", "6"): ("'6' was not expected",),
        ("seek", "--beat", "3"): ("there is no option '--beat': write beat=BEAT",),
        ("seek", "--beats=3"): ("there is no option '--beats=3'; behind '--' it is an argument",),
        ("replay", "--speed", "2", "--fast", "x"): ("--speed and --fast both say how fast",),
        ("replay", "--ignore", "Sek", "x"): ("there is no message 'Sek'; did you mean 'Seek'?",),
        ("--json", "query", "--csv", "{}"): ("--csv and --json both say",),
        ("capture", "--store", "x", "--format", "f64"): ("--format takes f32_le, s16_le, s24_le or s32_le, not 'f64'",),
        ("capture", "--store", "x", "--resume", "--device", "d"): ("--device is for a new capture",),
        ("capture", "--store", "x", "--recover", "--chunks", "3"): ("--chunks is for a new capture",),
        ("capture", "--store", "x", "--recover", "--uri", "stream://x"): ("--recover finishes all that was left",),
    }
    for call, words in calls.items():
        told = plain("--connection", story.path("none"), *call, check=2).stderr
        for word in words:
            assert word in told, (call, told)


def arguments_behind_two_dashes_are_arguments(story):
    story.start("--source", "none")
    assert "from 0 to" in story.ctl("seek", "--", "-5", check=1).stderr  # the daemon has judged it
    assert story.ctl("seek", "--", "beat=5", check=0).stdout == "5.0\n"
    for words in (["--help"], ["4", "--help"], ["--help", "4"]):
        assert plain("seek", *words, check=0).stdout.startswith("Usage: gardenctl seek beat=BEAT")
    assert "beat takes a number of beats, not '--help'" in plain("seek", "--", "--help", check=2).stderr
    assert story.ctl("set-tempo", "90", "--", check=0).stdout == story.ctl("set-tempo", "90", check=0).stdout


# ---- Inputs and outputs


def what_goes_to_a_closed_output_or_comes_from_a_closed_input_is_missed(story):
    take, _ = story.recording(seconds=0.1)
    story.start("--file", take)
    done = json.loads(story.ctl("--json", "capture", "--store", story.store, check=0).stdout)
    shell = lambda redirect, *words, status: subprocess.run(  # noqa: E731
        ["sh", "-c", f'"$@" {redirect}', "sh", GARDENCTL, "--run-dir", story.path("run"), *words], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False).returncode == status
    for words in (["export", "--store", story.store, done["manifest"]], ["slice", "--store", story.store, done["manifest"]],
                  ["status"], ["requests"], ["--help"], ["schema"]):
        assert shell(">&-", *words, status=1), words
        assert shell(">/dev/full", *words, status=1), words
    assert shell("<&-", "import", "--store", story.path("fresh"), status=1)
    assert shell("<&-", "query", status=1)
    told = plain("import", "--store", story.path("fresh"), story.folder, check=1).stderr
    assert "Is a directory" in told and not os.path.exists(story.path("fresh")), told
    assert "No such file" in plain("query", "--file", story.path("absent"), check=1).stderr
    # A capture that can tell nobody is whole all the same.
    assert shell(">&-", "capture", "--store", story.store, "--manifest-file", story.path("hash"), status=1)
    with open(story.path("hash"), encoding="utf-8") as file:
        plain("verify", "--store", story.store, "--against", take, file.read().strip(), check=0)


def json_is_json(story):
    story.start("--source", "counter:2,48000,4800")
    requests = [json.loads(line) for line in plain("--json", "requests", check=0).stdout.splitlines()]
    plainly = plain("requests", check=0).stdout.splitlines()
    assert [each["command"] for each in requests] == [line.split()[0] for line in plainly], requests
    seek = next(each for each in requests if each["command"] == "seek")
    assert seek == {"command": "seek", "request": "Seek", "lane": "shell",
                    "fields": [{"name": "beat", "value": "BEAT", "optional": False}]}, seek
    assert json.loads(plain("--json", "schema", check=0).stdout)["schema"] == plain("schema", check=0).stdout
    for words in (["ping"], ["status"], ["top"], ["events", "--count", "1"], ["play"], ["get-regions"], ["control-debug-dump"],
                  ["query", "{ Node { name @output } }"], ["capture", "--store", story.store], ["gc", "--store", story.store],
                  ["fsck", "--store", story.store], ["end-stream", "stream://default/main"], ["shutdown"]):
        lines = story.ctl("--json", *words, check=0).stdout.splitlines()
        assert lines and all(json.loads(line) is not None for line in lines), (words, lines)


def a_store_into_which_nothing_was_captured_is_told_as_such(story):
    for words in (["gc"], ["fsck"], ["verify", "0" * 64], ["slice", "stream://x"], ["export", "0" * 64]):
        told = one_line(plain(words[0], "--store", story.store, *words[1:], check=1).stderr)
        assert "nothing was captured into this store yet" in told, told


# ---- The daemon's options


def the_daemon_misses_a_closed_input_and_output_too(story):
    for option in ("--help", "--version"):
        done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", GARDEND, option], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 1 and "standard output" in done.stderr, done
    os.mkdir(story.path("run"), 0o700)
    ready, write = os.pipe()
    daemon = subprocess.Popen(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", GARDEND, "--run-dir", story.path("run"), "--ready-fd",
                               str(write), "--source", "stdin:s16,2,48000"], pass_fds=(write,), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    story.daemons.append(daemon)
    os.close(write)
    assert os.read(ready, 10) == b"ready\n"
    os.close(ready)
    story.ctl("ping", check=0)


def options_of_the_daemon_that_no_time_mends_have_status_2(story):
    for words, said in ((["--http", "x"], "--http takes an address"), (["--http", "0.0.0.0:80"], "such as 127.0.0.1:9464,"),
                        (["--tcp", "127.0.0.1:65532"], "BASE of at most 65531"), (["--tcp", "127.0.0.1"], "HOST:BASE, not"),
                        (["--tcp", "127.0.0.1:-1"], "HOST:BASE, not"),
                        (["--source", "a\nb=sine:440,2,48000"], "no control characters"),
                        (["--source", "a\u202eb=sine:440,2,48000"], "no control characters"),
                        (["--staging", ""], "--staging takes a value"), (["--file="], "--file takes a value")):
        daemon, ready = story.start(*words)
        _, err = daemon.communicate(timeout=PATIENCE)
        assert not ready and daemon.returncode == 2 and said in err, (words, daemon.returncode, err)


# ---- Times


def spans_of_time_are_said_alike_everywhere(story):
    story.start("--source", "counter:2,48000", pace="real")
    for number, (text, frames) in enumerate((("0.25", 12000), ("250ms", 12000), ("0.1s", 4800), ("0.00001", None))):
        words = ["--json", "capture", "--store", story.store, "--uri", f"stream://x/{number}", "--seconds", text]
        if frames is None:
            assert "less than a frame of 48000 Hz" in story.ctl(*words, check=2).stderr
            continue
        done = json.loads(story.ctl(*words, check=0).stdout)
        assert done["captured"] == done["offered"] == frames and done["complete"], (text, done)
    for begin, end, first, last in (("10ms", "0.05s", 480, 2400), ("0s", "-50ms", 0, 2400), ("-0.001m", "4800", 1920, 4800)):
        out = story.path(f"{first}-{last}.wav")
        told = json.loads(plain("--json", "slice", "--store", story.store, "--from", begin, "--to", end, "--out", out,
                                *["--force"], done["manifest"], check=0).stdout)
        assert (told["from"], told["to"]) == (first, last), told
    for words in (["--timeout", "10s", "ping"], ["--timeout", "0.5m", "ping"], ["--timeout", "10000", "ping"],
                  ["--timeout", "20s", "--json", "top", "--interval", "0.1s"]):
        plain("--run-dir", story.path("run"), *words, check=0)


def spans_that_are_none_are_refused_with_their_forms(story):
    for text in ("-1", "1e3", "nan", "inf", "1,5", " 1", "0x1", "1d", "1.", ".5"):
        for words in (["--timeout", text, "ping"], ["top", "--interval", text],
                      ["capture", "--store", story.store, "--seconds", text],
                      ["capture", "--store", story.store, "--patience", text]):
            told = plain(*words, check=2).stderr
            assert "500ms, 2m or 1h" in told and f"'{text}'" in told, (words, told)
    for words, limits in ((["--timeout", "0", "ping"], "from 1ms to 1h"), (["--timeout", "2h", "ping"], "from 1ms to 1h"),
                          (["top", "--interval", "9ms"], "from 10ms to 1h"),
                          (["capture", "--store", story.store, "--seconds", "0"], "from 1ns to 4294967295s"),
                          (["capture", "--store", story.store, "--patience", "9" * 40], "from 0s to")):
        told = plain(*words, check=2).stderr
        assert limits in told, (words, told)


# ---- Archives


def what_is_no_archive_leaves_no_store(story):
    junk = story.path("junk")
    for octets in (b"this is no archive\n" * 100, b"", bytes(10240)):
        with open(junk, "wb") as file:
            file.write(octets)
        store = story.path("fresh")
        plain("import", "--store", store, junk, check=4)
        assert not os.path.exists(store), os.listdir(store)
        os.mkdir(store)  # somebody's own empty folder stays one
        plain("import", "--store", store, junk, check=4)
        assert os.listdir(store) == [], os.listdir(store)
        os.rmdir(store)
    before = sorted(os.listdir(story.store))
    plain("import", "--store", story.store, junk, check=4)
    assert sorted(os.listdir(story.store)) == before


if __name__ == "__main__":
    sys.exit(run_all(tests_of(globals())))
