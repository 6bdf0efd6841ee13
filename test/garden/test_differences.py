#!/usr/bin/python3
"""What gardenctl says of two things that are not the same: a recording and a file, a session and what is answered now; and
of parts of recordings in each format.

Reports in TAP.
"""
import json
import os
import random
import re
import struct
import sys
import wave

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from test_story import Story, object_path, one_line, read_json, run_all, tests_of  # noqa: E402
from test_tools import ended, plain, recorded  # noqa: E402


def write_wav(path, octets, channels=2, rate=48000, size=2):
    with wave.open(path, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(size)
        out.setframerate(rate)
        out.writeframes(octets)
    return path


def differs(story, manifest, against):
    """In JSON and for people: the same words, and the same status."""
    told = story.verify(manifest, against, check=4)
    said = plain("verify", "--store", story.store, "--against", against, manifest, check=4).stdout
    assert not told["ok"] and f"DIFFERS: {told['difference']}" in said, (told, said)
    return told["difference"]


def a_file_that_is_another_is_told_with_the_first_frame_that_is(story):
    frames = 20000
    octets = random.Random(11).randbytes(4 * frames)
    story.start("--file", write_wav(story.path("take.wav"), octets))
    done = json.loads(story.ctl("--json", "capture", "--store", story.store, "--chunks", "3", check=0).stdout)
    manifest, other = done["manifest"], story.path("other.wav")
    for at in (0, 777, 8191, 8192, frames - 1):
        changed = bytearray(octets)
        changed[4 * at + 3] ^= 1
        assert differs(story, manifest, write_wav(other, changed)) == f"frame {at} is not the file's", at
    assert differs(story, manifest, write_wav(other, octets[:-4])) == f"the file ends at frame {frames - 1}, the recording goes on"
    assert differs(story, manifest, write_wav(other, octets + bytes(4))) == (
        f"the recording ends at frame {frames}, the file goes on")
    for shape in ({"channels": 1}, {"rate": 44100}):
        assert "differ in rate or channels" in differs(story, manifest, write_wav(other, octets, **shape)), shape
    # Parts of a file, one behind the other, are the file.
    parts = [write_wav(story.path(f"{number}.wav"), part) for number, part in enumerate((octets[:4000], octets[4000:]))]
    assert json.loads(plain("--json", "verify", "--store", story.store, *[word for part in parts for word in ("--against", part)],
                            manifest, check=0).stdout)["ok"]


def midi_is_compared_with_its_octets(story):
    octets = b"".join(bytes((0x90, note % 128, 64)) for note in range(3000))
    with open(story.path("take.mid"), "wb") as file:
        file.write(octets)
    story.start("--source", f"midi:{story.path('take.mid')}")
    done = json.loads(story.ctl("--json", "capture", "--store", story.store, "--chunk-bytes", "65536", check=0).stdout)
    manifest, other = done["manifest"], story.path("other.mid")
    assert done["captured"] == len(octets) and story.verify(manifest, story.path("take.mid"))["ok"]
    for content, words in ((octets[:5000] + b"\x00" + octets[5001:], "frame 5000 is not the file's"),
                           (octets[:-1], f"the file ends at frame {len(octets) - 1}, the recording goes on"),
                           (octets + b"\x90", f"the recording ends at frame {len(octets)}, the file goes on")):
        with open(other, "wb") as file:
            file.write(content)
        assert differs(story, manifest, other) == words
    against = ["--against", other]
    assert "one file" in plain("verify", "--store", story.store, *against, *against, manifest, check=2).stderr
    failed = plain("verify", "--store", story.store, "--against", story.path("none"), manifest, check=1)
    assert "none cannot be read" in one_line(failed.stderr)
    failed = plain("slice", "--store", story.store, "--out", story.path("part.wav"), manifest, check=1)
    assert "MIDI, which is no WAV file" in one_line(failed.stderr) and not os.path.exists(story.path("part.wav"))


def chunks_of_wav(path):
    """The format and the samples of a WAV file, which Python's own module does not read where they are floats."""
    with open(path, "rb") as file:
        octets = file.read()
    assert octets[:4] == b"RIFF" and octets[8:12] == b"WAVE"
    found, at = {}, 12
    while at < len(octets):
        name, size = octets[at:at + 4], struct.unpack("<I", octets[at + 4:at + 8])[0]
        found[name] = octets[at + 8:at + 8 + size]
        at += 8 + size + size % 2
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", found[b"fmt "][:16])
    if tag == 0xfffe:  # the longer form has it behind
        tag = struct.unpack("<H", found[b"fmt "][24:26])[0]
    return (tag, channels, rate, bits), found[b"data"]


def a_part_of_a_recording_of_each_format_is_that_part_in_a_wav_file(story):
    story.start("--source", "counter:2,48000,9000")
    for name, tag, bits in (("s16_le", 1, 16), ("s24_le", 1, 24), ("s32_le", 1, 32), ("f32_le", 3, 32)):
        done = json.loads(story.ctl("--json", "capture", "--store", story.store, "--uri", f"stream://a/{name}", "--format", name,
                                    "--chunk-bytes", "20000", check=0).stdout)
        out, size = story.path(name + ".wav"), 2 * bits // 8
        said = plain("slice", "--store", story.store, "--from", "1000", "--to", "8000", "--out", out, done["manifest"],
                     check=0).stdout
        assert said.startswith(f"{out}: 7000 frames from 1000"), said
        octets = b""
        for chunk in read_json(object_path(story, done["manifest"]))["chunks"]:
            with open(object_path(story, chunk["hash"]), "rb") as file:
                octets += file.read()
        form, samples = chunks_of_wav(out)
        assert form == (tag, 2, 48000, bits) and samples == octets[1000 * size:8000 * size], (name, form)
        whole = story.path(name + ".whole.wav")
        plain("slice", "--store", story.store, "--out", whole, done["manifest"], check=0)
        assert story.verify(done["manifest"], whole)["ok"], name


def a_reply_that_is_another_than_recorded_is_shown_beside_it(story):
    """Those that are the same but for ids are not; a query is asked again, too."""
    def work(run):
        story.ctl("add-node", '{"name":"a","node_type":"t","config":{}}', run=run, check=0)
        story.ctl("query", "{ Node { id @output name @output } }", run=run, check=0)
        story.ctl("get-transport-state", run=run, check=0)
    story.start("--source", "none")
    tape, running = recorded(story, work)
    assert ended(running)[0] == 0
    story.start("--source", "none", run="second")
    said = story.ctl("replay", "--fast", tape, run="second", check=0).stdout
    assert "3 requests: 3 replies the same, 0 differ, 0 not compared, 0 unanswered" in said, said
    story.start("--source", "none", run="third")
    story.ctl("set-tempo", "99", run="third", check=0)
    said = story.ctl("replay", "--fast", tape, run="third", check=4).stdout
    found = re.search(r"^GetTransportState at \d+\.\d{3} s: the reply differs\n  recorded (.*)\n  now      (.*)$", said, re.M)
    assert found and '"tempo":120' in found.group(1) and '"tempo":99' in found.group(2), said
    assert "2 replies the same, 1 differ," in said, said


if __name__ == "__main__":
    sys.exit(run_all(tests_of(globals())))
