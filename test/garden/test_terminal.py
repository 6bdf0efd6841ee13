#!/usr/bin/python3
"""gardenctl on a terminal: how far a capture is, how loud it is, what it lost; and how far what takes long is.

Reports in TAP.
"""
import math
import os
import pty
import re
import struct
import subprocess
import sys
import wave

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from test_story import GARDENCTL, Story, run_all, tests_of  # noqa: E402

METERS = re.compile(r"level \[([#.]*)\] chunks sealed (\d+), lost (\d+)")
SILENT = 10 * "."


def on_terminal(*words, **env):
    """Status, and all that was written to a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([GARDENCTL, *words], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                          env={**os.environ, "TERM": "xterm", **env}) as running:
        os.close(theirs)
        said = b""
        while True:
            try:
                octets = os.read(ours, 65536)
            except OSError:  # nobody has the other end any more
                break
            if not octets:
                break
            said += octets
    os.close(ours)
    return running.returncode, said.decode()


def square(story, name, size, level, seconds=1):
    """A recording whose samples of |size| octets are all as loud as |level|, half of them below zero."""
    with wave.open(story.path(name), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(size)
        out.setframerate(48000)
        whole = round(level * (1 << 8 * size - 1))
        frame = b"".join(struct.pack("<i", sample)[:size] for sample in (-whole, whole))
        out.writeframes(frame * (seconds * 48000))
    return story.path(name)


def meter(level):
    filled = int((1 + 20 * math.log10(level) / 60) * 10 + 0.5)
    return filled * "#" + (10 - filled) * "."


def capture(story, source, *words, **env):
    """Captures from a daemon of its own. What the terminal got."""
    _, ready = story.start("--source", source, run=story.path(f"run{len(story.daemons)}"), pace="real")
    assert ready
    run = story.path(f"run{len(story.daemons) - 1}")
    status, said = on_terminal("--connection", os.path.join(run, "connection.json"), "capture", "--store", story.store,
                               "--chunk-bytes", "50000", *words, **env)
    assert status == 0, said
    return said


def a_capture_shows_its_way_and_its_level(story):
    """Each depth of samples, and all kinds of ends: the source's, one that was wished for, one that nobody knows."""
    for source, level in ((f"file:{square(story, 'a.wav', 2, 0.1)}", 0.1), (f"file:{square(story, 'b.wav', 3, 0.01)}", 0.01),
                          (f"file:{square(story, 'c.wav', 4, 0.3)}", 0.3), ("sine:440,2,48000", 0.5)):
        said = capture(story, source, "--seconds", "1")
        drawn = METERS.findall(said)
        assert {shown for shown, _, _ in drawn} - {SILENT} == {meter(level)}, (source, said)
        sealed = [int(count) for _, count, _ in drawn]
        assert sealed == sorted(sealed) and sealed[-1] > 0 and {lost for _, _, lost in drawn} == {"0"}, said
        seconds = [float(text) for text in re.findall(r"(\d+\.\d\d) s ", said.split("captured")[0])]
        assert seconds == sorted(seconds) and 0 < seconds[-1], seconds
        parts = re.findall(r"\033\[32m([#.]{24})\033\[0m\] +(\d+) % ", said)
        assert len(parts) == len(drawn), (source, said)
        for bar, percent in parts:
            assert abs(bar.count("#") / 24 - int(percent) / 100) < 0.03, (bar, percent)
        assert said.count("\033[?7l") == said.count("\033[?7h") > 0, "the terminal wraps again"
        assert re.search(r"(\r\n|\033\[K)captured 48000 of 48000 frames in \d+ chunks, 0 lost", said), said
        assert "sealed:" not in said, said
        if source.startswith("sine"):  # it goes on until somebody has seen that it is enough
            assert parts[-1] == (24 * "#", "100"), parts


def a_capture_of_midi_has_no_level(story):
    said = capture(story, "midi-counter:3125", "--seconds", "1")
    drawn = METERS.findall(said)
    assert drawn and {shown for shown, _, _ in drawn} == {SILENT}, said
    assert " % " not in said, "nobody knows how many octets a second has"


def colours_are_left_out_where_nobody_wants_them(story):
    said = capture(story, f"file:{square(story, 'a.wav', 2, 0.1)}", NO_COLOR="1")
    assert "[##" in said and "\033[32m" not in said and "\033[K" in said, said


def a_terminal_that_can_do_nothing_is_told_by_lines(story):
    said = capture(story, f"file:{square(story, 'a.wav', 2, 0.1)}", TERM="dumb")
    assert "\033" not in said and "chunk 0 sealed: 12500 frames from 0," in said, said


def what_takes_long_shows_how_far_it_is_and_takes_it_away_again(story):
    take = square(story, "a.wav", 2, 0.1)
    manifest = re.search(r"manifest ([0-9a-f]{64})", capture(story, f"file:{take}")).group(1)
    for words, what in ((["verify", manifest], "hashes"), (["verify", "--against", take, manifest], "hashes"),
                        (["fsck"], "objects"), (["slice", "--out", story.path("out.wav"), manifest], "samples"),
                        (["export", "--out", story.path("out.tar"), manifest], "chunks")):
        status, said = on_terminal(words[0], "--store", story.store, *words[1:])
        assert status == 0 and re.search(what + r" +\[\033\[32m[#.]{24}\033\[0m\] +\d+ %", said), (words, said)
        shown, after = said.rsplit("\033[?7h", 1)
        assert "\033[?7l" in shown and after.startswith("\r\033[K"), (words, said)
        status, said = on_terminal("--json", words[0], "--store", story.store, *words[1:])
        assert "\033[?7" not in said, (words, said)


if __name__ == "__main__":
    sys.exit(run_all(tests_of(globals())))
