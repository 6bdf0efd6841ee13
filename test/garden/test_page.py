#!/usr/bin/python3
"""The live page: what gardend --http serves and to whom, the page's JavaScript in node, the page in Chromium,
and a library of others on its lanes. Where node, Chromium or the packages of npm are not, their tests are
skipped: make page has them.

Reports in TAP.
"""
import http.client
import json
import math
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import uuid
import wave

import tap

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("O", "build"))
GARDEND, GARDENCTL = (os.path.join(BUILD, "bin", name) for name in ("gardend", "gardenctl"))
MODULES = os.path.join(BUILD, "page")
SCRIPTS = os.path.join(TOP, "test", "garden", "page")
PATIENCE = 100
TOKEN = "a-token_that-4-nobody-guesses"
LANES = ("control", "shell", "iopub", "hb", "query")


def six_ports():
    """The first of six that nobody has, below those that the system gives to whoever asks for any."""
    for base in random.sample(range(12000, 30000, 6), 200):
        held = []
        try:
            for port in range(base, base + 6):
                held.append(socket.socket())
                held[-1].bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
        finally:
            for one in held:
                one.close()
    raise tap.Skipped("there are no six free ports in a row")


class Daemon:
    """A gardend with a page, and a store for what is captured."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="page.")
        self.process, self.port, self.browsers = None, 0, []

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, *options, port=None, wait=True):
        os.makedirs(self.path("store/staging"), exist_ok=True)
        self.port = self.port or six_ports()
        with open(self.path("log"), "a", encoding="utf-8") as log:
            log.write("---- start\n")
            log.flush()
            self.process = subprocess.Popen(
                [GARDEND, "--run-dir", self.path("run"), "--staging", self.path("store/staging"), "--http",
                 f"127.0.0.1:{self.port if port is None else port}", "--source", "tone=sine:220,2,48000", "--source",
                 "mic=noise:2,48000", *options], stdin=subprocess.DEVNULL, stderr=log)
        if not wait:
            return
        self.until(lambda: "ready:" in self.said(), self.said)
        self.port = int(re.search(r"metrics are at port (\d+)", self.said()).group(1))

    def said(self):
        """Since the last start."""
        with open(self.path("log"), encoding="utf-8") as log:
            return log.read().rpartition("---- start\n")[2]

    @staticmethod
    def until(condition, words):
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, words()
            time.sleep(0.02)

    def ask(self, path, method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, headers=dict(headers))
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body

    def lanes(self, **headers):
        return json.loads(self.ask("/lanes.json", **headers)[2])

    def needs_websocket(self):
        if not self.lanes()["endpoints"]["shell"]:
            raise tap.Skipped("this build is without WebSocket: WS=1")

    def ctl(self, *words):
        done = subprocess.run([GARDENCTL, "--run-dir", self.path("run"), "--timeout", str(PATIENCE * 500), *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout.strip()

    def browse(self, scenario, path="/"):
        return Browser(self, scenario, path)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        for browser in self.browsers:
            browser.end()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def need_node(*modules):
    node = shutil.which("node")
    if not node:
        raise tap.Skipped("there is no node")
    for name in modules:
        if not os.path.isdir(os.path.join(MODULES, "node_modules", name)):
            raise tap.Skipped(f"there is no {name}: make page installs it")
    return node


def need_chromium():
    chromium = shutil.which("chromium")
    if not chromium:
        raise tap.Skipped("there is no chromium: make page installs it")
    return chromium


class Browser:
    """A scenario of browser.mjs, step by step."""

    def __init__(self, daemon, scenario, path):
        daemon.browsers.append(self)
        self.process = None
        node, chromium = need_node("playwright-core"), need_chromium()
        daemon.needs_websocket() if path == "/" else None
        self.process = subprocess.Popen(
            [node, os.path.join(SCRIPTS, "browser.mjs"), scenario, f"http://127.0.0.1:{daemon.port}{path}", chromium, MODULES],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def step(self, name):
        line = self.process.stdout.readline()
        told = json.loads(line) if line else {"step": "nothing, it has ended"}
        assert told["step"] == name, told
        return told

    def go(self, word="go"):
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


# ---- Over HTTP

def the_page_is_whole_and_strict(daemon):
    daemon.start()
    status, headers, body = daemon.ask("/")
    assert status == 200 and headers["content-type"].startswith("text/html"), (status, headers)
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';"), policy
    assert "frame-ancestors 'none'" in policy and "unsafe" not in policy and "*" not in policy, policy
    assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store", headers
    endpoints = daemon.lanes()["endpoints"]
    wanted, found = set(re.findall(r'(?:src|href)="([a-z-]+\.(?:js|css))"', body)), {}
    while wanted - set(found):  # what these want, too
        name = sorted(wanted - set(found))[0]
        status, _, found[name] = daemon.ask(f"/{name}")
        assert status == 200, name
        wanted |= set(re.findall(r"^import .* from '\./([a-z-]+\.js)';$", found[name], re.M))
    assert len(found) > 12 or not any(endpoints.values()), sorted(found)  # without WebSocket it says so, and is one file
    for lane in LANES:
        if endpoints[lane]:
            assert f" {endpoints[lane].partition('/lanes/')[0]}" in policy, (lane, policy)
    assert daemon.ask("/nothing")[0] == 404 and daemon.ask("/../etc/passwd")[0] == 404


def a_build_without_websocket_says_which_switch_is_off(daemon):
    daemon.start()
    if daemon.lanes()["endpoints"]["shell"]:
        raise tap.Skipped("this build is with WebSocket; WS=0 tells")
    body = daemon.ask("/")[2]
    assert "make WS=1" in body and daemon.ask("/metrics")[0] == 200, body


def no_page_leaves_the_metrics_alone(daemon):
    daemon.start("--no-page")
    assert daemon.ask("/")[0] == 404 and daemon.ask("/lanes.json")[0] == 404
    assert daemon.ask("/metrics")[0] == 200
    assert daemon.ask("/captures?device=tone&uri=x", "POST", Origin=f"http://127.0.0.1:{daemon.port}")[0] == 405


def names_that_others_lead_here_are_refused(daemon):
    """DNS rebinding: a name of theirs with our address."""
    daemon.start("--http-host", "studio.example")
    for host in ("127.0.0.1", f"localhost:{daemon.port}", "[::1]:80", "studio.example", "Studio.Example:443", "127.9.9.9"):
        assert daemon.ask("/", Host=host)[0] == 200, host
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "0.0.0.0", "[::2]", "studio.example.org"):
        assert daemon.ask("/", Host=host)[0] == 403, host
        assert daemon.ask("/lanes.json", Host=host)[0] == 403, host


def pages_of_others_are_refused(daemon):
    daemon.start()
    ours = f"http://localhost:{daemon.port}"
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", f"https://127.0.0.1:{daemon.port}", f"{ours}.evil.example"):
        assert daemon.ask("/lanes.json", Origin=origin)[0] == 403, origin
        assert daemon.ask("/captures?device=tone&uri=x", "POST", Origin=origin)[0] == 403, origin
    assert daemon.ask("/captures?device=tone&uri=x", "POST")[0] == 403, "a form of another page's may come without one"
    assert daemon.ask("/lanes.json", Origin=ours)[0] == 200
    assert daemon.ask("/captures", "POST", Origin=ours)[0] == 400
    assert json.loads(daemon.ask("/captures.json")[2]) == []


def upgrade(endpoint, **headers):
    """The status of a WebSocket's handshake, and the connection."""
    host, path = re.match(r"ws://([^/]*)(/.*)", endpoint).groups()
    name, port = host.rsplit(":", 1)
    connection = socket.create_connection((name, int(port)), timeout=PATIENCE)
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol: ZWS2.0",
             *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    connection.sendall("\r\n".join(lines).encode())
    answer = connection.recv(4096).decode(errors="replace")
    connection.close()
    return int(answer.split()[1])


def the_lanes_take_pages_of_this_server_alone(daemon):
    daemon.start()
    daemon.needs_websocket()
    for endpoint in daemon.lanes()["endpoints"].values():
        assert upgrade(endpoint, Origin=f"http://127.0.0.1:{daemon.port}") == 101, endpoint
        assert upgrade(endpoint) == 101, "programs tell no origin"
        for origin in ("http://evil.example", "null", f"http://127.0.0.1:{daemon.port + 1}"):
            assert upgrade(endpoint, Origin=origin) == 403, (endpoint, origin)


def a_token_is_asked_for_everywhere(daemon):
    with open(daemon.path("token"), "w", encoding="utf-8") as file:
        file.write(f"{TOKEN}\n")
    daemon.start("--http-token", daemon.path("token"))
    for path in ("/", "/metrics", "/lanes.json", "/stats.json", "/page.js", "/?token=wrong", f"/metrics?token={TOKEN}"):
        status, _, body = daemon.ask(path)
        assert status == 401 and TOKEN not in body, (path, status)
    assert daemon.ask("/", Authorization=f"Bearer {TOKEN}x")[0] == 401
    assert daemon.ask("/metrics", Authorization=f"Bearer {TOKEN}")[0] == 200
    status, headers, _ = daemon.ask(f"/?token={TOKEN}")
    assert status == 200 and "HttpOnly; SameSite=Strict" in headers["set-cookie"], headers
    cookie = headers["set-cookie"].partition(";")[0]
    assert daemon.ask("/lanes.json", Cookie=cookie)[0] == 200
    assert TOKEN not in daemon.said()
    shell = daemon.lanes(Cookie=cookie)["endpoints"]["shell"]
    if shell:
        assert upgrade(shell) == 101 and upgrade(shell.replace(TOKEN, "")) == 404 and upgrade(shell + "x") == 404


def tokens_that_are_none_are_refused_with_words(daemon):
    for number, token in enumerate(("short", "with spaces in it, and long", "x" * 129, "")):
        path = daemon.path(f"token{number}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(token)
        daemon.start("--http-token", path, wait=False)
        assert daemon.process.wait(PATIENCE) == 2 and "16 to 128 letters" in daemon.said(), daemon.said()
    daemon.start("--http-token", daemon.path("nonesuch"), wait=False)
    assert daemon.process.wait(PATIENCE) == 2 and "No such file" in daemon.said(), daemon.said()


def a_capture_that_cannot_be_says_why(daemon):
    daemon.start()
    ours = f"http://127.0.0.1:{daemon.port}"
    for words, what in (("device=tone", "uri:"), ("uri=stream://x", "device:"), ("device=-x&uri=stream://x", "device:"),
                        ("device=tone&uri=x", "uri:"), ("device=tone&uri=stream://x%0a", "uri:")):
        status, _, body = daemon.ask(f"/captures?{words}", "POST", Origin=ours)
        assert status == 400 and body.startswith(what), (words, status, body)
    assert daemon.ask("/captures?device=nonesuch&uri=stream://x", "POST", Origin=ours)[0] == 200
    daemon.until(lambda: json.loads(daemon.ask("/captures.json")[2])[0]["state"] == "failed", daemon.said)
    assert "no source 'nonesuch'" in json.loads(daemon.ask("/captures.json")[2])[0]["output"]
    for number in ("1", "77", "", "x"):
        assert daemon.ask(f"/captures/stop?id={number}", "POST", Origin=ours)[0] == 409, number


def ports_that_are_taken_are_no_hindrance(daemon):
    daemon.start()
    daemon.needs_websocket()
    first = daemon.port
    ports = [int(re.search(r":(\d+)/", endpoint).group(1)) for endpoint in daemon.lanes()["endpoints"].values()]
    if ports != [first + 1 + i for i in range(5)]:
        raise tap.Skipped("another process has one of the five ports")
    daemon.kill()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", first + 2))
        taken.listen()
        daemon.start(port=first)
        shell = daemon.lanes()["endpoints"]["shell"]
        assert f":{first + 2}/" not in shell and upgrade(shell) == 101, shell


# ---- The client of the page in node

def the_javascript_alone_does_what_it_says(daemon):
    del daemon
    done = subprocess.run([need_node(), os.path.join(SCRIPTS, "unit.mjs")], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0 and done.stdout.count("\nok ") >= 32 and "not ok" not in done.stdout, done.stdout + done.stderr


def begin_capture(daemon):
    """By the page's request, without the page; until three chunks are sealed."""
    status, _, body = daemon.ask("/captures?device=tone&uri=stream://tone/main", "POST", Origin=f"http://127.0.0.1:{daemon.port}")
    assert status == 200, body
    daemon.until(lambda: "chunk 2 sealed" in json.loads(daemon.ask("/captures.json")[2])[0]["output"], daemon.said)


def manifests(daemon):
    """Of the recordings in the store that are over."""
    if os.listdir(daemon.path("store/recordings")):
        return []
    found = [os.path.join(folder, name) for folder, _, names in os.walk(daemon.path("store/objects")) for name in names]
    out = []
    for path in found:
        with open(path, "rb") as file:
            octets = file.read(1 << 16)
        if octets.startswith(b"{") and b"total_samples" in octets:
            out.append(json.loads(octets))
    return out


def a_shutdown_lets_the_page_s_capture_end_in_good_order(daemon):
    daemon.start()
    begin_capture(daemon)
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(PATIENCE) == 0, daemon.said()
    daemon.until(lambda: len(manifests(daemon)) == 1, daemon.said)
    manifest = manifests(daemon)[0]
    assert manifest["complete"] and len(manifest["chunks"]) >= 3, manifest


def a_capture_outlives_a_daemon_that_was_killed(daemon):
    """Its client is a process of its own, and seals what was written when another daemon is there."""
    daemon.start()
    begin_capture(daemon)
    daemon.kill()
    daemon.start()
    assert json.loads(daemon.ask("/captures.json")[2]) == [], "it is not this daemon's"
    daemon.until(lambda: len(manifests(daemon)) == 1, daemon.said)
    assert len(manifests(daemon)[0]["chunks"]) >= 3


def jszmq_reads_the_same_lane(daemon):
    node = need_node("jszmq")
    daemon.start()
    daemon.needs_websocket()
    reader = subprocess.Popen([node, os.path.join(SCRIPTS, "jszmq.mjs"), daemon.lanes()["endpoints"]["iopub"], MODULES],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        assert reader.stdout.readline().strip() == "Welcome"
        daemon.ctl("play")
        assert reader.stdout.readline().strip() == "PlaybackStarted"
        assert reader.stdout.readline().strip() == "PlaybackPosition"
    finally:
        reader.kill()
        reader.communicate()


# ---- The page in Chromium

def read_object(daemon, name):
    with open(daemon.path(f"store/objects/{name[:2]}/{name[2:]}"), encoding="utf-8") as file:
        return json.load(file)


def a_capture_from_the_page_shows_what_the_manifest_has(daemon):
    daemon.start()
    browser = daemon.browse("capture")
    during = browser.step("during")
    assert during["state"] == "recording" and during["painted"] and during["filling"] == 1, during
    assert during["greatest"] == 500 and during["least"] == -500, during  # a sine of half of full scale
    browser.go()
    after = browser.step("after")
    browser.go()
    browser.step("done")
    manifest = read_object(daemon, after["manifest"])
    chunks = manifest["chunks"]
    assert [(chunk["first"], chunk["frames"], chunk["bytes"]) for chunk in after["chunks"]] == [
        (chunk["first_sample"], chunk["sample_count"], chunk["byte_count"]) for chunk in chunks], (after, manifest)
    assert [chunk["hash"] for chunk in after["chunks"]] == [chunk["hash"][:16] for chunk in chunks], (after, manifest)
    assert all(chunk["state"] == "sealed" for chunk in after["chunks"])
    total = sum(chunk["sample_count"] for chunk in chunks)
    lost = sum(gap["sample_count"] for gap in manifest["gaps"])
    assert f"captured{total:,}" in after["figures"] and f"overrun{lost}" in after["figures"], (after, manifest)
    subprocess.run([GARDENCTL, "verify", "--store", daemon.path("store"), after["manifest"]], check=True, timeout=PATIENCE,
                   stdout=subprocess.DEVNULL)


def the_page_comes_back_with_a_daemon_that_was_killed(daemon):
    daemon.start()
    browser = daemon.browse("restart")
    browser.step("kill")
    endpoints = daemon.lanes()["endpoints"]
    daemon.kill()
    browser.go()
    waiting = browser.step("start")
    assert "waiting: gardend does not answer at 127.0.0.1" in waiting["state"] and waiting["disabled"], waiting
    daemon.start()
    moved = daemon.lanes()["endpoints"] != endpoints  # somebody took a port meanwhile: then it loads itself anew
    browser.go()
    assert ("welcome" if moved else "started anew") in browser.step("back")["log"]
    browser.go()
    browser.step("done")


def the_page_follows_lanes_that_moved(daemon):
    daemon.start()
    browser = daemon.browse("moved")
    browser.step("kill")
    shell = daemon.lanes()["endpoints"]["shell"]
    daemon.kill()
    browser.go()
    browser.step("start")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(re.search(r":(\d+)/", shell).group(1))))
        taken.listen()
        daemon.start()
        assert daemon.lanes()["endpoints"]["shell"] != shell
        browser.go()
        browser.step("back")
        browser.go()
        browser.step("done")


def progress_of(region, number):
    return {"UpdateLatentProgress": {"region_id": region, "progress": number % 100 / 100}}


def flood(daemon, region, count, rate=None):
    """So many requests, each of which is told by an event: |rate| a second, or as fast as can be. Returns how
    long they took."""
    return ask_all(daemon, (progress_of(region, number) for number in range(count)), rate)


def ask_all(daemon, contents, rate=None):
    """Asks shell all of that; what was answered has no error in it."""
    try:
        import zmq
    except ImportError:
        raise tap.Skipped("there is no pyzmq") from None
    context = zmq.Context()
    shell = context.socket(zmq.DEALER)
    shell.set_hwm(0)
    shell.connect(f"ipc://{daemon.path('run/shell')}")
    session, begun, answered, count = str(uuid.uuid4()), time.monotonic(), 0, 0
    for number, content in enumerate(contents):
        count += 1
        shell.send_string(
            f'{{"header":{{"msg_id":"{uuid.UUID(int=number + (int(begun * 1e9) << 32))}","session":"{session}","msg_type":"shell_request","version":"0.1.0",'
            f'"timestamp":"2026-01-01T00:00:00Z"}},"parent_header":null,"metadata":{{}},"content":{json.dumps(content)}}}')
        if rate and number % 100 == 0:
            time.sleep(max(0.0, begun + number / rate - time.monotonic()))
        while shell.poll(0):
            answer = shell.recv()
            assert b'"Error"' not in answer, answer
            answered += 1
    while answered < count:
        assert shell.poll(PATIENCE * 1000), answered
        answer = shell.recv()
        assert b'"Error"' not in answer, answer
        answered += 1
    took = time.monotonic() - begun
    context.destroy(linger=0)
    return took


def a_flood_of_events_does_not_freeze_the_page(daemon):
    """Ten thousand a second for some seconds, then tens of thousands as fast as they can be made: each is shown
    or counted."""
    count = 40000
    daemon.start("--state", "none")
    region = daemon.ctl("create-region", "0", "4", '{"Latent":{"job_id":"choir"}}')
    daemon.ctl("update-latent-started", region, "choir")
    browser = daemon.browse("flood")
    browser.step("flood")
    took = flood(daemon, region, count, 10000)
    burst_took = flood(daemon, region, count)
    browser.go(str(int(re.search(r"^garden_events_total (\d+)", daemon.ask("/metrics")[2], re.M).group(1))))
    over = browser.step("over")
    browser.go()
    browser.step("done")
    print(f"# {count / took:.0f} events a second, then {count / burst_took:.0f}; {over['frames']} frames, the longest {over['longest']:.0f} ms, "
          f"clicks answered in {over['clicks']} ms; {over['events']} read, {over['missed']} missed, {over['unread']} too fast")
    assert over["events"] + over["missed"] + over["unread"] >= 2 * count, over
    assert over["log"] <= 2500 and over["rows"] <= 150, over
    # Bounds that a busy machine keeps as well: a page that froze would draw nothing until all was read.
    assert over["frames"] >= 10 and over["longest"] < 30000 and max(over["clicks"]) < 60000, over


def the_page_can_be_used_without_a_mouse(daemon):
    daemon.start()
    for name, at in (("choir", "0"), ("brass", "8")):
        region = daemon.ctl("create-region", at, "4", json.dumps({"Latent": {"job_id": name}}))
        daemon.ctl("update-latent-started", region, name)
        daemon.ctl("update-latent-resolved", region, name, "aabb", "Audio")
    browser = daemon.browse("keyboard")
    told = browser.step("seen")
    browser.go()
    browser.step("done")
    names = [one["name"] for one in told["seen"]]
    for name in ("Play", "Stop", "Pause now", "Playhead", "Approve choir", "Reject brass", "Capture", "Seek to beat", "Tempo, bpm"):
        assert name in names, (name, names)
    for one in told["seen"]:
        assert one["name"] == "" or one["ring"] == "solid", one
    assert "LatentApproved" in told["events"] and "LatentRejected" not in told["events"], told["events"]


def a_latent(daemon, name, at, until="resolved"):
    region = daemon.ctl("create-region", str(at), "4", json.dumps({"Latent": {"job_id": name}}))
    daemon.ctl("update-latent-started", region, name)
    if until == "resolved":
        daemon.ctl("update-latent-resolved", region, name, "aabb", "Audio")
    return region


def every_function_has_its_keys_and_the_focus_is_never_lost(daemon):
    daemon.start()
    brass, *_ = (a_latent(daemon, name, at) for name, at in (("brass", 0), ("choir", 4), ("drums", 8)))
    me = str(uuid.uuid4())
    browser = daemon.browse("keys")
    browser.step("reorder")
    daemon.ctl("approve-latent", brass, me)
    browser.go()
    told = browser.step("seen")
    browser.go()
    browser.step("done")
    assert told["skip"] == "To the events" and told["named"] == "stream://mic/main" and told["stopped"] == "stream://mic/keys", told
    assert told["kept"] == "Reject choir" and told["passed"] == "Reject drums", told
    assert told["notice"].startswith("Tempo: ") and told["paused"] == "true", told


# What may stand wherever somebody chooses a name.
ODD_NAMES = ("\u202eevil\u202c", "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd", "\u0645\u0631\u062d\u0628\u0627", "x" * 4000, "\x07\x1b[31m\x9b\n\t\u2028.",
             "<img src=x onerror=globalThis.injected=1><b>bold</b>", "a" + "\u0301" * 500, "\U0001f600" * 300, "\u2067\u2067\u2067isolated", "  ", "\"'`;--&amp;")


def names_of_every_kind_break_nothing(daemon):
    daemon.start()
    ids = [str(uuid.uuid4()) for _ in ODD_NAMES]
    ask_all(daemon, ({"RegisterParticipant": {"participant": {"id": one, "name": name, "capabilities": [name]}}} for one, name in zip(ids, ODD_NAMES)))
    regions = [daemon.ctl("create-region", str(number), "4", json.dumps({"Latent": {"job_id": name}})) for number, name in enumerate(ODD_NAMES)]
    for number, (region, name) in enumerate(zip(regions, ODD_NAMES)):
        ask_all(daemon, [{"UpdateLatentStarted": {"region_id": region, "job_id": name}},
                         {"UpdateLatentFailed": {"region_id": region, "error": name}} if number % 2 else
                         {"UpdateLatentResolved": {"region_id": region, "artifact_id": name, "content_hash": "aa", "content_type": "Audio"}}])
    ours = f"http://127.0.0.1:{daemon.port}"
    for name in ("stream://" + "y" * 400, "stream://%E2%80%AEevil", "stream://%D7%A9%D7%9C%D7%95%D7%9D", "stream://%3Cimg%20src=x%3E"):
        daemon.ask(f"/captures?device=tone&uri={name}", "POST", Origin=ours)
    browser = daemon.browse("names")
    told = browser.step("seen")
    browser.go()
    browser.step("done")
    assert told["injected"] is None and told["foreign"] == 0, told
    assert told["odd"] == [], told["odd"]
    assert all(surplus <= 0 for surplus in told["wide"].values()), told["wide"]
    assert told["highest"] < 500, told["highest"]
    assert any("\\u202eevil" in one for one in told["latents"]) and any(len(one) > 100 for one in told["latents"]), told["latents"]
    assert any(one.startswith("Approve \u2068") and one.endswith("\u2069") for one in told["buttons"]), told["buttons"]


def a_thousand_regions_and_ten_streams_are_drawn(daemon):
    daemon.start("--state", "none", *(word for i in range(8) for word in ("--source", f"s{i}=sine:{200 + i},2,48000")))
    ask_all(daemon, ({"CreateRegion": {"position": number % 700, "duration": 8, "behavior": {"Latent": {"job_id": f"job {number}"}} if number % 2 else
                                       {"PlayContent": {"content_type": "Audio", "artifact_id": f"take {number}"}}}} for number in range(1199)))
    region = daemon.ctl("create-region", "0", "4", '{"Latent":{"job_id":"choir"}}')
    daemon.ctl("update-latent-started", region, "choir")
    for device in ("tone", "mic", *(f"s{i}" for i in range(8))):
        assert daemon.ask(f"/captures?device={device}&uri=stream://{device}/main", "POST", Origin=f"http://127.0.0.1:{daemon.port}")[0] == 200
    daemon.until(lambda: all("sealed" in one["output"] for one in json.loads(daemon.ask("/captures.json")[2])),
                 lambda: f'{[one for one in json.loads(daemon.ask("/captures.json")[2]) if "sealed" not in one["output"]]} {daemon.said()}')
    browser = daemon.browse("many")
    browser.step("flood")
    flood(daemon, region, 5000, 5000)
    browser.go()
    told = browser.step("seen")
    browser.go()
    browser.step("done")
    frames = told["frames"]
    print(f"# 120 frames: median {frames[60]:.0f} ms, the longest {frames[-1]:.0f} ms")
    assert told["drawn"] == 1000 and told["note"] == "The first 1,000 of 1,200 regions are drawn.", told
    assert told["latents"] == 50 and told["latentNote"].startswith("50 of 600 are listed"), told
    assert told["high"] < 600 and told["streams"] == told["painted"] == 10 and told["wide"] <= 0, told
    assert frames[60] < 1000, frames


def a_daemon_of_another_state_keeps_what_was_typed(daemon):
    """Another store, another session, fewer regions and other sources than the one before."""
    daemon.start("--state", daemon.path("first"))
    for at in range(5):
        a_latent(daemon, f"take {at}", at * 4)
    browser = daemon.browse("another")
    browser.step("kill")
    daemon.kill()
    browser.go()
    browser.step("start")
    shutil.move(daemon.path("store"), daemon.path("older"))
    daemon.start("--state", daemon.path("second"), "--source", "more=noise:1,8000")
    browser.go()
    told = browser.step("seen")
    browser.go()
    browser.step("done")
    assert told["device"] == "mic" and told["uri"] == "stream://mic/typed" and told["focus"] == "uri" and told["paused"] == "true", told
    assert told["regions"] == 0 and told["streams"] == 0 and "more" in told["devices"], told
    assert told["faintWhileWaiting"] == [], told


def it_can_be_read_by_everybody(daemon):
    daemon.start()
    for name, at, until in (("choir", 0, "resolved"), ("brass", 8, "running")):
        a_latent(daemon, name, at, until)
    daemon.ctl("create-region", "0", "8", '{"PlayContent":{"artifact_id":"kick"}}')
    daemon.ctl("register-participant", json.dumps({"id": str(uuid.uuid4()), "name": "composer", "capabilities": ["compose"]}))
    browser = daemon.browse("look")
    told = browser.step("seen")
    browser.go()
    browser.step("done")
    assert told["faint"] == {"light": [], "dark": []}, told["faint"]
    assert all(surplus <= 0 for surplus in told["wide"].values()), told["wide"]
    assert told["grows"] == 2, told
    assert told["steps"][0] <= told["steps"][1] and told["moves"] == 0, told
    assert told["unnamed"] == [] and told["broken"] == [] and {"state", "notice", "said", "trouble"} <= set(told["live"]), told
    assert told["regions"] >= 2, "in the timeline and among the latent ones"


def a_token_that_changed_is_told_and_the_new_one_opens_the_page_again(daemon):
    need_chromium()

    def tell(secret):
        with open(daemon.path("token"), "w", encoding="utf-8") as file:
            file.write(secret)

    tell(TOKEN)
    daemon.start("--http-token", daemon.path("token"))
    if not daemon.lanes(Authorization=f"Bearer {TOKEN}")["endpoints"]["shell"]:
        raise tap.Skipped("this build is without WebSocket: WS=1")
    browser = daemon.browse("secrets", f"/?token={TOKEN}")
    browser.step("changed")
    daemon.kill()
    tell(f"{TOKEN}-new")
    daemon.start("--http-token", daemon.path("token"))
    browser.go(f"http://127.0.0.1:{daemon.port}/?token={TOKEN}-new")
    state = browser.step("second")["state"]
    assert "A token is asked for" in state and TOKEN not in state, state
    other = Daemon()
    try:
        with open(other.path("token"), "w", encoding="utf-8") as file:
            file.write(f"{TOKEN}-other")
        other.start("--http-token", other.path("token"))
        browser.go(f"http://127.0.0.1:{other.port}/?token={TOKEN}-other")
        told = browser.step("both")
        assert all("token" not in url for url in told["urls"]) and len(set(told["cookies"])) == 2, told
        browser.go()
        browser.step("done")
    finally:
        other.close()


def write_tune(path, rate=24000, seconds=3.2):
    """Plucked notes, so that there is something to see."""
    notes = ((0, 110, .9), (.45, 220, .6), (.9, 165, .75), (1.2, 330, .4), (1.5, 110, .95), (2.1, 247, .5), (2.4, 196, .7), (2.85, 294, .35))
    samples = [0.0] * int(rate * seconds)
    for at, pitch, loud in notes:
        for i in range(rate * 3 // 2):
            turn = 2 * math.pi * pitch * i / rate
            samples[(int(at * rate) + i) % len(samples)] += .62 * loud * math.exp(-3.2 * i / rate) * (math.sin(turn) + .4 * math.sin(2 * turn + .3))
    with wave.open(path, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<hh", int(32000 * max(-1, min(1, one))), int(22000 * max(-1, min(1, one)))) for one in samples))


def pictures_are_taken_at_three_widths(daemon):
    """Kept in O/page/shots."""
    write_tune(daemon.path("tune.wav"))
    daemon.start("--source", f"tune=file:{daemon.path('tune.wav')}", "--loop")
    daemon.ctl("create-region", "0", "8", '{"PlayContent":{"artifact_id":"kick"}}')
    daemon.ctl("create-region", "12", "8", '{"PlayContent":{"artifact_id":"bass"}}')
    for name, at, until in (("strings", "4", "running"), ("choir", "8", "resolved"), ("brass", "18", "pending")):
        region = daemon.ctl("create-region", at, "8", json.dumps({"Latent": {"job_id": name}}))
        if until != "pending":
            daemon.ctl("update-latent-started", region, name)
            daemon.ctl("update-latent-progress", region, "0.4")
        if until == "resolved":
            daemon.ctl("update-latent-resolved", region, f"{name}-take-3", "aabb", "Audio")
    for number, name in enumerate(("composer", "listener"), 1):
        daemon.ctl("register-participant", json.dumps({"id": f"{number}1111111-1111-4111-8111-111111111111", "name": name,
                                                       "capabilities": ["compose", "approve"][:number]}))
    browser = daemon.browse("pictures")
    wide = browser.step("taken")["wide"]
    browser.go()
    browser.step("done")
    assert all(surplus <= 0 for surplus in wide.values()), f"wider than the window: {wide}"
    assert len(os.listdir(os.path.join(MODULES, "shots"))) >= 7


def the_page_of_a_daemon_with_a_token_is_opened_by_it(daemon):
    need_chromium()
    with open(daemon.path("token"), "w", encoding="utf-8") as file:
        file.write(TOKEN)
    daemon.start("--http-token", daemon.path("token"))
    if not daemon.lanes(Authorization=f"Bearer {TOKEN}")["endpoints"]["shell"]:
        raise tap.Skipped("this build is without WebSocket: WS=1")
    browser = daemon.browse("token", f"/?token={TOKEN}")
    told = browser.step("in")
    assert TOKEN not in told["url"] and told["cookie"]["httpOnly"] and told["cookie"]["sameSite"] == "Strict", told
    browser.go()
    browser.step("done")


TESTS = (
    the_page_is_whole_and_strict,
    a_build_without_websocket_says_which_switch_is_off,
    no_page_leaves_the_metrics_alone,
    names_that_others_lead_here_are_refused,
    pages_of_others_are_refused,
    the_lanes_take_pages_of_this_server_alone,
    a_token_is_asked_for_everywhere,
    tokens_that_are_none_are_refused_with_words,
    a_capture_that_cannot_be_says_why,
    ports_that_are_taken_are_no_hindrance,
    the_javascript_alone_does_what_it_says,
    a_shutdown_lets_the_page_s_capture_end_in_good_order,
    a_capture_outlives_a_daemon_that_was_killed,
    jszmq_reads_the_same_lane,
    a_capture_from_the_page_shows_what_the_manifest_has,
    the_page_comes_back_with_a_daemon_that_was_killed,
    the_page_follows_lanes_that_moved,
    a_flood_of_events_does_not_freeze_the_page,
    the_page_can_be_used_without_a_mouse,
    every_function_has_its_keys_and_the_focus_is_never_lost,
    names_of_every_kind_break_nothing,
    a_thousand_regions_and_ten_streams_are_drawn,
    a_daemon_of_another_state_keeps_what_was_typed,
    it_can_be_read_by_everybody,
    a_token_that_changed_is_told_and_the_new_one_opens_the_page_again,
    pictures_are_taken_at_three_widths,
    the_page_of_a_daemon_with_a_token_is_opened_by_it,
)


# What is about the page's own script, or its looks. TEST_FEW=1: they ran in another flavour, of which the page knows nothing.
OF_THE_PAGE_ALONE = (
    the_javascript_alone_does_what_it_says,
    a_flood_of_events_does_not_freeze_the_page,
    the_page_can_be_used_without_a_mouse,
    every_function_has_its_keys_and_the_focus_is_never_lost,
    names_of_every_kind_break_nothing,
    a_thousand_regions_and_ten_streams_are_drawn,
    it_can_be_read_by_everybody,
    pictures_are_taken_at_three_widths,
)
FEW = os.environ.get("TEST_FEW") == "1"

tap.run([test for test in TESTS if not (FEW and test in OF_THE_PAGE_ALONE)], Daemon)
