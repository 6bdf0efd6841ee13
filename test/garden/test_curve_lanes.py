#!/usr/bin/python3
"""Lanes that are encrypted: who is let in, who is not, and what they are told.

Reports in TAP.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import zmq
import zmq.auth

import tap

BIN = os.path.join(os.environ.get("O", "build"), "bin")
GARDEND, GARDENCTL = (os.path.abspath(os.path.join(BIN, name)) for name in ("gardend", "gardenctl"))
PATIENCE = 60


class Garden:
    """A folder with keys, and a daemon."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="curve.")
        os.makedirs(self.path("known"))
        for name in ("server", "friend", "stranger"):
            zmq.auth.create_certificates(self.folder, name)
        shutil.copy(self.path("friend.key"), self.path("known/friend.key"))
        self.daemon = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, *options):
        ready, write = os.pipe()
        self.daemon = subprocess.Popen(
            [GARDEND, "--run-dir", self.path("run"), "--log-level", "warning", "--ready-fd", str(write), *options],
            pass_fds=(write,), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        os.close(write)
        line = os.read(ready, 100)
        os.close(ready)
        return bool(line)

    def refused(self, *options):
        assert not self.start(*options)
        assert self.daemon.wait(PATIENCE) in (1, 2)
        return self.daemon.stderr.read()

    def connection(self):
        with open(self.path("run/connection.json"), encoding="utf-8") as file:
            return json.load(file)

    def ping(self, *options, status=0):
        return self.ctl("--timeout", "3000", *options, "ping", status=status)

    @staticmethod
    def ctl(*words, status=0):
        done = subprocess.run([GARDENCTL, *words], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False)
        assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
        return done

    def file(self):
        return ("--connection", self.path("run/connection.json"))

    def close(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            self.daemon.wait(PATIENCE)
        if self.daemon:
            self.daemon.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def the_connection_file_is_all_that_a_client_needs(garden):
    assert garden.start("--curve-key", garden.path("server.key_secret"), "--tcp", "127.0.0.1:0")
    public, _ = zmq.auth.load_certificate(garden.path("server.key"))
    assert garden.connection()["server_key"] == public.decode()
    garden.ping(*garden.file())


def the_same_over_local_sockets(garden):
    assert garden.start("--curve-key", garden.path("server.key_secret"))
    garden.ping(*garden.file())
    garden.ping("--run-dir", garden.path("run"))  # the file there has the key
    os.rename(garden.file()[1], garden.path("aside.json"))
    said = garden.ping("--timeout", "1h", "--run-dir", garden.path("run"), status=3).stderr  # without a key nobody answers
    assert "the peer offers CURVE" in said and "give its key with --server-key" in said, said
    garden.ping("--run-dir", garden.path("run"), "--server-key", garden.path("server.key"))


def only_those_on_the_list_are_let_in(garden):
    assert garden.start("--curve-key", garden.path("server.key_secret"), "--curve-allow", garden.path("known"))
    garden.ping(*garden.file(), "--key", garden.path("friend.key_secret"))
    # Each ends with the daemon's word rather than with the time that it was given.
    stranger = ("--timeout", "1h", *garden.file(), "--key", garden.path("stranger.key_secret"))
    for words in (("ping",), ("status",), ("seek", "4"), ("events", "--count", "1"), ("query", "{ Transport { position @output } }")):
        said = garden.ctl(*stranger, *words, status=3).stderr
        assert said.count("\n") == 1 and "400" in said and "does it know our key (--curve-allow)?" in said, said
    assert "our key (--key)?" in garden.ctl("--timeout", "1h", *garden.file(), "ping", status=3).stderr
    # A friend that is made while the daemon runs.
    shutil.copy(garden.path("stranger.key"), garden.path("known/stranger.key"))
    garden.ping(*garden.file(), "--key", garden.path("stranger.key_secret"))


def the_log_tells_who_was_refused_at_which_lane_and_why(garden):
    assert garden.start("--log-level", "info", "--curve-key", garden.path("server.key_secret"), "--curve-allow",
                        garden.path("known"), "--tcp", "127.0.0.1:0")
    garden.ping(*garden.file(), "--key", garden.path("friend.key_secret"))
    garden.ping(*garden.file(), "--key", garden.path("stranger.key_secret"), status=3)
    context = zmq.Context()
    plain = context.socket(zmq.DEALER)  # without encryption
    monitor = plain.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                       zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
    plain.connect(garden.connection()["endpoints"]["hb"])
    assert monitor.poll(PATIENCE * 1000)
    context.destroy(linger=0)
    host, port = garden.connection()["endpoints"]["shell"].removeprefix("tcp://").split(":")
    for _ in range(40):
        with socket.create_connection((host, int(port)), PATIENCE) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
            try:
                while stranger.recv(1000):
                    pass
            except ConnectionResetError:
                pass
    garden.daemon.send_signal(signal.SIGTERM)
    _, said = garden.daemon.communicate(timeout=PATIENCE)
    refused = [line for line in said.splitlines() if " lane refused tcp://127.0.0.1:" in line]
    assert any("its key is not among those that are let in" in line for line in refused), said
    assert any("hb lane" in line and ("mechanism" in line or "hung up" in line) for line in refused), said
    more = re.search(r"(\d+) more clients were refused", said)
    assert len(refused) == 10 and more and int(more[1]) > 20, said


def a_session_is_recorded_behind_the_encryption(garden):
    """The recorder has the key; whom it serves needs none, on this machine."""
    assert garden.start("--source", "none", "--curve-key", garden.path("server.key_secret"), "--curve-allow", garden.path("known"),
                        "--tcp", "127.0.0.1:0")
    key = ("--key", garden.path("friend.key_secret"))
    proxy, tape = garden.path("proxy"), garden.path("tape")
    recording = subprocess.Popen([GARDENCTL, "--timeout", "30000", *garden.file(), *key, "record", "--listen", proxy, tape],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + PATIENCE
        while not os.path.exists(os.path.join(proxy, "connection.json")):
            assert time.monotonic() < end and recording.poll() is None
            time.sleep(0.02)
        for words in (["seek", "16"], ["interrupt"], ["query", "{ Transport { position @output } }"]):
            done = subprocess.run([GARDENCTL, "--run-dir", proxy, "--timeout", "30000", *words], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=PATIENCE, check=False)
            assert done.returncode == 0, (words, done)
        assert "16" in done.stdout, done
        recording.send_signal(signal.SIGINT)
        assert recording.wait(PATIENCE) == 0
    finally:
        recording.kill()
        recording.communicate()
    shown = subprocess.run([GARDENCTL, "show", tape], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
                           check=True).stdout
    assert "Seek" in shown and "Interrupt" in shown and "Transport" in shown, shown


def another_daemons_key_is_no_key(garden):
    assert garden.start("--curve-key", garden.path("server.key_secret"))
    # What is said is known at once, and the time that was given is not waited for.
    said = garden.ping("--timeout", "1h", "--run-dir", garden.path("run"), "--server-key", garden.path("stranger.key"), status=3).stderr
    assert "its key is not the server key" in said and "--server-key" in said, said


def a_failure_names_what_was_given(garden):
    """The lanes' ports are counted from the one that the user wrote."""
    assert garden.start("--curve-key", garden.path("server.key_secret"), "--tcp", "127.0.0.1:0")
    given = "127.0.0.1:" + garden.connection()["endpoints"]["control"].rsplit(":", 1)[1]
    said = garden.ping("--tcp", given, status=3).stderr
    assert f"(--tcp {given})" in said and "--server-key" in said, said


def a_client_of_libzmq_with_the_key_is_served(garden):
    assert garden.start("--curve-key", garden.path("server.key_secret"), "--tcp", "127.0.0.1:0")
    where = garden.connection()
    context = zmq.Context()
    heart = context.socket(zmq.REQ)
    heart.linger = 0
    heart.rcvtimeo = PATIENCE * 1000
    heart.curve_serverkey = where["server_key"].encode()
    heart.curve_publickey, heart.curve_secretkey = zmq.curve_keypair()
    heart.connect(where["endpoints"]["hb"])
    heart.send(b"are you there?")
    assert heart.recv() == b"are you there?"
    context.destroy(linger=0)


def beyond_this_machine_a_key_is_demanded(garden):
    said = garden.refused("--tcp", "0.0.0.0:0")
    assert "--curve-key" in said, said
    said = garden.refused("--tcp", "nosuch.invalid:7400")
    assert "nosuch.invalid:7400 cannot be listened on: its host cannot be found" in said, said
    assert garden.start("--tcp", "0.0.0.0:0", "--curve-key", garden.path("server.key_secret"))


def the_connection_file_has_the_name_that_others_know(garden):
    key = ("--curve-key", garden.path("server.key_secret"))
    assert "too long" in garden.refused("--tcp", "0.0.0.0:0", "--advertise", "x" * 1000, *key)
    assert garden.start("--tcp", "0.0.0.0:0", "--advertise", "localhost", *key)
    assert all(where.startswith("tcp://localhost:") for where in garden.connection()["endpoints"].values())
    garden.ping(*garden.file())


def keys_that_are_none_are_refused_by_name(garden):
    for path, word in ((garden.path("server.key"), "_secret"), (garden.path("nonesuch"), "nonesuch"),
                       ("/etc/passwd", "/etc/passwd")):
        said = garden.refused("--curve-key", path)
        assert word in said, said
    assert "no such file; zmtp-keygen" in garden.refused("--curve-key", garden.path("nonesuch"))
    assert "--curve-key" in garden.refused("--curve-allow", garden.path("known"))
    assert "/etc/passwd: it is no key file" in garden.refused("--curve-key", "/etc/passwd")
    for path, word in ((garden.path("nonesuch"), "nonesuch cannot be read"), ("/etc/passwd", "is no certificate")):
        said = garden.refused("--curve-key", garden.path("server.key_secret"), "--curve-allow", path)
        assert "gardend: --curve-allow: /" in said and word in said, said
    assert garden.start("--curve-key", garden.path("server.key_secret"))
    garden.ping(*garden.file(), "--server-key", "short", status=2)
    assert "ends in _secret" in garden.ping(*garden.file(), "--key", garden.path("friend.key"), status=1).stderr
    for path, word in (("/etc/passwd", "is no key file"), (garden.path("nonesuch"), "is no such file")):
        said = garden.ping(*garden.file(), "--key", path, status=1).stderr
        assert f"--key {path}: " in said and word in said, said


TESTS = (
    the_connection_file_is_all_that_a_client_needs,
    the_same_over_local_sockets,
    only_those_on_the_list_are_let_in,
    the_log_tells_who_was_refused_at_which_lane_and_why,
    a_session_is_recorded_behind_the_encryption,
    another_daemons_key_is_no_key,
    a_failure_names_what_was_given,
    a_client_of_libzmq_with_the_key_is_served,
    beyond_this_machine_a_key_is_demanded,
    the_connection_file_has_the_name_that_others_know,
    keys_that_are_none_are_refused_by_name,
)


tap.run(TESTS, Garden)
