"""Where a test plays: a folder with gardend, libgarden's clients, and the ends of the lanes in Python."""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import uuid

import tap
from tap import Skipped  # for those who import it from here

from . import wire
from .client import Client, from_file, local
from .server import Server

O = os.environ.get("O", "build")
GARDEND, GARDENCTL = (os.path.abspath(os.path.join(O, "bin", name)) for name in ("gardend", "gardenctl"))
PATIENCE = 60


class Stage:
    """A folder, and what runs in it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="interop.")
        self.run_dir = os.path.join(self.folder, "run")
        os.mkdir(self.run_dir, 0o700)
        os.mkdir(self.path("staging"))
        self.daemon = None
        self.closing = []

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def gardend(self, *options, env=None):
        ready, write = os.pipe()
        self.daemon = subprocess.Popen(
            [GARDEND, "--run-dir", self.run_dir, "--staging", self.path("staging"), "--source", "dev=counter:2,48000",
             "--log-level", "error", "--ready-fd", str(write), *options], pass_fds=(write,), stdin=subprocess.DEVNULL, env=env)
        os.close(write)
        assert os.read(ready, 10), "gardend did not start"
        os.close(ready)

    def opened(self, thing):
        self.closing.append(thing)
        return thing

    def client(self, **how):
        path = os.path.join(self.run_dir, "connection.json")
        client = self.opened(Client(from_file(path), **how))
        client.path = path
        return client

    def server(self, answer, **how):
        return self.opened(Server(local(self.run_dir), answer, **how))

    def staged(self, name):
        with open(self.path("staging", name), "wb"):
            return self.path("staging", name)

    def gardenctl(self, *words, status=0, timeout=PATIENCE * 1000):
        done = subprocess.run([GARDENCTL, "--run-dir", self.run_dir, "--timeout", str(timeout), *words],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=2 * PATIENCE, check=False)
        assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def close(self):
        for thing in reversed(self.closing):
            thing.close()
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            self.daemon.wait(PATIENCE)
        shutil.rmtree(self.folder, ignore_errors=True)


class Library:
    """libgarden.so's client through ctypes; see blocking.h."""

    def __init__(self, endpoints, path):
        self.loaded = self.load()
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"protocol": "garden", "version": wire.VERSION, "session": str(uuid.uuid4()), "pid": os.getpid(),
                       "endpoints": endpoints}, file)
        os.chmod(path, 0o600)
        self.client = ctypes.c_void_p()
        why = ctypes.c_char_p()
        result = self.loaded.garden_blocking_open_file(ctypes.byref(self.client), path.encode(), ctypes.byref(why))
        assert result == 0, (result, why.value)

    @staticmethod
    def load():
        paths = [os.path.abspath(os.path.join(O, "lib", name)) for name in ("libzmtp.so", "libgarden.so")]
        for path in paths:
            with open(path, "rb") as file:
                octets = file.read()
            if b"__asan_init" in octets or b"__tsan_init" in octets:
                raise Skipped("a library with a sanitizer cannot be loaded into another program")
        ctypes.CDLL(paths[0], mode=ctypes.RTLD_GLOBAL)
        lib = ctypes.CDLL(paths[1])
        pointer, text, size, u32 = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint32
        lib.garden_blocking_open_file.argtypes = [ctypes.POINTER(pointer), text, ctypes.POINTER(text)]
        lib.garden_blocking_close.argtypes = [pointer]
        lib.garden_blocking_ping.argtypes = [pointer, u32]
        lib.garden_blocking_ask.restype = lib.garden_blocking_next.restype = ctypes.c_int64
        lib.garden_blocking_ask.argtypes = [pointer, text, text, u32, text, size]
        lib.garden_blocking_next.argtypes = [pointer, u32, text, size]
        lib.garden_blocking_missed.restype = ctypes.c_uint64
        lib.garden_blocking_missed.argtypes = [pointer]
        lib.garden_blocking_why.restype = text
        lib.garden_blocking_why.argtypes = [pointer]
        return lib

    def ask(self, lane, content, timeout=PATIENCE * 1000):
        """The reply's content, or a negative number."""
        out = ctypes.create_string_buffer(1 << 20)
        got = self.loaded.garden_blocking_ask(self.client, lane.encode(), content, timeout, out, len(out))
        return wire.decode(out.value)[0]["content"] if got >= 0 else got

    def shell(self, name, timeout=PATIENCE * 1000, **fields):
        return self.ask("shell", wire.encode_value("ShellRequest", (name, fields), wire.JSON), timeout)

    def next(self, timeout=PATIENCE * 1000):
        out = ctypes.create_string_buffer(1 << 20)
        got = self.loaded.garden_blocking_next(self.client, timeout, out, len(out))
        return wire.decode(out.value)[0]["content"] if got >= 0 else got

    def ping(self, timeout=PATIENCE * 1000):
        return self.loaded.garden_blocking_ping(self.client, timeout)

    def missed(self):
        return self.loaded.garden_blocking_missed(self.client)

    def why(self):
        return self.loaded.garden_blocking_why(self.client).decode()

    def close(self):
        self.loaded.garden_blocking_close(self.client)


def library(stage, name="connection.json"):
    return stage.opened(Library(local(stage.run_dir), stage.path(name)))


def run(tests):
    """Each on a stage of its own."""
    tap.run(tests, Stage)
