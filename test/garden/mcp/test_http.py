#!/usr/bin/python3
"""garden-mcp over streamable HTTP: who may ask, sessions, streams of events, and everything that is not as it should
be.

Reports in TAP.
"""
import http.client
import json
import os
import signal
import socket
import subprocess
import time

from peer import CLIENT, PROGRAM
from pygarden import stage as stages

PATIENCE = stages.PATIENCE
INITIALIZE = {"jsonrpc": "2.0", "id": 0, "method": "initialize",
              "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": CLIENT}}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


class Server:
    """garden-mcp, and requests to it."""

    def __init__(self, stage, *options):
        self.token_file = stage.path("token")
        self.process = subprocess.Popen(
            [PROGRAM, "--connection", os.path.join(stage.run_dir, "connection.json"), "--store", stage.folder,
             "--http", "127.0.0.1:0", "--token-file", self.token_file, *options],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        stage.opened(self)
        line = self.process.stderr.readline().decode()
        assert "ready at http://127.0.0.1:" in line, line
        self.port = int(line.rsplit(":", 1)[1].split("/")[0])
        with open(self.token_file, encoding="utf-8") as file:
            self.token = file.read().strip()

    def headers(self, session=None, **more):
        out = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json",
               "Accept": "application/json, text/event-stream"}
        if session:
            out["Mcp-Session-Id"] = session
        out.update({name.replace("_", "-"): value for name, value in more.items()})
        return {name: value for name, value in out.items() if value is not None}

    def open(self, method, body=None, session=None, path="/mcp", **more):
        """The response to a request, to be read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        octets = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, octets, self.headers(session, **more))
        return connection.getresponse()

    def ask(self, method, body=None, session=None, **more):
        """Status, headers, and the body, of JSON or not."""
        response = self.open(method, body, session, **more)
        octets = response.read()
        found = json.loads(octets) if response.headers.get("Content-Type") == "application/json" else octets.decode()
        return response.status, response.headers, found

    def begin(self, version="2025-06-18"):
        message = dict(INITIALIZE, params=dict(INITIALIZE["params"], protocolVersion=version))
        status, headers, answer = self.ask("POST", message)
        assert status == 200 and "result" in answer, (status, answer)
        session = headers["Mcp-Session-Id"]
        assert self.ask("POST", {"jsonrpc": "2.0", "method": "notifications/initialized"}, session)[0] == 202
        return session

    def request(self, session, method, **params):
        return self.ask("POST", {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, session)[2]

    def call(self, session, tool, **arguments):
        result = self.request(session, "tools/call", name=tool, arguments=arguments)["result"]
        assert not result["isError"], result
        return result["structuredContent"]

    def close(self):
        if self.process.stderr.closed:
            return
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE)
        said = self.process.stderr.read().decode()
        self.process.stderr.close()
        assert status == 0 and "Sanitizer" not in said, (status, said)


def events(response):
    """(id, message) of each event of a stream, as they come."""
    number, data = None, None
    for line in response:
        line = line.decode().rstrip("\n")
        if line.startswith("id: "):
            number = int(line[4:])
        elif line.startswith("data: "):
            data = json.loads(line[6:])
        elif not line and data is not None:
            yield number, data
            number, data = None, None


def who_has_not_the_token_is_refused(stage):
    server = Server(stage)
    assert os.stat(server.token_file).st_mode & 0o777 == 0o600 and len(server.token) == 64
    for wrong in (None, "", "Bearer", "Bearer x", f"Basic {server.token}", f"Bearer {server.token}x",
                  f"Bearer {server.token[:-1]}", server.token):
        status, headers, _ = server.ask("POST", INITIALIZE, Authorization=wrong)
        assert status == 401 and headers["WWW-Authenticate"] == "Bearer" and "Mcp-Session-Id" not in headers, wrong
    assert server.ask("POST", INITIALIZE, Authorization=f"bearer {server.token}")[0] == 200
    server.close()
    again = Server(stage)
    assert again.token == server.token, "the token is kept"


def a_token_that_others_may_read_or_guess_is_refused(stage):
    for text, mode, word in ((b"x" * 40, 0o644, b"chmod 600"), (b"short", 0o600, b"16 to 128"), (b"", 0o600, b"16 to 128"),
                             (b"sp ace" * 10, 0o600, b"16 to 128"), (b"\xff" * 40, 0o600, b"16 to 128"),
                             (b"x" * 129, 0o600, b"16 to 128")):
        path = stage.path("weak")
        with open(path, "wb") as file:
            file.write(text)
        os.chmod(path, mode)
        done = subprocess.run([PROGRAM, "--http", "127.0.0.1:0", "--token-file", path], capture_output=True, timeout=60,
                              check=False)
        assert done.returncode == 1 and word in done.stderr, (text, done)
    with open(path, "wb") as file:
        file.write(b"x" * 128 + b"\r\n")  # the longest is taken as it is
    done = subprocess.run([PROGRAM, "--http", "192.0.2.1:0", "--token-file", path], capture_output=True, timeout=60, check=False)
    assert b"16 to 128" not in done.stderr, done
    done = subprocess.run([PROGRAM, "--http", "127.0.0.1:0", "--token-file", stage.folder + "/none/x"],
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 1 and b"cannot be made" in done.stderr, done
    for words in (["--http", "127.0.0.1:0"], ["--token-file", path], ["--http", "0.0.0.0:0", "--token-file", stage.path("t")],
                  ["--http", "127.0.0.1:0", "--token-file", stage.path("t"), "--sessions-max", "0"]):
        done = subprocess.run([PROGRAM, *words], capture_output=True, timeout=60, check=False)
        assert done.returncode == 2 and ("0.0.0.0:0" not in words or b"as 127.0.0.1:7500," in done.stderr), (words, done)


def pages_and_names_from_elsewhere_are_refused(stage):
    server = Server(stage, "--allow-origin", "https://example.org")
    for origin in ("https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil", "file://",
                   "https://example.org.evil", "http://[::1", "http://localhost:80x", "http://10.0.0.1"):
        assert server.ask("POST", INITIALIZE, Origin=origin)[0] == 403, origin
    for origin in ("http://localhost", "http://localhost:3000", "https://127.0.0.1:1", "http://[::1]:8080",
                   "https://example.org"):
        assert server.ask("POST", INITIALIZE, Origin=origin)[0] == 200, origin
    for host in ("evil.example", "evil.example:80", f"10.0.0.1:{server.port}", "localhost:"):
        assert server.ask("POST", INITIALIZE, Host=host)[0] == 403, host
    assert server.ask("POST", INITIALIZE, Host="localhost")[0] == 200


def a_session_is_named_in_each_request_and_ends_when_that_is_asked(stage):
    server = Server(stage)
    session = server.begin()
    other = server.begin()
    assert session != other
    assert server.ask("POST", PING, session)[2] == {"jsonrpc": "2.0", "id": 1, "result": {}}
    status, headers, answer = server.ask("POST", dict(PING, method="tools/list"))
    assert status == 400 and answer["error"]["code"] == -32600 and "Mcp-Session-Id" not in headers
    assert server.ask("GET")[0] == server.ask("DELETE")[0] == 400
    for method in ("POST", "GET", "DELETE"):
        assert server.ask(method, PING if method == "POST" else None, "0" * 32)[0] == 404
    assert server.ask("POST", INITIALIZE, session)[2]["error"]["code"] == -32600
    assert server.ask("DELETE", session=session)[0] == 204
    assert server.ask("POST", PING, session)[0] == 404
    assert server.ask("POST", PING, other)[0] == 200


def what_is_no_such_request_is_refused(stage):
    server = Server(stage)
    session = server.begin()
    for status, method, more in (
            (404, "POST", {"path": "/"}), (404, "GET", {"path": "/metrics"}), (404, "POST", {"path": "/mcp/x"}),
            (405, "PUT", {}), (405, "PATCH", {}), (405, "OPTIONS", {}), (415, "POST", {"Content_Type": "text/plain"}),
            (415, "POST", {"Content_Type": "application/jsonx"}), (415, "POST", {"Content_Type": "application/json-patch+json"}),
            (200, "POST", {"Content_Type": "Application/JSON;charset=utf-8"}), (406, "POST", {"Accept": ""}),
            (406, "POST", {"Accept": "application/json, text/event-streams"}), (406, "POST", {"Accept": "*/*, text/event-stream;q=0"}),
            (200, "POST", {"Accept": "application/*, text/*;q=0.1"}), (200, "POST", {"Accept": "TEXT/Event-Stream,Application/JSON"}),
            (400, "POST", {"MCP_Protocol_Version": ""}), (400, "POST", {"MCP_Protocol_Version": "2026-07-28"}),
            (400, "GET", {"MCP_Protocol_Version": "2026-07-28"}), (200, "POST", {"MCP_Protocol_Version": "2025-03-26"}),
            (415, "POST", {"Content_Type": None}), (406, "POST", {"Accept": "application/json"}),
            (406, "POST", {"Accept": None}), (406, "GET", {"Accept": "application/json"}),
            (400, "POST", {"MCP_Protocol_Version": "1999-01-01"}), (200, "POST", {"MCP_Protocol_Version": "2025-06-18"}),
            (200, "POST", {"Content_Type": "application/json; charset=utf-8"}), (200, "POST", {"Accept": "*/*"})):
        found, headers, _ = server.ask(method, PING if method != "GET" else None, session, **more)
        assert found == status, (found, status, method, more)
        assert status != 405 or headers["Allow"] == "POST, GET, DELETE", headers


def json_rpc_is_judged_as_it_is_elsewhere(stage):
    server = Server(stage, "--message-max", "10000")
    session = server.begin()
    for body, code in ((b"{", -32700), (b"", -32700), (b"\xff", -32700), (b"[]", -32600), (b"7", -32600),
                       (b'{"jsonrpc":"2.0","id":1,"method":"nothing"}', -32601), (b"[" * 9000, -32700)):
        status, _, answer = server.ask("POST", body, session)
        # What is no request is not accepted; one that is, is answered.
        assert status == (400 if answer["id"] is None else 200) and answer["error"]["code"] == code, (body[:50], status, answer)
    assert server.ask("POST", b" " * 10001, session)[0] == 413
    assert server.ask("POST", b"{", None)[0] == 400
    assert server.ask("POST", {"jsonrpc": "2.0", "id": 4, "result": {}}, session)[0] == 202
    batches = server.begin("2025-03-26")
    answers = server.ask("POST", [PING, dict(PING, id=2)], batches)[2]
    assert [answer["id"] for answer in answers] == [1, 2]


def progress_comes_as_events_before_the_answer(stage):
    stage.gardend()
    server = Server(stage)
    session = server.begin()
    body = {"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {
        "name": "stream_capture", "arguments": {"uri": "stream://a", "device_identity": "dev", "seconds": 1},
        "_meta": {"progressToken": 7}}}
    response = server.open("POST", body, session)
    assert response.status == 200 and response.headers["Content-Type"] == "text/event-stream"
    said = [message for _, message in events(response)]  # until the server ends the stream
    assert all(message["method"] == "notifications/progress" for message in said[:-1]) and len(said) > 2
    assert said[-1]["id"] == 9 and said[-1]["result"]["structuredContent"]["complete"]


def what_is_told_unasked_comes_by_a_stream_that_can_be_taken_up(stage):
    stage.gardend()
    server = Server(stage)
    session = server.begin()
    assert server.request(session, "resources/subscribe", uri="garden://transport")["result"] == {}
    first = server.open("GET", session=session)
    assert first.status == 200 and first.headers["Content-Type"] == "text/event-stream"
    server.call(session, "transport_tempo", bpm=90)
    stream = events(first)
    number, message = next(each for each in stream if each[1]["method"] == "notifications/resources/updated")
    assert message["params"] == {"uri": "garden://transport"}
    # What comes while nobody reads waits; and what was read is told again to who has not got it.
    second = server.open("GET", session=session)
    assert list(stream) is not None, "the first stream has ended"
    second.close()
    for bpm in (91, 92, 93):
        server.call(session, "transport_tempo", bpm=bpm)
    third = server.open("GET", session=session, Last_Event_ID=str(number))
    found = []
    for each, message in events(third):
        assert each > number and (not found or each == found[-1] + 1), (number, found, each)
        found.append(each)
        if len(found) >= 3:
            break
    third.close()
    other = server.begin()
    fresh = server.open("GET", session=other)
    server.call(session, "transport_play")
    # One who did not subscribe hears of the daemon's events alone.
    assert next(events(fresh))[1]["method"] == "notifications/message"
    server.ask("DELETE", session=other)
    assert list(events(fresh)) is not None, "the stream ends with its session"


def the_quietest_session_makes_room(stage):
    server = Server(stage, "--sessions-max", "3")
    sessions = [server.begin() for _ in range(3)]
    stream = server.open("GET", session=sessions[0])
    time.sleep(0.01)
    assert server.ask("POST", PING, sessions[1])[0] == 200
    newest = server.begin()
    assert [server.ask("POST", PING, each)[0] for each in (*sessions, newest)] == [200, 200, 404, 200]
    stream.close()


def a_cancelled_request_ends_without_an_answer(stage):
    stage.gardend()
    server = Server(stage)
    session = server.begin()
    server.call(session, "transport_state")
    os.kill(stage.daemon.pid, signal.SIGSTOP)
    try:
        body = {"jsonrpc": "2.0", "id": 5, "method": "tools/call",
                "params": {"name": "graph_query", "arguments": {"query": "{ Node { name @output } }"}}}
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        connection.request("POST", "/mcp", json.dumps(body), server.headers(session))
        # It may not be there yet when its end is asked for: so that is asked until it is.
        sock = connection.sock
        sock.setblocking(False)
        deadline = time.monotonic() + PATIENCE
        came = b""
        while not came and time.monotonic() < deadline:
            server.ask("POST", {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5}}, session)
            try:
                came = sock.recv(4096)
            except BlockingIOError:
                time.sleep(0.02)
        assert came.startswith(b"HTTP/1.1 202"), came
        connection.close()
    finally:
        os.kill(stage.daemon.pid, signal.SIGCONT)


def a_session_that_ends_takes_its_requests_along(stage):
    stage.gardend()
    server = Server(stage)
    session, other = server.begin(), server.begin()
    server.call(session, "transport_state")
    os.kill(stage.daemon.pid, signal.SIGSTOP)
    try:
        body = {"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {"name": "transport_state", "arguments": {}}}
        connections = []
        for _ in range(3):
            connections.append(http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE))
            connections[-1].request("POST", "/mcp", json.dumps(dict(body, id=len(connections))), server.headers(session))
        # They may not be there yet: so each is asked for until its id is in use.
        for number in range(1, 4):
            deadline = time.monotonic() + PATIENCE
            while "still under way" not in str(server.ask("POST", dict(PING, id=number), session)[2]):
                assert time.monotonic() < deadline
        assert server.ask("DELETE", session=session)[0] == 204
        for connection in connections:
            response = connection.getresponse()
            assert response.status == 404 and b"initialize anew" in response.read()
            connection.close()
        assert server.ask("DELETE", session=session)[0] == server.ask("GET", session=session)[0] == 404
        assert server.ask("POST", PING, other)[0] == 200
    finally:
        os.kill(stage.daemon.pid, signal.SIGCONT)
    assert server.call(other, "transport_state")["playing"] is False


def pages_that_may_ask_may_read_the_answers(stage):
    server = Server(stage, "--allow-origin", "https://studio.example")
    asks = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "authorization, mcp-session-id", "Authorization": None}
    for origin in ("https://studio.example", "http://localhost:8080"):
        status, headers, _ = server.ask("OPTIONS", Origin=origin, **asks)
        assert status == 204 and headers["Access-Control-Allow-Origin"] == origin and "DELETE" in headers["Access-Control-Allow-Methods"], headers
        for name in ("Authorization", "Content-Type", "Mcp-Session-Id", "Mcp-Protocol-Version", "Last-Event-ID"):
            assert name in headers["Access-Control-Allow-Headers"], name
        status, headers, _ = server.ask("POST", INITIALIZE, Origin=origin)
        assert status == 200 and headers["Access-Control-Allow-Origin"] == origin, headers
        assert headers["Access-Control-Expose-Headers"] == "Mcp-Session-Id" and headers["Vary"] == "Origin", headers
        # Also why it was refused, or it could not tell its user.
        assert server.ask("POST", INITIALIZE, Origin=origin, Authorization=None)[1]["Access-Control-Allow-Origin"] == origin
    status, headers, _ = server.ask("OPTIONS", Origin="https://evil.example", **asks)
    assert status == 403 and "Access-Control-Allow-Origin" not in headers, headers
    assert server.ask("OPTIONS", Origin="http://localhost", Host="evil.example", **asks)[0] == 403
    assert "Access-Control-Allow-Origin" not in server.ask("POST", INITIALIZE)[1], "programs tell no origin"


def odd_orders_have_answers(stage):
    """As clients of every age and mind may ask."""
    stage.gardend()
    server = Server(stage)
    # One of a version without sessions, which begins with what it knows, and then as of old.
    discover = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}}}
    status, headers, answer = server.ask("POST", discover, MCP_Protocol_Version="2026-07-28", Mcp_Method="server/discover")
    assert status == 400 and "-3202" not in str(answer) and "Mcp-Session-Id" not in headers, (status, answer)
    status, headers, answer = server.ask("POST", INITIALIZE, MCP_Protocol_Version="2025-11-25")
    session = headers["Mcp-Session-Id"]
    assert status == 200, answer
    # Asked before it was told that the client is ready, and told that twice.
    assert server.call(session, "transport_state")["playing"] is False
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert [server.ask("POST", ready, session)[0] for _ in range(2)] == [202, 202]
    assert server.ask("POST", INITIALIZE, session)[2]["error"]["code"] == -32600
    for number in (0, 99, "x", None, [1], {}):  # cancels what is not there, and what is no id
        assert server.ask("POST", {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}}, session)[0] == 202
    for wrong in ({"jsonrpc": "2.0", "method": 5}, {"jsonrpc": "2.0", "method": "ping", "id": None}, {"method": "notifications/initialized"}):
        assert server.ask("POST", wrong, session)[0] == 400, wrong
    # Subscribed twice is once, and what was never subscribed ends as well.
    for method in ("subscribe", "subscribe", "unsubscribe", "unsubscribe"):
        assert server.request(session, f"resources/{method}", uri="garden://transport")["result"] == {}
    stream = server.open("GET", session=session, Last_Event_ID="99999999999999999999999")
    server.call(session, "transport_tempo", bpm=91)
    server.call(session, "transport_play")
    number, message = next(events(stream))
    assert message["method"] == "notifications/message", "nothing is subscribed to"
    stream.close()
    for odd in ("", "-1", "x", "0", "1e3", str(number)):
        with server.open("GET", session=session, Last_Event_ID=odd) as again:
            assert again.status == 200
    # Two hundred at once, of which a daemon that comes back in the middle answers what it can.
    result = server.request(session, "tools/call", name="node_add", arguments={"name": "y" * 400_000, "node_type": "x", "config": {}})["result"]
    assert result["isError"] and "65536" in result["content"][0]["text"], result
    assert server.ask("POST", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "node_add", "arguments": {
        "name": "z" * 2_000_000, "node_type": "x", "config": {}}}}, session)[0] == 413
    assert server.request(session, "ping")["result"] == {}


def who_goes_before_the_answer_and_who_speaks_no_http_harm_nobody(stage):
    stage.gardend()
    server = Server(stage)
    session = server.begin()
    body = json.dumps({"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": {
        "name": "daemon_status", "arguments": {}}}).encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in server.headers(session, Host="localhost").items())
    whole = f"POST /mcp HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    for octets in (whole, whole[:-5], whole[:40], b"nonsense\r\n\r\n", b"\x00" * 100, b"GET /mcp HTTP/1.1\r\n" * 50,
                   b"POST /mcp HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", b""):
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as peer:
                try:
                    peer.sendall(octets)
                except OSError:
                    pass  # it was hung up on already
    assert server.call(session, "transport_state")["playing"] is False


def the_end_of_the_server_is_the_end_of_its_streams(stage):
    stage.gardend()
    server = Server(stage)
    session = server.begin()
    stream = server.open("GET", session=session)
    server.call(session, "stream_create", uri="stream://a", device_identity="dev")
    started = time.monotonic()
    server.close()
    for _ in events(stream):
        pass
    assert time.monotonic() - started < 30
    assert os.listdir(stage.path("staging")) == [], "what was captured is sealed"


stages.run([
    who_has_not_the_token_is_refused,
    a_token_that_others_may_read_or_guess_is_refused,
    pages_and_names_from_elsewhere_are_refused,
    a_session_is_named_in_each_request_and_ends_when_that_is_asked,
    what_is_no_such_request_is_refused,
    json_rpc_is_judged_as_it_is_elsewhere,
    progress_comes_as_events_before_the_answer,
    what_is_told_unasked_comes_by_a_stream_that_can_be_taken_up,
    the_quietest_session_makes_room,
    a_cancelled_request_ends_without_an_answer,
    a_session_that_ends_takes_its_requests_along,
    pages_that_may_ask_may_read_the_answers,
    odd_orders_have_answers,
    who_goes_before_the_answer_and_who_speaks_no_http_harm_nobody,
    the_end_of_the_server_is_the_end_of_its_streams,
])
