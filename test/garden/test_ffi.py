#!/usr/bin/python3
"""The blocking client as another language binds it: libgarden.so through ctypes, text in and out.

Reports in TAP.
"""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import tap

O = os.environ.get("O", "build")
GARDEND = os.path.abspath(os.path.join(O, "bin", "gardend"))
PATIENCE = 30000  # milliseconds
TIMEOUT, ARGUMENT, NOT_FOUND, FORMAT, VERSION = -9, -1, -7, -11, -12


def library(name, **more):
    path = os.path.abspath(os.path.join(O, "lib", name))
    with open(path, "rb") as file:
        octets = file.read()
    if b"__asan_init" in octets or b"__tsan_init" in octets:
        print("1..1\nok 1 - the library in another program # SKIP one with a sanitizer cannot be loaded there")
        raise SystemExit(0)
    return ctypes.CDLL(path, **more)


library("libzmtp.so", mode=ctypes.RTLD_GLOBAL)
L = library("libgarden.so")
L.garden_blocking_open_file.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_char_p,
                                        ctypes.POINTER(ctypes.c_char_p)]
L.garden_blocking_close.argtypes = [ctypes.c_void_p]
L.garden_blocking_ping.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
L.garden_blocking_ask.restype = ctypes.c_int64
L.garden_blocking_ask.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint32,
                                  ctypes.c_char_p, ctypes.c_size_t]
L.garden_blocking_reply.restype = ctypes.c_int64
L.garden_blocking_reply.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
L.garden_blocking_next.restype = ctypes.c_int64
L.garden_blocking_next.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_char_p, ctypes.c_size_t]
L.garden_blocking_missed.restype = ctypes.c_uint64
L.garden_blocking_missed.argtypes = [ctypes.c_void_p]
L.garden_blocking_why.restype = ctypes.c_char_p
L.garden_blocking_why.argtypes = [ctypes.c_void_p]


class Garden:
    """A daemon and a client of it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="ffi.")
        self.connection = os.path.join(self.folder, "run", "connection.json").encode()
        self.daemon = None
        self.client = ctypes.c_void_p()

    def start(self):
        ready, write = os.pipe()
        self.daemon = subprocess.Popen(
            [GARDEND, "--run-dir", os.path.join(self.folder, "run"), "--source", "counter:2,48000",
             "--log-level", "warning", "--ready-fd", str(write)], pass_fds=(write,), stdin=subprocess.DEVNULL)
        os.close(write)
        assert os.read(ready, 10)
        os.close(ready)

    def open(self):
        why = ctypes.c_char_p()
        result = L.garden_blocking_open_file(ctypes.byref(self.client), self.connection, ctypes.byref(why))
        return result, why.value.decode()

    def ask(self, lane, content, size=65536):
        out = ctypes.create_string_buffer(size)
        got = L.garden_blocking_ask(self.client, lane.encode(), json.dumps(content).encode(), PATIENCE, out, size)
        assert got >= 0, (got, self.why())
        return json.loads(out.value) if got < size else got

    def next(self, timeout=PATIENCE):
        out = ctypes.create_string_buffer(65536)
        got = L.garden_blocking_next(self.client, timeout, out, len(out))
        return json.loads(out.value) if got >= 0 else got

    def why(self):
        return L.garden_blocking_why(self.client).decode()

    def close(self):
        L.garden_blocking_close(self.client)
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            self.daemon.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


def content_of(message):
    return message["content"]


def made_id(created):
    return created["region_id"] if isinstance(created, dict) else created[0]


def without_a_daemon_opening_says_so(garden):
    result, why = garden.open()
    assert result == NOT_FOUND and why, (result, why)
    assert not garden.client.value
    assert garden.connection.decode() in why and "is the daemon running?" in why, why


def a_connection_file_that_is_none_is_told_with_what_is_wrong_and_what_to_do(garden):
    garden.start()
    with open(garden.connection, "rb") as file:
        good = json.load(file)
    sayings = (
        (b"", FORMAT, "is empty"),
        (b"not JSON", FORMAT, "is JSON"),
        (b"[]", FORMAT, "no endpoints"),
        (dict(good, version="9.9.9"), VERSION, "version 9.9.9"),
        (dict(good, protocol="other"), FORMAT, "protocol 'other'"),
        (dict(good, endpoints={}), FORMAT, "no text for the lane control"),
        (dict(good, endpoints=dict(good["endpoints"], hb="tcp://nowhere")), FORMAT, "lane hb, 'tcp://nowhere'"),
        (dict(good, session="x"), FORMAT, "session"),
        (dict(good, server_key="x"), FORMAT, "server_key"),
    )
    for content, code, words in sayings:
        with open(garden.connection, "wb") as file:
            file.write(content if isinstance(content, bytes) else json.dumps(content).encode())
        result, why = garden.open()
        assert result == code and words in why and garden.connection.decode() in why, (content, result, why)
        assert ("gardend" in why or "client" in why) and not garden.client.value, why
    os.remove(garden.connection)
    os.mkdir(garden.connection)
    result, why = garden.open()
    assert result < 0 and "directory" in why, (result, why)
    os.rmdir(garden.connection)


def queries_and_their_rows_are_text(garden):
    garden.start()
    assert garden.open() == (0, "")
    garden.ask("shell", {"CreateRegion": [0.0, 4.0, {"PlayContent": {"artifact_id": "a"}}]})
    text = '{ Region { end @output position @filter(op: "<", value: ["$x"]) } }'
    told = garden.ask("query", {"query": text, "variables": {"x": 1}})
    assert content_of(told) == {"Results": {"rows": [{"end": 4.0}]}}, told
    told = garden.ask("query", {"query": text, "variables": {}})
    assert "the variable $x was not given" in content_of(told)["Error"]["error"], told


def requests_and_replies_are_text(garden):
    garden.start()
    assert garden.open() == (0, "")
    assert L.garden_blocking_ping(garden.client, PATIENCE) == 0
    made = garden.ask("shell", {"CreateRegion": [0.0, 4.0, {"PlayContent": {"artifact_id": "a"}}]})
    region = content_of(made)["RegionCreated"]
    assert len(str(region)) > 30, made
    regions = content_of(garden.ask("shell", {"GetRegions": {"range": None}}))["Regions"]
    assert [each["region_id"] for each in regions["regions"]] == [made_id(region)], regions
    dump = garden.ask("control", "DebugDump")
    assert "DebugDump" in content_of(dump), dump


def a_reply_that_does_not_fit_is_there_again(garden):
    garden.start()
    garden.open()
    size = garden.ask("control", "DebugDump", 10)
    assert isinstance(size, int) and size > 10
    out = ctypes.create_string_buffer(size + 1)
    assert L.garden_blocking_reply(garden.client, out, size + 1) == size
    assert "DebugDump" in content_of(json.loads(out.value))


def events_come_in_order_and_none_is_missed(garden):
    garden.start()
    garden.open()
    assert L.garden_blocking_ping(garden.client, PATIENCE) == 0
    garden.ask("shell", "GetTransportState")
    end = time.monotonic() + 30
    while garden.next(50) == TIMEOUT:  # until the subscription is there
        garden.ask("shell", {"SetTempo": [100.0]})
        garden.ask("shell", "Play")
        garden.ask("shell", "Stop")
        assert time.monotonic() < end
    while garden.next(200) != TIMEOUT:
        pass
    for _ in range(20):
        garden.ask("shell", {"AddNode": [{"name": "n", "node_type": "source.sine", "config": {}}]})
    seqs, names = [], []
    while len(names) < 20:
        event = garden.next()
        assert isinstance(event, dict), (event, garden.why())
        seqs.append(event["metadata"]["seq"])
        names += [name for name in content_of(event) if name == "NodeAdded"]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), seqs
    assert L.garden_blocking_missed(garden.client) == 0
    assert garden.next(0) == TIMEOUT


def wrong_words_are_refused_with_words(garden):
    garden.start()
    garden.open()
    out = ctypes.create_string_buffer(100)
    for lane, content, word in (("shell", '"Dance"', ""), ("shell", "{", ""), ("shell", '{"Seek":["x"]}', ""),
                                ("shell", '"Play"},"x":{', ""), ("dance", '"Play"', "dance"),
                                ("control", '"Play"', "")):
        got = L.garden_blocking_ask(garden.client, lane.encode(), content.encode(), PATIENCE, out, 100)
        assert got < 0 and garden.why() and word in garden.why(), (lane, content, got, garden.why())
    for wrong in ((None, b"shell", b'"Play"'), (garden.client, None, b'"Play"'), (garden.client, b"shell", None)):
        assert L.garden_blocking_ask(*wrong, 10, out, 100) == ARGUMENT
    L.garden_blocking_close(None)
    assert "Ok" in content_of(garden.ask("shell", "Play"))


def a_daemon_that_is_gone_is_told_and_a_new_one_is_found(garden):
    garden.start()
    garden.open()
    assert L.garden_blocking_ping(garden.client, PATIENCE) == 0
    garden.daemon.kill()
    garden.daemon.wait()
    assert L.garden_blocking_ping(garden.client, 300) == TIMEOUT
    assert L.garden_blocking_ask(garden.client, b"shell", b'"Play"', 300, None, 0) == TIMEOUT
    threading.Timer(0.3, garden.start).start()
    assert L.garden_blocking_ping(garden.client, PATIENCE) == 0
    assert content_of(garden.ask("shell", "GetTransportState"))


TESTS = (
    without_a_daemon_opening_says_so,
    a_connection_file_that_is_none_is_told_with_what_is_wrong_and_what_to_do,
    queries_and_their_rows_are_text,
    requests_and_replies_are_text,
    a_reply_that_does_not_fit_is_there_again,
    events_come_in_order_and_none_is_missed,
    wrong_words_are_refused_with_words,
    a_daemon_that_is_gone_is_told_and_a_new_one_is_found,
)


tap.run(TESTS, Garden)
