"""What captured streams of numbered samples and messages must hold, and how it is checked, octet by octet."""
import array
import functools
import json
import os
import struct
import sys

BLOCK = 65536  # samples whose lower halves are all different


@functools.lru_cache(maxsize=8)
def counter_block(sample_format, index):
    """BLOCK samples of --source counter, of which the first is number BLOCK * index."""
    high = index & 0xFFFF
    if sample_format == "s16_le":  # the lower half of each number
        return struct.pack(f"<{BLOCK}H", *range(BLOCK))
    if sample_format == "s24_le":
        return b"".join(struct.pack("<BH", high >> 8, low) for low in range(BLOCK))
    words = array.array("I", ((low << 16 | high) for low in range(BLOCK)))
    if sys.byteorder == "big":
        words.byteswap()
    if sample_format == "s32_le":
        return words.tobytes()
    assert sample_format == "f32_le", sample_format
    signed = array.array("i", words.tobytes())
    return array.array("f", (word / 2147483648.0 for word in signed)).tobytes()


class Counter:
    """The octets of --source counter in a format, from any frame on."""

    sizes = {"s16_le": 2, "s24_le": 3, "s32_le": 4, "f32_le": 4}

    def __init__(self, sample_format, channels):
        self.format, self.channels = sample_format, channels
        self.frame_size = self.sizes[sample_format] * channels

    def octets(self, frame, count):
        size = self.sizes[self.format]
        sample, left, out = frame * self.channels, count * self.channels, []
        while left > 0:
            at = sample % BLOCK
            take = min(left, BLOCK - at)
            out.append(counter_block(self.format, sample // BLOCK)[at * size:(at + take) * size])
            sample, left = sample + take, left - take
        return b"".join(out)


class MidiCounter:
    """The octets of --source midi-counter."""

    frame_size = 1

    def __init__(self):
        self.made, self.next, self.starts = bytearray(), 0, {0}

    def message(self, number):
        low, middle, high = number & 127, number >> 7 & 127, number >> 14 & 127
        if number % 16 == 3:
            return bytes((0xC0 | middle & 15, low))
        if number % 16 == 7:
            return b"\xF8"
        if number % 16 == 15:
            return bytes((0xF0, 0x7D, low, middle, high)) + bytes([low]) * (number // 16 % 64) + b"\xF7"
        return bytes((0x90 | high & 15, low, middle))

    def make(self, size):
        while len(self.made) < size:
            self.made += self.message(self.next)
            self.next += 1
            self.starts.add(len(self.made))

    def octets(self, frame, count):
        self.make(frame + count)
        return bytes(self.made[frame:frame + count])

    def is_between(self, position):
        self.make(position + 1)
        return position in self.starts


def object_path(store, name):
    return os.path.join(store, "objects", name[:2], name[2:])


def read_manifest(store, name):
    with open(object_path(store, name), encoding="utf-8") as file:
        return json.load(file)


def manifests_of(store, uri):
    """The names of all manifests of a stream."""
    found = []
    root = os.path.join(store, "metadata")
    for prefix in os.listdir(root):
        for name in os.listdir(os.path.join(root, prefix)):
            digest = prefix + name.removesuffix(".json")
            with open(os.path.join(root, prefix, name), encoding="utf-8") as file:
                if "application/json" not in file.read():
                    continue
            try:
                if read_manifest(store, digest).get("stream_uri") == uri:
                    found.append(digest)
            except FileNotFoundError:
                pass  # made this moment, or taken away
    return found


def runs_of(chunk, gaps):
    """The pieces of a chunk between gaps: their first frames and sizes."""
    position, left = chunk["first_sample"], chunk["sample_count"]
    for gap in gaps:
        first = gap["first_sample"]
        if first < position or left == 0:
            continue
        if first - position >= left:
            break
        if first > position:
            yield position, first - position
        left -= first - position
        position = first + gap["sample_count"]
    if left > 0:
        yield position, left


def check(store, manifest, content):
    """Every captured octet is the one of its position, and captured + lost = offered. Returns the two."""
    captured = lost = end = 0
    for gap in manifest["gaps"]:
        lost += gap["sample_count"]
        end = max(end, gap["first_sample"] + gap["sample_count"])
    for number, chunk in enumerate(manifest["chunks"]):
        with open(object_path(store, chunk["hash"]), "rb") as file:
            octets = file.read()
        assert len(octets) == chunk["byte_count"] == chunk["sample_count"] * content.frame_size, chunk
        at = 0
        for first, count in runs_of(chunk, manifest["gaps"]):
            size = count * content.frame_size
            assert octets[at:at + size] == content.octets(first, count), \
                f"chunk {number}: frames {first} to {first + count} are not the source's"
            at += size
            end = max(end, first + count)
        assert at == len(octets), (number, chunk)
        captured += chunk["sample_count"]
        if isinstance(content, MidiCounter):
            assert content.is_between(chunk["first_sample"]), f"chunk {number} begins inside a message"
    assert captured == manifest["total_samples"] and lost == manifest["total_gap_samples"], manifest
    assert captured + lost == end, (captured, lost, end)
    return captured, lost
