#!/usr/bin/python3
"""garden-mcp over standard input and output: what is well-formed, and everything that is not.

Reports in TAP.
"""
import base64
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time

from peer import CLIENT, PROGRAM, Mcp

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from pygarden import stage as stages  # noqa: E402

PARSE, INVALID, NO_METHOD, PARAMS, INTERNAL, NO_RESOURCE = -32700, -32600, -32601, -32602, -32603, -32002
with open(PROGRAM, "rb") as program:
    SANITIZED = b"__asan_init" in program.read()
DEFINITION = json.dumps({"uri": "stream://take", "device_identity": "take", "format": {
    "Audio": {"sample_rate": 48000, "channels": 2, "sample_format": "s16_le"}}, "chunk_size_bytes": 4096}).encode()
DEFINITION_HASH = hashlib.blake2b(DEFINITION, digest_size=32).hexdigest()
UUID = "6f1f8bb0-6c7f-4e36-9d6a-5a7d5a1d0001"


def every_version_is_negotiated(stage):
    for version in ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"):
        mcp = Mcp(stage, version=version)
        assert mcp.version == version
        tools = mcp.request("tools/list")["result"]["tools"]
        assert len(tools) > 30
        for tool in tools:
            assert tool["inputSchema"]["type"] == "object" and len(tool["description"]) > 20, tool
            assert ("annotations" in tool) == (version >= "2025-03-26"), tool
            assert ("outputSchema" in tool) == ("title" in tool) == (version >= "2025-06-18"), tool
        mcp.close()


def a_version_that_is_unknown_is_answered_with_the_newest(stage):
    for version in ("1999-01-01", "", "2030-01-01"):
        assert Mcp(stage, version=None).initialize(version)["result"]["protocolVersion"] == "2025-11-25"


def initialize_wants_all_its_fields_and_names_the_one_that_is_wrong(stage):
    mcp = Mcp(stage, version=None)
    whole = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": CLIENT}
    for field, wrong in (("protocolVersion", 7), ("capabilities", []), ("clientInfo", "me"),
                         ("clientInfo.name", {"version": "1"}), ("clientInfo.version", {"name": "x"})):
        name = field.split(".", maxsplit=1)[0]
        for params in ({**whole, name: wrong}, {k: v for k, v in whole.items() if k != name}):
            answer = mcp.request("initialize", **params)
            assert answer["error"]["code"] == PARAMS and name in answer["error"]["message"], answer
    assert "result" in mcp.request("initialize", **whole)
    assert mcp.request("initialize", **whole)["error"]["code"] == INVALID


def before_initialize_there_is_ping_and_nothing_else(stage):
    mcp = Mcp(stage, version=None)
    assert mcp.request("ping")["result"] == {}
    for method in ("tools/list", "tools/call", "resources/list", "logging/setLevel"):
        assert mcp.request(method)["error"]["code"] == INVALID
    assert mcp.error([{"jsonrpc": "2.0", "id": 1, "method": "ping"}])[:2] == (None, INVALID)


def what_is_no_json_is_a_parse_error_and_the_session_goes_on(stage):
    mcp = Mcp(stage)
    for octets in (b"{", b"nonsense", b'{"jsonrpc": "2.0", "id": 1, "method": "ping"', b"\xff\xfe", b'{"a": "\xc3\x28"}',
                   b'{"a": 1, "a": 2}', b'{"a": 1} {"b": 2}', b"[" * 5000, b'{"a":' * 5000, b'"\\ud800"', b"1e999",
                   b'{"jsonrpc":"2.0","id":123456789012345678901234567890,"method":"ping"}', b"\x00", b"'single'",
                   b'{"a": "\\u0000"}', b"{'jsonrpc': '2.0'}", b"NaN"):
        number, code, text = mcp.error(octets)
        assert (number, code) == (None, PARSE) and len(text) > 12, (octets[:40], code, text)
    assert mcp.request("ping")["result"] == {}


def json_that_cannot_be_taken_is_refused_under_the_id_that_waits_for_an_answer(stage):
    mcp = Mcp(stage)
    call = '"jsonrpc":"2.0","method":"tools/call"'
    big = '"params":{"n":123456789012345678901234567890}'
    for text, expected in (('{"id":7,%s,"params":{"x":"a\\u0000"}}' % call, 7), ('{"id":"q",%s,%s}' % (call, big), "q"),
                           ('{%s,%s,"id":-9007199254740991}' % (call, big), -(2 ** 53 - 1)),
                           ('{"id":"\\u0000",%s}' % call, "\0")):
        number, code, told = mcp.error(text.encode())
        assert (number, code) == (expected, INVALID) and ("too large" in told or "u0000" in told), (text, number, code, told)
    # An id that the error is in, one that is none, one that is there twice, none at all; and no request.
    for text in ('{"id":123456789012345678901,%s}' % call, '{"id":1.5,%s,%s}' % (call, big), '{"id":9007199254740993,%s,%s}' % (call, big),
                 '{%s,"id":1,%s,"id":2}' % (call, big), '{%s,%s}' % (call, big), '{"id":[1],%s,%s}' % (call, big),
                 '{"jsonrpc":"2.0","id":7,"result":{"x":"\\u0000"}}'):
        number, code, told = mcp.error(text.encode())
        assert (number, code) == (None, PARSE), (text, number, code, told)
    assert mcp.request("ping")["result"] == {}


def what_is_no_request_is_an_invalid_request(stage):
    mcp = Mcp(stage)
    for message, number in ((7, None), ("text", None), (None, None), (True, None), ({}, None),
                            ({"id": 1, "method": "ping"}, 1), ({"jsonrpc": "1.0", "id": 2, "method": "ping"}, 2),
                            ({"jsonrpc": 2.0, "id": 3, "method": "ping"}, 3), ({"jsonrpc": "2.0", "id": 4}, 4),
                            ({"jsonrpc": "2.0", "id": "x", "method": 5}, "x"),
                            ({"jsonrpc": "2.0", "id": None, "method": "ping"}, None),
                            ({"jsonrpc": "2.0", "id": {}, "method": "ping"}, None),
                            ({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}, None), ([], None)):
        told, code, text = mcp.error(message)
        assert (told, code) == (number, INVALID), (message, told, code, text)
    assert mcp.request("ping")["result"] == {}


def params_are_an_object(stage):
    mcp = Mcp(stage)
    for params in ([], "x", 1, None):
        number, code, text = mcp.error({"jsonrpc": "2.0", "id": 9, "method": "ping", "params": params})
        assert (number, code) == (9, PARAMS) and "params" in text


def a_method_that_is_unknown_is_told_so_and_a_notification_is_never_answered(stage):
    mcp = Mcp(stage)
    for method in ("nothing", "", "tools/", "prompts/list", "rpc.discover", "x" * 4000):
        assert mcp.request(method)["error"]["code"] == NO_METHOD
    for method in ("nothing", "notifications/cancelled", "notifications/nothing", "ping", "tools/list"):
        mcp.notify(method)
        mcp.notify(method, requestId=[1], id=3)
    mcp.send({"jsonrpc": "2.0", "method": "ping", "params": 7})
    mcp.send({"jsonrpc": "2.0", "id": 77, "result": {}})
    mcp.send({"jsonrpc": "2.0", "id": 78, "error": {"code": 1, "message": "x"}})
    assert mcp.request("ping")["result"] == {}


def ids_come_back_as_they_were(stage):
    mcp = Mcp(stage)
    for number in (0, -1, 2 ** 53, -(2 ** 63), 2 ** 63 - 1, "", "a", "\u00e4\u4e16", "x" * 2000):
        mcp.send({"jsonrpc": "2.0", "id": number, "method": "ping"})
        assert mcp.answer() == {"jsonrpc": "2.0", "id": number, "result": {}}


def batches_are_answered_where_the_version_has_them(stage):
    for version in ("2024-11-05", "2025-03-26"):
        mcp = Mcp(stage, version=version)
        mcp.send([{"jsonrpc": "2.0", "id": 1, "method": "ping"}, {"jsonrpc": "2.0", "method": "notifications/x"}, 5,
                  {"jsonrpc": "2.0", "id": 2, "method": "nothing"}, {"jsonrpc": "2.0", "id": 3, "method": "tools/list"},
                  {"jsonrpc": "2.0", "id": 4, "method": "initialize"}])
        answers = mcp.answer()
        assert isinstance(answers, list) and len(answers) == 5, answers
        found = {answer["id"]: answer.get("error", {}).get("code") for answer in answers}
        assert found == {1: None, None: INVALID, 2: NO_METHOD, 3: None, 4: INVALID}, found
        mcp.send([{"jsonrpc": "2.0", "method": "notifications/x"}] * 3)  # has no answer at all
        assert mcp.error([])[:2] == (None, INVALID)
        assert mcp.error([1] * 65)[:2] == (None, INVALID)
    for version in ("2025-06-18", "2025-11-25"):
        mcp = Mcp(stage, version=version)
        assert mcp.error([{"jsonrpc": "2.0", "id": 1, "method": "ping"}])[:2] == (None, INVALID)


def a_tool_that_is_unknown_and_a_call_without_a_name_are_refused(stage):
    mcp = Mcp(stage)
    for params, word in (({"name": "nothing"}, "nothing"), ({}, "name"), ({"name": 7}, "name"),
                         ({"name": "transport_play", "arguments": []}, "arguments"), ({"name": "x" * 3000}, "Unknown")):
        answer = mcp.request("tools/call", **params)
        assert answer["error"]["code"] == PARAMS and word in answer["error"]["message"], answer


WRONG = (
    ("transport_seek", {}, "beat: expected it to be there"),
    ("transport_seek", {"beat": "four"}, "beat: expected a number, found 'four'"),
    ("transport_seek", {"beat": None}, "beat: expected a number, found null"),
    ("transport_seek", {"beat": 1, "bar": 2}, "bar: there is no such field"),
    ("transport_tempo", {"bpm": 0}, "bpm: expected a number above 0 and up to 1000, found 0"),
    ("transport_tempo", {"bpm": 1000.5}, "bpm: expected a number above 0 and up to 1000"),
    ("transport_play", {"beat": 1}, "beat: there is no such field"),
    ("region_delete", {"region_id": "no"}, "region_id: expected a uuid, found 'no'"),
    ("region_create", {"position": 0, "duration": 1}, "behavior: expected it to be there"),
    ("region_create", {"position": 0, "duration": 1, "behavior": "latent"}, "behavior: expected an object"),
    ("region_create", {"position": 0, "duration": 1, "behavior": {}}, "behavior.type: expected one of play_content"),
    ("region_create", {"position": 0, "duration": 1, "behavior": {"type": "x"}}, "behavior.type: expected one of"),
    ("region_create", {"position": 0, "duration": 1, "behavior": {"type": "latent"}}, "behavior.job_id"),
    ("region_create", {"position": 0, "duration": 1, "behavior": {"type": "latent", "job_id": "j", "more": 1}},
     "behavior.more: there is no such field"),
    ("region_create", {"position": 0, "duration": 1, "behavior": {
        "type": "apply_processing", "parameter": "p", "curve": [{"beat": 0, "value": 0}, {"beat": 1}]}},
     "behavior.curve[1].value: expected it to be there"),
    ("region_create", {"position": 0, "duration": 1, "behavior": {
        "type": "apply_processing", "parameter": "p", "curve": [3]}}, "behavior.curve"),
    ("latent_progress", {"region_id": UUID, "progress": 1.5}, "progress: expected a number from 0 to 1"),
    ("latent_resolved", {"region_id": UUID, "artifact_id": "a", "content_hash": "h", "content_type": "Video"},
     "content_type: expected one of Audio, Midi, Control, found 'Video'"),
    ("node_connect", {"source": {"node_id": UUID}, "dest": {}}, "source.port_name"),
    ("participant_register", {"id": UUID, "name": "n", "capabilities": [1]}, "capabilities: expected a list of texts"),
    ("graph_query", {"query": "{}", "variables": []}, "variables: expected an object"),
    ("graph_query", {"query": 3}, "query: expected a text"),
    ("events_read", {"from_seq": -1}, "from_seq: expected a whole number"),
    ("events_read", {"from_seq": 1.5}, "from_seq: expected a whole number"),
)


def arguments_that_are_wrong_are_named_with_what_was_expected(stage):
    mcp = Mcp(stage)
    newest = Mcp(stage, version="2025-11-25")
    for tool, arguments, words in WRONG:
        answer = mcp.request("tools/call", name=tool, arguments=arguments)
        assert answer["error"]["code"] == PARAMS and words in answer["error"]["message"], (tool, arguments, answer)
        # The newest version wants them told to the model.
        assert words in newest.failure(tool, **arguments)


def resources_that_are_not_there_are_refused(stage):
    mcp = Mcp(stage)
    for params, code in (({}, PARAMS), ({"uri": 7}, PARAMS), ({"uri": "garden://nothing"}, NO_RESOURCE),
                         ({"uri": "file:///etc/passwd"}, NO_RESOURCE), ({"uri": ""}, NO_RESOURCE)):
        for method in ("resources/read", "resources/subscribe"):
            assert mcp.request(method, **params)["error"]["code"] == code, (method, params)
    assert mcp.request("resources/unsubscribe", uri="garden://nothing")["result"] == {}
    assert mcp.request("resources/unsubscribe")["error"]["code"] == PARAMS
    for method in ("tools/list", "resources/templates/list"):
        assert mcp.request(method, cursor="x")["error"]["code"] == PARAMS
    for level in ("loud", 3, None):
        assert mcp.request("logging/setLevel", level=level)["error"]["code"] == PARAMS


def a_line_above_the_limit_is_refused_and_passed_over(stage):
    mcp = Mcp(stage, "--message-max", "2000")
    for size in (1965, 5000, 3_000_000):
        number, code, text = mcp.error(b'{"jsonrpc":"2.0","id":1,"method":"' + b"x" * size + b'"}')
        assert (number, code) == (None, INVALID) and "2000" in text, text
        assert mcp.request("ping")["result"] == {}
    whole = b'{"jsonrpc":"2.0","id":1,"method":"%s"}'
    mcp.write(whole % (b"x" * (2000 - len(whole) + 2)) + b"\r\n\r\n\n")
    assert mcp.answer()["error"]["code"] == NO_METHOD  # one that just fits


def what_comes_in_pieces_or_together_is_the_same(stage):
    mcp = Mcp(stage)
    line = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
    for octet in line:
        mcp.write(bytes([octet]))
    assert mcp.answer()["result"] == {}
    mcp.write(line * 100)
    for _ in range(100):
        assert mcp.answer()["result"] == {}


def the_end_of_the_input_is_the_end_of_the_program(stage):
    for octets in (b"", b"{", b'{"jsonrpc":"2.0","id":1,"method":"ping"}'):
        done = subprocess.run([PROGRAM, "--connection", stage.path("none")], input=octets, capture_output=True,
                              timeout=60, check=False)
        assert done.returncode == 0 and done.stderr == b"", done
        assert len(done.stdout.splitlines()) == (1 if octets else 0), done
    # A file, too; and what was asked is answered before the end.
    with open(stage.path("in"), "wb") as file:
        file.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n' * 5000)
    with open(stage.path("in"), "rb") as file, open(stage.path("out"), "wb") as out:
        assert subprocess.run([PROGRAM], stdin=file, stdout=out, timeout=60, check=False).returncode == 0
    with open(stage.path("out"), "rb") as out:
        assert len(out.readlines()) == 5000


def a_signal_is_an_end_as_well(stage):
    for number in (signal.SIGTERM, signal.SIGINT):
        mcp = Mcp(stage)
        mcp.process.send_signal(number)
        assert mcp.process.wait(60) == 0


def who_does_not_read_holds_up_nobody_and_ends_it_by_going(stage):
    line = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n'
    begin = json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": CLIENT}}).encode() + b"\n"
    read, write = os.pipe()
    process = subprocess.Popen([PROGRAM, "--connection", stage.path("none")], stdin=subprocess.PIPE, stdout=write)
    os.close(write)
    os.set_blocking(process.stdin.fileno(), False)
    written = os.write(process.stdin.fileno(), begin)
    # It stops reading before its memory fills with answers.
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        try:
            written += os.write(process.stdin.fileno(), line * 100)
        except BlockingIOError:
            time.sleep(0.05)
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
        peak = int(next(each for each in status if each.startswith("VmRSS")).split()[1])
    assert written < 8_000_000 and (peak < 100_000 or SANITIZED), (written, peak)
    os.close(read)
    assert process.wait(60) == 0
    process.stdin.close()


def too_many_requests_under_way_are_refused(stage):
    stage.gardend()
    mcp = Mcp(stage, "--calls-max", "2")
    os.kill(stage.daemon.pid, signal.SIGSTOP)
    try:
        numbers = [mcp.ask("tools/call", name="transport_state", arguments={}) for _ in range(3)]
        answer = mcp.answer()
        assert answer["id"] == numbers[2] and answer["error"]["code"] == INVALID, answer
        mcp.send({"jsonrpc": "2.0", "id": numbers[0], "method": "ping"})
        assert mcp.answer()["error"]["code"] == INVALID  # its id is in use
    finally:
        os.kill(stage.daemon.pid, signal.SIGCONT)
    assert {mcp.answer()["id"] for _ in range(2)} == set(numbers[:2])


def a_cancelled_call_is_not_answered(stage):
    stage.gardend()
    mcp = Mcp(stage)
    mcp.call("transport_state")
    os.kill(stage.daemon.pid, signal.SIGSTOP)
    try:
        query = mcp.ask("tools/call", name="graph_query", arguments={"query": "{ Node { name @output } }"})
        mcp.notify("notifications/cancelled", requestId=query, reason="enough")
        mcp.notify("notifications/cancelled", requestId=query)
        mcp.notify("notifications/cancelled", requestId=12345)
        assert mcp.request("ping")["result"] == {}
        # Its id is free, and what it asked disturbs nobody.
        mcp.send({"jsonrpc": "2.0", "id": query, "method": "ping"})
        assert mcp.answer() == {"jsonrpc": "2.0", "id": query, "result": {}}
    finally:
        os.kill(stage.daemon.pid, signal.SIGCONT)
    assert mcp.call("graph_query", query="{ Node { name @output } }") == {"rows": [], "count": 0, "truncated": False}
    rest, status = mcp.end()
    assert status == 0 and all("id" not in message for message in rest), rest


# Two nodes with sixteen connections: each step there and back has sixteen times the ways of the one before.
ENDLESS = "{ Node { " + "edges { source { " * 12 + 'name @output @filter(op: "=", value: ["$never"])' + " } }" * 12 + " } }"
NODES = "{ Node { name @output } }"


def begin_endless(stage):
    stage.gardend("--query-ms", "600000")
    mcp = Mcp(stage, "--timeout", "600000")
    ports = [{"name": str(i), "signal_type": "audio"} for i in range(16)]
    ids = [mcp.call("node_add", name=name, node_type=name, config={name: ports})["node_id"] for name in ("outputs", "inputs")]
    for i in range(16):
        mcp.call("node_connect", source={"node_id": ids[0], "port_name": str(i)},
                 dest={"node_id": ids[1], "port_name": str(i)})
    mcp.call("transport_play")
    return mcp


def ask_query(mcp, query, **variables):
    return mcp.ask("tools/call", name="graph_query", arguments={"query": query, "variables": variables})


def a_cancelled_query_ends_in_the_daemon_and_nothing_else_does(stage):
    mcp, other = begin_endless(stage), Mcp(stage, "--timeout", "600000")
    kept = ask_query(other, ENDLESS, never="x")
    asked = [ask_query(mcp, ENDLESS, never="x") for _ in range(2)]
    behind = ask_query(mcp, NODES)  # a client's queries are asked one by one
    for number in (*asked, *asked):
        mcp.notify("notifications/cancelled", requestId=number)
    answer = mcp.answer()
    assert answer["id"] == behind and not answer["result"]["isError"], answer
    assert mcp.call("transport_state")["playing"]  # Interrupt alone pauses it, and ends the other's query
    assert other.request("ping")["result"] == {}
    deadline = time.monotonic() + stages.PATIENCE
    while mcp.call("daemon_interrupt")["was_running"] != "playback and query":  # the other's may not be there yet
        assert time.monotonic() < deadline
        mcp.call("transport_play")
    answer = other.answer()
    assert answer["id"] == kept and "was interrupted" in str(answer), answer


def a_query_that_is_overtaken_by_its_cancellation_is_not_begun(stage):
    mcp = begin_endless(stage)
    os.kill(stage.daemon.pid, signal.SIGSTOP)  # so that control has it before the query lane has
    try:
        for _ in range(4):
            mcp.notify("notifications/cancelled", requestId=ask_query(mcp, ENDLESS, never="x"))
        behind = ask_query(mcp, NODES)
    finally:
        os.kill(stage.daemon.pid, signal.SIGCONT)
    assert mcp.answer()["id"] == behind


def who_goes_takes_the_queries_along(stage):
    mcp = begin_endless(stage)
    other = Mcp(stage)
    for _ in range(2):
        ask_query(other, ENDLESS, never="x")
    assert other.end()[1] == 0
    assert mcp.call("graph_query", query=NODES)["count"] == 2


def what_waits_for_a_daemon_is_not_done_once_it_was_cancelled(stage):
    mcp = Mcp(stage, "--patience", "60000")
    stage.gardend()
    mcp.call("transport_state")
    stage.daemon.kill()
    stage.daemon.wait()
    mcp.until(lambda message: "does not answer" in str(message))
    play = mcp.ask("tools/call", name="transport_play", arguments={})
    seek = mcp.ask("tools/call", name="transport_seek", arguments={"beat": 7})
    mcp.notify("notifications/cancelled", requestId=play)
    assert mcp.request("ping")["result"] == {}
    stage.gardend()
    assert mcp.answer()["id"] == seek
    assert mcp.call("transport_state") == {"playing": False, "position": 7.0, "tempo": 120.0}


def the_end_of_the_input_ends_a_capture_and_answers_its_call(stage):
    stage.gardend()
    mcp = Mcp(stage, "--store", stage.folder)
    whole = mcp.ask("tools/call", name="stream_capture", arguments={"uri": "stream://a", "device_identity": "dev"},
                    _meta={"progressToken": "p"})
    progress = mcp.until(lambda message: message["method"] == "notifications/progress")["params"]
    assert progress["progressToken"] == "p" and progress["progress"] > 0, progress
    rest, status = mcp.end()
    answers = [message for message in rest if message.get("id") == whole]
    assert status == 0 and len(answers) == 1, rest
    told = answers[0]["result"]["structuredContent"]
    assert told["status"] == "stopped" and told["complete"] and told["total_samples"] > 0, told
    # One that has ended is left alone, though its timer was set before.
    mcp = Mcp(stage, "--store", stage.folder)
    mcp.call("stream_create", uri="stream://c", device_identity="dev")
    mcp.call("stream_stop", uri="stream://c")
    time.sleep(1)
    assert mcp.call("stream_status", uri="stream://c")["status"] == "stopped"
    # And a signal seals what is captured, as well.
    mcp = Mcp(stage, "--store", stage.folder)
    mcp.call("stream_create", uri="stream://b", device_identity="dev", chunk_size_bytes=100000)
    while mcp.call("stream_status", uri="stream://b")["total_samples"] < 1000:
        time.sleep(0.05)
    mcp.process.send_signal(signal.SIGTERM)
    status = mcp.process.wait(60)
    assert status == 0, status
    assert os.listdir(stage.path("staging")) == []
    mcp = Mcp(stage, "--store", stage.folder)
    sliced = mcp.call("stream_slice", stream_uri="stream://b", **{"from": {"type": "streamstart"}},
                      to={"type": "streamhead"})
    assert sliced["sample_range"][1] > 0
    for spec, words in (({"type": "absolute", "timestamp": "yesterday"}, "RFC 3339"),
                        ({"type": "absolute", "timestamp": "1999-01-01T00:00:00Z"}, "outside"),
                        ({"type": "sampleposition", "position": 10 ** 12}, "outside")):
        assert words in mcp.failure("stream_slice", stream_uri="stream://b", to={"type": "streamhead"}, **{"from": spec})


def put_object(store, octets):
    name = hashlib.blake2b(octets, digest_size=32).hexdigest()
    os.makedirs(os.path.join(store, "objects", name[:2]), exist_ok=True)
    with open(os.path.join(store, "objects", name[:2], name[2:]), "wb") as file:
        file.write(octets)
    return name


def store_of(stage, count, uri_of="stream://many/{}".format):
    """A store with so many recordings of three chunks each; the manifests' hashes."""
    store, hashes = stage.path("store"), []
    for folder in ("objects", "metadata", "staging", "recordings"):
        os.makedirs(os.path.join(store, folder), mode=0o700)
    chunks = [{"hash": "%064x" % i, "byte_count": 8, "sample_count": 2, "first_sample": 2 * i} for i in range(3)]
    for i in range(count):
        time_of = {"secs_since_epoch": 1 + i, "nanos_since_epoch": 0}
        text = json.dumps({
            "stream_uri": uri_of(i), "definition_hash": DEFINITION_HASH, "frame_size": 4, "chunks": chunks,
            "gaps": [], "total_bytes": 24, "total_samples": 6, "total_gap_samples": 0, "started_at": time_of,
            "last_updated": time_of, "complete": True}).encode()
        hashes.append(put_object(store, text))
    return store, sorted(hashes)


def a_store_of_many_recordings_is_listed_in_pages_and_holds_up_nobody(stage):
    store, hashes = store_of(stage, 1000)
    mcp = Mcp(stage, "--store", store)
    found, cursor = [], {}
    while True:
        mcp.write(b"".join(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"
                           for number, method, params in (("list", "resources/list", cursor), ("ping", "ping", {}))))
        assert mcp.answer()["id"] == "ping"  # a page is made by the by
        page = mcp.answer()
        assert page["id"] == "list" and len(page["result"]["resources"]) <= 100
        found += [one["uri"] for one in page["result"]["resources"]]
        if "nextCursor" not in page["result"]:
            break
        cursor = {"cursor": page["result"]["nextCursor"]}
        if len(found) == 500:  # what is removed or made meanwhile moves no page
            gone = found[-1].split("/")[3]
            os.remove(os.path.join(store, "objects", gone[:2], gone[2:]))
    stored = [uri for uri in found if "/manifest/" in uri or "/chunk/" in uri]
    whole = [uri for one in hashes for uri in
             (f"garden://manifest/{one}", *(f"garden://chunk/{one}/{i}" for i in range(3)))]
    assert [uri for uri in whole if gone not in uri] == [uri for uri in stored if gone not in uri]
    for wrong in ("", "x", "-1", "1x", hashes[0], hashes[0] + "/", hashes[0] + "/x", "g" * 64 + "/0", 7):
        assert mcp.request("resources/list", cursor=wrong)["error"]["code"] == PARAMS, wrong
    assert mcp.request("resources/list", cursor="f" * 64 + "/9")["result"] == {"resources": []}
    assert mcp.request("resources/list", cursor="99999999999999999999")["result"]["nextCursor"] == hashes[25] + "/0"


def a_list_that_is_not_wanted_any_more_is_left(stage):
    store, _ = store_of(stage, 200)
    mcp = Mcp(stage, "--store", store)
    for number in range(20):
        mcp.write(json.dumps({"jsonrpc": "2.0", "id": f"l{number}", "method": "resources/list"}).encode() + b"\n" + json.dumps(
            {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": f"l{number}"}}).encode() + b"\n")
    assert mcp.request("ping")["result"] == {}
    mcp.ask("resources/list")
    assert mcp.end()[1] == 0


SLICE = {"from": {"type": "streamstart"}, "to": {"type": "streamhead"}, "output": "virtual"}


def batch(*requests):
    return b"".join(json.dumps({"jsonrpc": "2.0", **dict(zip(("method", "params", "id"), request))}).encode() + b"\n"
                    for request in requests)


def a_recording_is_looked_for_by_its_uri_among_thousands_and_holds_up_nobody(stage):
    store, hashes = store_of(stage, 3000, lambda i: f"stream://take/{i % 1500}")
    assert put_object(store, DEFINITION) == DEFINITION_HASH
    mcp = Mcp(stage, "--store", store)
    wanted = [f"stream://take/{i}" for i in (7, 1499, 1500)] + ["stream://take/8"]
    mcp.write(batch(*(("tools/call", {"name": "stream_slice", "arguments": {"stream_uri": uri, **SLICE}}, uri)
                      for uri in wanted), ("tools/list", {}, "list"), ("ping", {}, "ping")))
    assert [mcp.answer()["id"] for _ in range(2)] == ["list", "ping"]  # neither finding one nor finding none is waited for
    answers = {answer["id"]: answer["result"] for answer in (mcp.answer() for _ in wanted)}
    assert sorted(answers) == sorted(wanted)
    assert answers[wanted[2]]["isError"] and "nothing of a stream" in answers[wanted[2]]["content"][0]["text"]
    for uri in (wanted[0], wanted[1], wanted[3]):
        found = answers[uri]["structuredContent"]
        assert found["sample_range"] == [0, 6] and found["source_chunks"] == ["%064x" % i for i in range(3)], found
        with open(os.path.join(store, "objects", found["content_hash"][:2], found["content_hash"][2:]), "rb") as file:
            one = json.load(file)
        with open(os.path.join(store, "objects", one["source_manifest"][:2], one["source_manifest"][2:]), "rb") as file:
            manifest = json.load(file)
        assert one["source_stream"] == manifest["stream_uri"] == uri and one["source_manifest"] in hashes
        assert manifest["started_at"]["secs_since_epoch"] > 1500, manifest  # the newer one of two


def a_search_that_is_not_wanted_any_more_is_left(stage):
    store, _ = store_of(stage, 1000)
    mcp = Mcp(stage, "--store", store)
    for number in range(8):
        mcp.write(batch(("tools/call", {"name": "stream_slice", "arguments": {"stream_uri": "stream://none", **SLICE}}, number),
                        ("notifications/cancelled", {"requestId": number})))
    assert mcp.request("ping")["result"] == {}
    mcp.ask("tools/call", name="stream_slice", arguments={"stream_uri": "stream://none", **SLICE})
    rest, status = mcp.end()  # in the middle of it
    assert status == 0 and len(rest) <= 1, rest


def a_resource_above_the_limit_is_read_in_parts(stage):
    stage.gardend()
    mcp = Mcp(stage, "--store", stage.folder, "--blob-max", "4096")
    told = mcp.call("stream_capture", uri="stream://a", device_identity="dev", seconds=1)
    uri = "garden://slice/" + told["manifest_hash"] + "/0-"
    answer = mcp.request("resources/read", uri=uri + "40000")
    assert answer["error"]["code"] == PARAMS and "4096" in answer["error"]["message"], answer
    frame = told["total_bytes"] // told["total_samples"]
    contents = mcp.request("resources/read", uri=f"{uri}{4096 // frame}")["result"]["contents"][0]
    assert contents["mimeType"] == "audio/wav" and len(base64.b64decode(contents["blob"])) == 4096 // frame * frame + 44


def what_is_read_is_verified_without_holding_up_others(stage):
    stage.gardend()
    mcp = Mcp(stage, "--store", stage.folder)
    told = mcp.call("stream_capture", uri="stream://a", device_identity="dev", seconds=1)
    for number, part in enumerate((f"manifest/{told['manifest_hash']}", f"chunk/{told['manifest_hash']}/0",
                                   f"slice/{told['manifest_hash']}/0-10", f"object/{told['manifest_hash']}")):
        read = {"jsonrpc": "2.0", "id": f"read{number}", "method": "resources/read", "params": {"uri": f"garden://{part}"}}
        ping = {"jsonrpc": "2.0", "id": f"ping{number}", "method": "ping"}
        mcp.write(json.dumps(read).encode() + b"\n" + json.dumps(ping).encode() + b"\n")  # they come together
        answers = [mcp.answer(), mcp.answer()]
        assert [answer["id"] for answer in answers] == [f"ping{number}", f"read{number}"], answers
        assert answers[1]["result"]["contents"][0]["uri"] == f"garden://{part}", answers


def a_capture_of_seconds_is_exact_and_what_is_left_out_is_as_gardenctl_has_it(stage):
    stage.gardend()
    mcp = Mcp(stage, "--store", stage.folder)
    told = mcp.call("stream_capture", device_identity="dev", seconds=1)
    assert told["uri"] == "stream://dev/main" and told["total_samples"] == 48000 and told["complete"], told
    told = mcp.call("stream_capture", device_identity="dev", seconds=0.0625)
    assert told["total_samples"] == 3000 and told["complete"], told
    assert "less than a frame" in mcp.failure("stream_capture", device_identity="dev", seconds=1e-7)
    for uri, words in (("x", "stream://"), ("stream://a\n", "control"), ("stream:///", "stream://"), ("", "stream://")):
        assert "uri: it must" in (told := mcp.failure("stream_capture", device_identity="dev", uri=uri)) and words in told, told
    assert "no source 'default'" in mcp.failure("stream_capture")
    with open(stage.path("log"), "wb") as log:
        mcp = subprocess.Popen([PROGRAM, "--run-dir", stage.run_dir, "--store", stage.path("none")],
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log)
        mcp.communicate(timeout=60)
    with open(stage.path("log"), encoding="utf-8") as log:
        assert f"--store {stage.path('none')}: No such file or directory" in log.read()
    assert not os.path.exists(stage.path("none"))


def that_the_daemon_is_busy_is_for_those_who_debug(stage):
    def busy(message):
        data = message["params"].get("data", {})
        return data.get("event") == "Status" and "Busy" in json.dumps(data)

    stage.gardend()
    mcp = Mcp(stage, "--store", stage.folder)
    assert mcp.request("logging/setLevel", level="info")["result"] == {}
    for _ in range(3):
        mcp.call("stream_capture", device_identity="dev", seconds=1)
    assert not [message for message in mcp.told if busy(message)], mcp.told
    assert mcp.request("logging/setLevel", level="debug")["result"] == {}
    mcp.call("stream_capture", device_identity="dev", seconds=1)
    mcp.until(busy)


def wrong_words_of_the_call_are_named(stage):
    for words, said in ((["--nothing"], b"nothing"), (["--store", ""], b"--store"), (["--timeout", "x"], b"--timeout"), (["more"], b"arguments"),
                        (["--message-max", "1"], b"--message-max"), (["--tcp", "x"], b"--tcp"),
                        (["--completion", "fish"], b"bash or zsh"), (["--calls-max", "0"], b"--calls-max"),
                        (["--blob-max", "-1"], b"--blob-max"), (["--patience", "0"], b"--patience"),
                        (["--server-key", "x", "--tcp", "localhost:7000"], b"--server-key"),
                        (["--run-dir", "/" + "x" * 300], b"--run-dir")):
        done = subprocess.run([PROGRAM, *words], input=b"", capture_output=True, timeout=60, check=False)
        assert done.returncode == 2 and said in done.stderr, (words, done)
    with open(stage.path("key"), "wb") as file:
        file.write(b"nothing\n")
    done = subprocess.run([PROGRAM, "--run-dir", stage.run_dir, "--key", stage.path("key")], input=b"",
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 1 and b"no key file" in done.stderr, done


def help_version_and_completions_are_there(stage):
    said = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    for shell in ("bash", "zsh"):
        script = subprocess.run([PROGRAM, "--completion", shell], capture_output=True, text=True, check=True).stdout
        for word in re.findall(r"^ +(--[\w-]+)", said, re.M):
            assert word in script, (shell, word)
        if shell == "bash":
            subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert "garden-mcp" in subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    assert json.loads("{" + said.split("configuration: {", 1)[1])["mcpServers"]["garden"]["command"] == "garden-mcp"


def the_configuration_in_the_readmes_starts_it(stage):
    for path in ("README.md", "garden/README.md"):
        with open(path, encoding="utf-8") as file:
            blocks = re.findall(r"```json\n(.*?)```", file.read(), re.S)
        servers = [json.loads(block)["mcpServers"] for block in blocks if "mcpServers" in block]
        assert servers, path
        for server in (server for group in servers for server in group.values()):
            begin = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
                "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": CLIENT}}
            done = subprocess.run([server["command"], *server.get("args", [])], input=json.dumps(begin).encode(),
                                  env={"PATH": os.path.dirname(PROGRAM), "XDG_RUNTIME_DIR": stage.run_dir,
                                       **server.get("env", {})},
                                  cwd=stage.folder, capture_output=True, timeout=60, check=True)
            assert json.loads(done.stdout)["result"]["serverInfo"]["name"] == "garden-mcp", done


stages.run([
    every_version_is_negotiated,
    a_version_that_is_unknown_is_answered_with_the_newest,
    initialize_wants_all_its_fields_and_names_the_one_that_is_wrong,
    before_initialize_there_is_ping_and_nothing_else,
    what_is_no_json_is_a_parse_error_and_the_session_goes_on,
    json_that_cannot_be_taken_is_refused_under_the_id_that_waits_for_an_answer,
    what_is_no_request_is_an_invalid_request,
    params_are_an_object,
    a_method_that_is_unknown_is_told_so_and_a_notification_is_never_answered,
    ids_come_back_as_they_were,
    batches_are_answered_where_the_version_has_them,
    a_tool_that_is_unknown_and_a_call_without_a_name_are_refused,
    arguments_that_are_wrong_are_named_with_what_was_expected,
    resources_that_are_not_there_are_refused,
    a_line_above_the_limit_is_refused_and_passed_over,
    what_comes_in_pieces_or_together_is_the_same,
    the_end_of_the_input_is_the_end_of_the_program,
    a_signal_is_an_end_as_well,
    who_does_not_read_holds_up_nobody_and_ends_it_by_going,
    too_many_requests_under_way_are_refused,
    a_cancelled_call_is_not_answered,
    a_cancelled_query_ends_in_the_daemon_and_nothing_else_does,
    a_query_that_is_overtaken_by_its_cancellation_is_not_begun,
    who_goes_takes_the_queries_along,
    what_waits_for_a_daemon_is_not_done_once_it_was_cancelled,
    the_end_of_the_input_ends_a_capture_and_answers_its_call,
    a_store_of_many_recordings_is_listed_in_pages_and_holds_up_nobody,
    a_list_that_is_not_wanted_any_more_is_left,
    a_recording_is_looked_for_by_its_uri_among_thousands_and_holds_up_nobody,
    a_search_that_is_not_wanted_any_more_is_left,
    a_resource_above_the_limit_is_read_in_parts,
    what_is_read_is_verified_without_holding_up_others,
    a_capture_of_seconds_is_exact_and_what_is_left_out_is_as_gardenctl_has_it,
    that_the_daemon_is_busy_is_for_those_who_debug,
    wrong_words_of_the_call_are_named,
    help_version_and_completions_are_there,
    the_configuration_in_the_readmes_starts_it,
])
