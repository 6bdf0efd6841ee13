#!/usr/bin/python3
"""gardend as a service: its configuration file, reloads, what it tells a service manager, its metrics.

Reports in TAP.
"""
import errno
import http.client
import io
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

import tap
from pygarden.preload import Preload

GARDEND, GARDENCTL = (os.path.abspath(os.path.join(os.environ.get("O", "build"), "bin", name)) for name in
                      ("gardend", "gardenctl"))
UNIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "garden", "pkg", "gardend.service.in")
PATIENCE = 60


class Service:
    """A folder, a configuration file in it, and a socket such as a service manager has."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="service.")
        self.conf = self.path("gardend.conf")
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(self.path("notify"))
        self.manager.settimeout(PATIENCE)
        self.daemon = None
        self.log = self.path("log")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, *lines):
        """The lines, after those that every daemon here has."""
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write("\n".join((f"run-dir = {self.path('run')}", "source = counter:2,48000", *lines)) + "\n")

    def start(self, *options, **env):
        with open(self.log, "w", encoding="utf-8") as log:
            self.daemon = subprocess.Popen(
                [GARDEND, "--config", self.conf, *options], stdin=subprocess.DEVNULL, stderr=log,
                env=dict(os.environ, NOTIFY_SOCKET=self.path("notify"), **env))

    def told(self):
        return self.manager.recv(1000).decode()

    def said(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read()

    def reload(self):
        self.daemon.send_signal(signal.SIGHUP)
        assert self.told() == "RELOADING=1"
        assert self.told() == "READY=1"

    def stop(self, status=0):
        self.daemon.send_signal(signal.SIGTERM)
        assert self.daemon.wait(PATIENCE) == status, self.said()

    def close(self):
        """Whatever a test did to it, a daemon that is still there ends in order."""
        ended = True
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            try:
                ended = self.daemon.wait(PATIENCE) == 0
            except subprocess.TimeoutExpired:
                ended = False
                self.daemon.kill()
                self.daemon.wait()
        self.manager.close()
        said = self.said() if self.daemon else ""
        shutil.rmtree(self.folder, ignore_errors=True)
        assert ended and "Sanitizer" not in said, said


def a_manager_hears_of_the_start_and_of_the_end(service):
    service.write()
    service.start()
    assert service.told() == "READY=1"
    assert os.path.exists(service.path("run/connection.json"))
    service.stop()
    assert service.told() == "STOPPING=1"


def a_manager_that_asks_for_it_hears_that_the_daemon_lives(service):
    service.write()
    service.start(WATCHDOG_USEC="200000")
    assert service.told() == "READY=1"
    for _ in range(3):
        assert service.told() == "WATCHDOG=1"


def a_reload_changes_what_can_change_and_tells_the_rest(service):
    service.write("log-level = warning")
    service.start()
    assert service.told() == "READY=1"
    assert "ready:" not in service.said(), "a warning level tells no more than warnings"
    service.write("log-level = info", "topics", "source = more=sine:440,1,48000", "http = 127.0.0.1:0")
    service.reload()
    said = service.said()
    assert "the options were read again" in said, said
    for name in ("topics", "sources", "http"):
        assert f"{name}: the change takes effect at the next start" in said, said
    for name in ("run-dir", "staging", "pace", "connection-file", "where it listens"):
        assert f"{name}: the change" not in said, said


def a_mistake_in_a_reload_changes_nothing(service):
    service.write("log-level = info")
    service.start()
    assert service.told() == "READY=1"
    service.write("log-level = warning", "ring-ms = many")
    service.reload()
    service.write("log-level = info")
    service.reload()
    said = service.said()
    assert "gardend.conf:4" in said and "--ring-ms takes a number from 1 to 60000, not 'many'" in said, said
    assert "the options stay as they were" in said and "the options were read again" in said, said


def lines_have_the_time_where_the_journal_does_not_stamp_them(service):
    stamp = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z gardend: info: ready: ")
    service.write()

    def ready_line(*options, **env):
        service.start(*options, **env)
        assert service.told() == "READY=1"
        service.stop()
        assert service.told() == "STOPPING=1"
        line, = (line for line in service.said().splitlines() if "ready:" in line)
        return line

    assert stamp.match(ready_line())
    assert ready_line("--log-time", "never").startswith("gardend: info: ready:")
    with open(service.log, "a", encoding="utf-8") as log:  # the same file is opened again
        at = os.fstat(log.fileno())
    journal = f"{at.st_dev}:{at.st_ino}"
    assert ready_line(JOURNAL_STREAM=journal).startswith("gardend: info: ready:")
    assert stamp.match(ready_line("--log-time", "always", JOURNAL_STREAM=journal))
    assert stamp.match(ready_line(JOURNAL_STREAM=f"{at.st_dev}:{at.st_ino + 1}")), "it is of another program"
    assert stamp.match(ready_line(JOURNAL_STREAM="nonsense"))
    service.start("--log-time", "often")
    assert service.daemon.wait(PATIENCE) == 2 and "auto, always or never, not 'often'" in service.said()


def a_configuration_may_be_missing_where_that_is_said(service):
    os.makedirs(service.path("run"), mode=0o700)
    missing = service.path("missing.conf")
    for words, status in ((["--config", missing], 2), (["--config", "-" + missing, "--help"], 0)):
        done = subprocess.run([GARDEND, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False)
        assert done.returncode == status, (words, done)
    service.conf = "-" + service.conf
    with open(service.conf[1:], "w", encoding="utf-8") as file:
        file.write("ring-ms = none\n")
    service.start("--help")
    assert service.daemon.wait(PATIENCE) == 2 and "ring-ms" in service.said(), "one that is there is read"
    os.remove(service.conf[1:])
    os.mkdir(service.conf[1:])
    service.start("--help")
    assert service.daemon.wait(PATIENCE) == 2, "what cannot be read is not missing"


def the_unit_starts_without_a_configuration_and_stages_in_a_store_on_the_disk(service):
    with open(UNIT, encoding="utf-8") as file:
        lines = [line.split("=", 1) for line in file.read().splitlines() if "=" in line and not line.startswith("#")]
    unit = dict(lines)
    home = service.path("home")
    places = {"%S": os.path.join(home, "state"), "%E": os.path.join(home, "config"), "@PREFIX@/bin": os.path.dirname(GARDEND)}
    command = unit["ExecStart"]
    for name, place in places.items():
        command = command.replace(name, place)
    for name in unit["StateDirectory"].split():
        os.makedirs(os.path.join(places["%S"], name), mode=int(unit["StateDirectoryMode"], 8), exist_ok=True)
    os.mkdir(service.path("runtime"), 0o700)
    env = dict(os.environ, NOTIFY_SOCKET=service.path("notify"), XDG_RUNTIME_DIR=service.path("runtime"))
    with open(service.log, "w", encoding="utf-8") as log:
        service.daemon = subprocess.Popen([*command.split()], stdin=subprocess.DEVNULL, stderr=log, env=env)
    assert service.told() == "READY=1", service.said()
    store = os.path.join(places["%S"], "garden", "store")
    done = subprocess.run([GARDENCTL, "--json", "capture", "--store", store, "--seconds", "1"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, env=env, timeout=PATIENCE, check=False)
    assert done.returncode == 0 and json.loads(done.stdout)["chunks"] > 0, done
    assert os.listdir(service.path("runtime/garden")) and not os.path.exists(service.path("runtime/garden/staging"))
    service.stop()


def options_behind_the_file_override_it(service):
    service.write("http = 256.0.0.1:1", "log-level = nonsense")
    service.start("--help")
    assert service.daemon.wait(PATIENCE) == 2, "the file is read before what stands behind it"
    service.write("http = 256.0.0.1:1")
    service.start("--http", "127.0.0.1:0")
    assert service.told() == "READY=1"


def files_with_mistakes_are_refused_with_the_line(service):
    mistakes = {
        "colour = red": ("gardend.conf:3", "no option 'colour'"),
        "topics = maybe": ("gardend.conf:3", "yes or no"),
        "pace": ("gardend.conf:3", "= VALUE"),
        "config = /etc/passwd": ("gardend.conf:3", "no option 'config'"),
        "help": ("gardend.conf:3", "no option 'help'"),
        "source = nothing:1": ("gardend.conf:3", "is no source"),
        "source = sine:440,2": ("gardend.conf:3", "of the form sine:FREQ,CHANNELS,RATE[,FRAMES]"),
        "http = 0.0.0.0:80": ("loopback",),
        "http = localhost": ("loopback",),
    }
    for line, words in mistakes.items():
        service.write(line)
        service.start()
        assert service.daemon.wait(PATIENCE) in (1, 2), line
        for word in words:
            assert word in service.said(), (line, service.said())
    for path, word in ((service.path("nonesuch"), "No such file"), (service.folder, "no file"),
                       ("/dev/zero", "no file")):
        service.conf = path
        service.start()
        assert service.daemon.wait(PATIENCE) == 2 and word in service.said(), (path, service.said())


def a_file_in_the_place_of_the_staging_folder_is_told(service):
    with open(service.path("plain"), "w", encoding="utf-8"):
        pass
    service.write("staging = " + service.path("plain"))
    service.start()
    assert service.daemon.wait(PATIENCE) == 1 and "plain is not a directory: remove it" in service.said(), service.said()


def flags_may_be_switched_off(service):
    service.write("topics = no", "loop = yes", "  # a comment", "", "\tring-ms\t=\t500\t")
    service.start()
    assert service.told() == "READY=1", service.said()


def ask(port, path="/metrics", method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, answer.getheader("Content-Type"), body


def port_of(service):
    end = time.monotonic() + PATIENCE
    while "metrics are at port " not in service.said():
        assert time.monotonic() < end, service.said()
        time.sleep(0.02)
    return int(service.said().split("metrics are at port ")[1].split(":")[0])


def the_metrics_are_served_and_nothing_else_is(service):
    service.write("http = 127.0.0.1:0")
    service.start()
    assert service.told() == "READY=1"
    port = port_of(service)
    status, kind, body = ask(port)
    assert status == 200 and kind.startswith("text/plain; version=0.0.4"), (status, kind)
    names = set()
    for line in body.splitlines():
        if line.startswith("# TYPE "):
            assert line.split()[2] not in names, f"{line} stands twice"
            names.add(line.split()[2])
        elif not line.startswith("#"):
            name = line.split("{")[0].split()[0]
            assert name in names, f"{name} has no type before it"
            float(line.rsplit(" ", 1)[1])
    assert {"garden_requests_total", "garden_events_total", "zmtp_messages_sent_total"} <= names, names
    assert ask(port, "/nothing")[0] == 404
    assert ask(port, "/metrics", "POST")[0] == 403  # it is no page of ours that asks
    assert ask(port, "/metrics", "PUT")[0] == 405
    assert ask(port, "/metrics", "HEAD")[0] == 200


def the_metrics_tell_of_each_stream_what_its_capture_tells(service):
    """While it runs, and with at its end, under a name that Prometheus's text has to escape."""
    store = service.path("store")
    os.makedirs(os.path.join(store, "staging"))
    service.write(f"staging = {store}/staging", "http = 127.0.0.1:0", "source = more=counter:1,8000")
    service.start()
    assert service.told() == "READY=1"
    port = port_of(service)
    capture = subprocess.Popen([GARDENCTL, "--run-dir", service.path("run"), "--json", "capture", "--store", store, "--device",
                                "more", "--uri", 'stream://a "b"\\c', "--chunk-bytes", "65536"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def counts():
        found = re.findall(r'^garden_stream_(\w+)_total\{stream="(.*)"\} (\d+)$', ask(port)[2], re.M)
        assert {uri for _, uri, _ in found} <= {'stream://a \\"b\\"\\\\c'}, found
        return {name: int(number) for name, _, number in found}
    until(lambda: counts().get("captured_frames", 0) > 0)
    told = counts()
    assert set(told) == {"offered_frames", "captured_frames", "overrun_frames", "captured_bytes"}, told
    assert told["captured_bytes"] == 4 * told["captured_frames"] and told["overrun_frames"] == 0, told
    assert told["captured_frames"] <= told["offered_frames"], told
    until(lambda: counts()["captured_frames"] > told["captured_frames"])
    capture.send_signal(signal.SIGINT)
    out, err = capture.communicate(timeout=PATIENCE)
    assert capture.returncode == 0, (out, err)
    done = json.loads(out)
    assert {name: counts()[f"{name}_frames"] for name in ("offered", "captured")} == {
        name: done[name] for name in ("offered", "captured")}, (counts(), done)
    assert counts()["overrun_frames"] == done["lost"], (counts(), done)


def the_addresses_in_the_log_are_those_that_answer(service):
    with open("/proc/net/if_inet6", encoding="ascii") if os.path.exists("/proc/net/if_inet6") else io.StringIO() as file:
        v6 = ["[::1]"] if any(line.split()[-1] == "lo" for line in file) else []
    for host in ("127.0.0.1", "127.0.0.2", "localhost", *v6):
        service.write(f"http = {host}:0")
        service.start()
        assert service.told() == "READY=1", service.said()
        port_of(service)
        said = service.said()
        told = re.findall(r"(?:metrics are at port \d+:|the page is at) (http://\S+)", said)
        assert told and all(each.startswith(f"http://{host}:") for each in told), (host, said)
        for each in told:
            with urllib.request.urlopen(each, timeout=PATIENCE) as answer:
                assert answer.status == 200, each
                page = answer.read().decode()
        # The page is the last of them; what it cannot do is told beside its address.
        assert ("make WS=1" in page) == ("shows nothing live" in said), (page, said)
        service.stop()
        assert service.told() == "STOPPING=1"


def the_help_and_the_manual_say_what_plain_endpoints_are_for(service):
    del service
    told = subprocess.run([GARDEND, "--help"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
                          check=True).stdout
    with open(os.path.join(os.path.dirname(__file__), "../../garden/man/gardend.1"), encoding="utf-8") as file:
        page = file.read()
    for text in (told, page):
        assert "plain" in text and "read no connection file" in text and "/tmp/chaosgarden-control" in text, text


def two_daemons_do_not_share_a_port_for_metrics(service):
    """Else a scraper would be answered now by the one and now by the other."""
    service.write("http = 127.0.0.1:0")
    service.start()
    assert service.told() == "READY=1"
    port = port_of(service)
    second = subprocess.run([GARDEND, "--run-dir", service.path("second"), "--http", f"127.0.0.1:{port}"],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert second.returncode == 1 and "in use" in second.stderr, second
    assert ask(port)[0] == 200
    service.stop()
    assert service.told() == "STOPPING=1"
    service.write(f"http = 127.0.0.1:{port}")  # what the connections before left behind is in nobody's way
    service.start()
    assert service.told() == "READY=1", service.said()


def strangers_at_the_metrics_harm_nobody(service):
    service.write("http = 127.0.0.1:0")
    service.start()
    assert service.told() == "READY=1"
    port = port_of(service)
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    for number, stranger in enumerate(held):
        stranger.sendall((b"GET /" + b"x" * 100_000, b"\xff\x00\x00" * 50, b"GET ")[number % 3])
    assert ask(port)[0] == 200
    for stranger in held:
        stranger.close()
    service.stop()


def ctl(service, *words):
    done = subprocess.run([GARDENCTL, "--run-dir", service.path("run"), "--timeout", str(PATIENCE * 500), *words], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def the_connection_file_is_where_it_is_wanted(service):
    elsewhere = service.path("elsewhere.json")
    service.write()
    service.start("--connection-file", elsewhere)
    assert service.told() == "READY=1"
    assert not os.path.exists(service.path("run/connection.json"))
    done = subprocess.run([GARDENCTL, "--connection", elsewhere, "ping"], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    service.stop()
    assert not os.path.exists(elsewhere)


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def what_somebody_removes_under_a_daemon_is_made_again(service):
    service.write()
    service.start("--http", "127.0.0.1:0")
    assert service.told() == "READY=1"
    port, run = port_of(service), service.path("run")
    ctl(service, "create-region", "0", "4", '{"PlayContent":{"artifact_id":"kick"}}')
    watching = subprocess.Popen([GARDENCTL, "--run-dir", run, "--json", "events", "--since", "0", "--type", "NodeAdded"],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    ctl(service, "add-node", '{"name":"m","node_type":"t","config":{}}')
    assert "NodeAdded" in watching.stdout.readline()
    with tap.halted(service.daemon):  # or it would mend what is not yet all removed
        shutil.rmtree(run)
    until(lambda: os.path.exists(os.path.join(run, "connection.json")))
    assert "kick" in ctl(service, "get-regions")
    assert "somebody removed the run directory" in service.said(), service.said()
    until(lambda: "somebody removed the state's folder" in service.said())
    until(lambda: any(name.startswith("state.") for name in os.listdir(os.path.join(run, "state"))))
    ctl(service, "add-node", '{"name":"n","node_type":"t","config":{}}')
    assert "NodeAdded" in watching.stdout.readline(), "who was connected stays so"
    watching.kill()
    watching.communicate()
    # One socket, and the connection file.
    with tap.halted(service.daemon):
        os.remove(os.path.join(run, "shell"))
        os.remove(os.path.join(run, "connection.json"))
    until(lambda: os.path.exists(os.path.join(run, "connection.json")))
    assert "kick" in ctl(service, "get-regions")
    text = ask(port)[2]
    assert "\ngarden_files_missing 0\n" in text and "\ngarden_run_directory_mended_total 2\n" in text, text
    # The staging folder, too: of the run directory, and so the daemon's to make.
    store = service.path("store")
    until(lambda: os.path.isdir(os.path.join(run, "staging")))
    os.makedirs(os.path.join(store, "staging"))
    started = subprocess.run([GARDENCTL, "--run-dir", run, "--json", "capture", "--store", store, "--seconds", "1"],
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert started.returncode == 1 and "below" in started.stderr, started  # it is no store's
    service.daemon.kill()
    service.daemon.wait()
    service.start()
    until(lambda: service.told() == "READY=1")
    assert "kick" in ctl(service, "get-regions"), "the state was kept again"


def a_staging_folder_that_is_replaced_is_followed(service):
    store = service.path("store")
    os.makedirs(os.path.join(store, "staging"))
    service.write(f"staging = {store}/staging")
    service.start("--http", "127.0.0.1:0")
    assert service.told() == "READY=1"
    port = port_of(service)
    ctl(service, "capture", "--store", store, "--seconds", "1")
    with tap.halted(service.daemon):
        shutil.rmtree(store)
    until(lambda: "garden_files_missing 1" in ask(port)[2])
    assert "was removed" in service.said() and "make it again" in service.said()
    os.makedirs(os.path.join(store, "staging"))
    until(lambda: "garden_files_missing 0" in ask(port)[2] and "was replaced" in service.said())
    ctl(service, "capture", "--store", store, "--seconds", "1")


def a_staging_folder_that_is_replaced_amid_captures_costs_them_what_is_told_and_nothing_else(service):
    """Chunks are opened on one thread while the folder that they are opened in is exchanged on another."""
    store, old, devices = service.path("store"), service.path("old"), ("default", "more")
    os.makedirs(os.path.join(store, "staging"))
    service.write(f"staging = {store}/staging", "source = more=counter:1,48000", "ring-ms = 200")
    service.start()
    assert service.told() == "READY=1"
    captures = [subprocess.Popen(
        [GARDENCTL, "--run-dir", service.path("run"), "--json", "capture", "--store", store, "--device", device,
         "--chunk-bytes", "8192"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for device in devices]
    until(lambda: sum(len(files) for _, _, files in os.walk(os.path.join(store, "objects"))) > 20)
    with tap.halted(service.daemon):
        os.rename(store, old)
        os.makedirs(os.path.join(store, "staging"))
    until(lambda: "was replaced" in service.said())
    # What their clients stage is in the old one, as they hold it: that is told, and ends neither stream nor daemon.
    until(lambda: all(f"stream://{device}/main: overrun" in service.said() for device in devices))
    for capture in captures:
        assert capture.poll() is None
        capture.send_signal(signal.SIGINT)
    for capture in captures:
        out, err = capture.communicate(timeout=PATIENCE)
        told = json.loads(out)
        assert capture.returncode == 5 and "cannot open chunk" in err, (out, err)
        assert told["complete"] and told["lost"] > 0 and told["captured"] + told["lost"] == told["offered"], told
        ctl(service, "verify", "--store", old, told["manifest"])
    for device in devices:
        ctl(service, "capture", "--store", store, "--device", device, "--seconds", "1")


def begin_with_chunk_errors(service, line):
    """A daemon whose writes of chunks fail with the number in preload's CHUNK_ERROR, and its store."""
    preload = Preload(service, CHUNK_ERROR=0)
    store = service.path("store")
    os.makedirs(os.path.join(store, "staging"))
    service.write(f"staging = {store}/staging", line)
    service.start(**{name: preload.env[name] for name in ("LD_PRELOAD", "CHUNK_ERROR", "ASAN_OPTIONS")})
    assert service.told() == "READY=1"
    return preload, store


def a_chunk_that_cannot_be_written_ends_its_stream_with_words_and_nothing_else(service):
    preload, store = begin_with_chunk_errors(service, "source = more=counter:1,48000")
    capture = subprocess.Popen([GARDENCTL, "--run-dir", service.path("run"), "--json", "capture", "--store", store, "--seconds",
                                "20", "--chunk-bytes", "65536"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    until(lambda: any(files for _, _, files in os.walk(os.path.join(store, "objects"))))
    preload.write("CHUNK_ERROR", errno.EIO)
    out, err = capture.communicate(timeout=PATIENCE)
    assert capture.returncode == 5, (out, err)
    told = json.loads(out)
    assert told["broken"] and told["lost"] > 0 and told["captured"] + told["lost"] == told["offered"], told
    for words in ("Input/output error; the disk may be failing", "the stream ends, as chunk after chunk fails"):
        assert words in err and words in service.said(), (words, err)
    assert err.count("disk may be failing") < 6, err
    ctl(service, "verify", "--store", store, told["manifest"])
    ctl(service, "ping")
    preload.write("CHUNK_ERROR", 0)
    ctl(service, "capture", "--store", store, "--device", "more", "--seconds", "1")


def a_disk_that_is_full_at_each_write_ends_no_stream_and_with_room_it_goes_on(service):
    """Where nothing can be reserved, a chunk opens and its first write fails: more often than a broken disk may."""
    preload, store = begin_with_chunk_errors(service, "ring-ms = 200")
    capture = subprocess.Popen([GARDENCTL, "--run-dir", service.path("run"), "--json", "capture", "--store", store,
                                "--chunk-bytes", "65536"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    objects = os.path.join(store, "objects")
    until(lambda: any(files for _, _, files in os.walk(objects)))
    preload.write("CHUNK_ERROR", errno.ENOSPC)
    until(lambda: service.said().count("make room on that disk") >= 5)
    assert capture.poll() is None
    before = sum(len(files) for _, _, files in os.walk(objects))
    preload.write("CHUNK_ERROR", 0)
    until(lambda: sum(len(files) for _, _, files in os.walk(objects)) > before + 3)
    capture.send_signal(signal.SIGINT)
    out, err = capture.communicate(timeout=PATIENCE)
    assert capture.returncode == 5, (out, err)
    told = json.loads(out)
    assert not told["broken"] and told["complete"] and told["lost"] > 0, told
    assert told["captured"] + told["lost"] == told["offered"], told
    ctl(service, "verify", "--store", store, told["manifest"])


def begin_capture(service, *options):
    """A daemon with a capture of many small chunks, some of which are sealed; the capture, and how many are."""
    store = service.path("store")
    os.makedirs(os.path.join(store, "staging"))
    service.write(f"staging = {store}/staging", *options)
    service.start()
    assert service.told() == "READY=1"
    capture = subprocess.Popen([GARDENCTL, "--run-dir", service.path("run"), "--json", "capture", "--store", store,
                                "--chunk-bytes", "16384"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)

    def sealed():
        return sum(len(files) for _, _, files in os.walk(os.path.join(store, "objects")))
    until(lambda: sealed() > 5)
    return capture, sealed


def end_capture(service, capture):
    assert capture.poll() is None
    capture.send_signal(signal.SIGINT)
    out, err = capture.communicate(timeout=PATIENCE)
    told = json.loads(out)
    assert told["complete"] and not told["broken"] and told["captured"] + told["lost"] == told["offered"], (told, err)
    ctl(service, "verify", "--store", service.path("store"), told["manifest"])
    return told, err


def a_daemon_without_descriptors_counts_what_it_cannot_write_and_goes_on_with_some(service):
    capture, sealed = begin_capture(service, "ring-ms = 200")
    before = resource.prlimit(service.daemon.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(service.daemon.pid, resource.RLIMIT_NOFILE, (4, before[1]))
    until(lambda: "overrun" in service.said())
    resource.prlimit(service.daemon.pid, resource.RLIMIT_NOFILE, before)
    there = sealed()
    until(lambda: sealed() > there + 5)
    told, err = end_capture(service, capture)
    assert told["lost"] > 0 and "raise the limit of open files" in err, (told, err)


def a_daemon_without_memory_refuses_what_needs_much_and_its_streams_go_on(service):
    capture, sealed = begin_capture(service)
    with open(f"/proc/{service.daemon.pid}/status", encoding="ascii") as file:
        size = 1024 * int(re.search(r"^VmSize:\s+(\d+)", file.read(), re.M).group(1))
    if size > 1 << 40:
        end_capture(service, capture)
        raise tap.Skipped("a sanitizer has reserved all the memory that there is")
    before = resource.prlimit(service.daemon.pid, resource.RLIMIT_AS)
    resource.prlimit(service.daemon.pid, resource.RLIMIT_AS, (size + (2 << 20), before[1]))
    region = ["create-region", "0", "4", json.dumps({"PlayContent": {"artifact_id": "x" * 60000}})]
    refused = None
    for _ in range(1000):
        done = subprocess.run([GARDENCTL, "--run-dir", service.path("run"), "--timeout", "2000", *region],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode != 0:
            refused = done
            break
    assert refused and ("be kept" in refused.stderr or "memory" in refused.stderr), refused
    there = sealed()
    until(lambda: sealed() > there + 5)
    resource.prlimit(service.daemon.pid, resource.RLIMIT_AS, before)
    until(lambda: subprocess.run([GARDENCTL, "--run-dir", service.path("run"), *region], stdin=subprocess.DEVNULL,
                                 capture_output=True, timeout=PATIENCE, check=False).returncode == 0)
    end_capture(service, capture)


def a_place_that_another_daemon_took_meanwhile_is_left_to_it(service):
    service.write()
    service.start("--http", "127.0.0.1:0")
    assert service.told() == "READY=1"
    port, run, first = port_of(service), service.path("run"), service.daemon
    first.send_signal(signal.SIGSTOP)
    shutil.rmtree(run)
    second = subprocess.Popen([GARDEND, "--config", service.conf], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env=dict(os.environ, NOTIFY_SOCKET=service.path("notify")))
    try:
        assert service.told() == "READY=1"
        first.send_signal(signal.SIGCONT)
        until(lambda: "in use by another daemon" in service.said())
        until(lambda: "\ngarden_files_missing 1\n" in ask(port)[2])
        first.send_signal(signal.SIGTERM)
        assert first.wait(PATIENCE) == 0
        assert service.said().count("in use by another daemon") == 1, "it is told once"
        ctl(service, "ping")
    finally:
        second.terminate()
        second.wait(PATIENCE)


def positions_come_as_often_as_is_wanted(service):
    """The shortest time between two of them tells: a busy machine can only make it longer."""
    for options, least, most in ((("--position-ms", "20"), 0.0, 0.05), ((), 0.05, 1)):
        service.write()
        service.start(*options)
        assert service.told() == "READY=1"
        events = subprocess.Popen([GARDENCTL, "--run-dir", service.path("run"), "--json", "events", "--type", "PlaybackPosition"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        ctl(service, "play")
        seconds = [json.loads(events.stdout.readline())["content"]["PlaybackPosition"]["second"] for _ in range(12)]
        events.kill()
        events.communicate()
        between = min(after - before for before, after in zip(seconds, seconds[1:]))
        assert least < between < most, (options, seconds)
        service.stop()
        assert service.told() == "STOPPING=1"


def a_reload_changes_how_often_positions_come_while_the_transport_plays(service):
    """Once a minute before it: more than one would be waited for in vain."""
    service.write("position-ms = 60000")
    service.start()
    assert service.told() == "READY=1"
    events = subprocess.Popen([GARDENCTL, "--run-dir", service.path("run"), "--json", "events", "--type", "PlaybackPosition"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    ctl(service, "play")
    service.write("position-ms = 20")
    service.reload()
    begun = time.monotonic()
    seconds = [json.loads(events.stdout.readline())["content"]["PlaybackPosition"]["second"] for _ in range(5)]
    assert time.monotonic() - begun < PATIENCE and seconds == sorted(seconds), seconds
    events.kill()
    events.communicate()


def changes_are_synced_as_often_as_is_wanted(service):
    """Each of twenty, or hardly any."""
    preload = Preload(service, SYNCS=0)
    counts = {}
    for sync_ms in ("0", "60000"):
        service.write()
        service.start("--state-sync-ms", sync_ms, "--state", service.path(f"state{sync_ms}"),
                      **{name: preload.env[name] for name in ("LD_PRELOAD", "SYNCS", "ASAN_OPTIONS")})
        assert service.told() == "READY=1"
        before = preload.read("SYNCS")
        for number in range(20):
            ctl(service, "set-tempo", str(100 + number))
        counts[sync_ms] = preload.read("SYNCS") - before
        service.stop()
        assert service.told() == "STOPPING=1"
    assert counts["0"] >= 20 and counts["60000"] < 5, counts


TESTS = (
    a_manager_hears_of_the_start_and_of_the_end,
    a_manager_that_asks_for_it_hears_that_the_daemon_lives,
    a_reload_changes_what_can_change_and_tells_the_rest,
    a_mistake_in_a_reload_changes_nothing,
    lines_have_the_time_where_the_journal_does_not_stamp_them,
    a_configuration_may_be_missing_where_that_is_said,
    the_unit_starts_without_a_configuration_and_stages_in_a_store_on_the_disk,
    options_behind_the_file_override_it,
    files_with_mistakes_are_refused_with_the_line,
    a_file_in_the_place_of_the_staging_folder_is_told,
    flags_may_be_switched_off,
    the_metrics_are_served_and_nothing_else_is, the_metrics_tell_of_each_stream_what_its_capture_tells, the_addresses_in_the_log_are_those_that_answer,
    the_help_and_the_manual_say_what_plain_endpoints_are_for,
    two_daemons_do_not_share_a_port_for_metrics,
    strangers_at_the_metrics_harm_nobody,
    the_connection_file_is_where_it_is_wanted,
    what_somebody_removes_under_a_daemon_is_made_again,
    a_staging_folder_that_is_replaced_is_followed,
    a_staging_folder_that_is_replaced_amid_captures_costs_them_what_is_told_and_nothing_else,
    a_chunk_that_cannot_be_written_ends_its_stream_with_words_and_nothing_else,
    a_disk_that_is_full_at_each_write_ends_no_stream_and_with_room_it_goes_on,
    a_daemon_without_descriptors_counts_what_it_cannot_write_and_goes_on_with_some,
    a_daemon_without_memory_refuses_what_needs_much_and_its_streams_go_on,
    a_place_that_another_daemon_took_meanwhile_is_left_to_it,
    positions_come_as_often_as_is_wanted,
    a_reload_changes_how_often_positions_come_while_the_transport_plays,
    changes_are_synced_as_often_as_is_wanted,
)


tap.run(TESTS, Service)
