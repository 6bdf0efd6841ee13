"""test/garden/preload.c in daemons and clients: numbers that a test and they share."""
import os
import struct
import subprocess

from tap import Skipped

SOURCE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "preload.c")
PROGRAM = os.path.join(os.environ.get("O", "build"), "bin", "gardend")


class Preload:
    """|env| is for processes that shall have it; |place| has a path(). Each number has its name and its first value."""

    def __init__(self, place, **numbers):
        with open(PROGRAM, "rb") as file:
            if b"__tsan_init" in file.read():
                raise Skipped("nothing can be preloaded before this sanitizer")
        library = place.path("preload.so")
        subprocess.run([*os.environ.get("CC", "cc").split(), "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
        self.paths = {name: place.path(name) for name in numbers}
        for name, value in numbers.items():
            self.write(name, value)
        self.env = dict(os.environ, **self.paths, LD_PRELOAD=library,
                        ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")

    def write(self, name, value):
        with open(self.paths[name], "r+b" if os.path.exists(self.paths[name]) else "wb") as file:
            file.write(struct.pack("=q", value))

    def read(self, name):
        with open(self.paths[name], "rb") as file:
            return struct.unpack("=q", file.read())[0]
