#!/usr/bin/python3
"""garden-mcp with every kind of standard input and output, and with many captures and many who wait for them.

Reports in TAP.
"""
import base64
import io
import json
import os
import pty
import shutil
import socket
import struct
import subprocess
import sys
import wave

from peer import CLIENT, PROGRAM, Mcp

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import recordings  # noqa: E402
import tap  # noqa: E402
from pygarden import stage as stages  # noqa: E402

HELLO = b"".join(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n" for message in (
    {"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": CLIENT}},
    {"method": "notifications/initialized"}, {"id": 2, "method": "ping"}))


def pair_of_tcp():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        near = socket.create_connection(listener.getsockname())
        return near, listener.accept()[0]


def begin(stage, ends, log):
    return subprocess.Popen([PROGRAM, "--connection", os.path.join(stage.run_dir, "connection.json")], stdin=ends, stdout=ends,
                            stderr=log)


def results(octets):
    """The ids that were answered. A terminal repeats what was typed."""
    messages = [json.loads(line) for line in octets.splitlines() if line.startswith(b"{")]
    return [message["id"] for message in messages if "result" in message]


def read_until(read, count):
    octets = b""
    while len(results(octets[: octets.rfind(b"\n") + 1])) < count:
        more = read(65536)
        assert more, octets
        octets += more
    return octets


def read_to_end(read):
    octets = b""
    while more := read(65536):
        octets += more
    return octets


def a_socket_or_a_terminal_serves_as_well_as_a_pipe(stage):
    """Beside the answers it may be told that the daemon answers, whenever that is."""
    stage.gardend()
    for make in (pair_of_tcp, socket.socketpair):
        near, far = make()
        with open(stage.path("log"), "wb") as log, near, begin(stage, far, log) as running:
            far.close()
            near.settimeout(stages.PATIENCE)
            near.sendall(HELLO)
            told = read_until(near.recv, 2)
            near.shutdown(socket.SHUT_WR)
            assert results(told + read_to_end(near.recv)) == [1, 2], make
            assert running.wait(stages.PATIENCE) == 0, make
    ours, theirs = pty.openpty()
    with open(stage.path("log"), "wb") as log, begin(stage, theirs, log) as running:
        os.close(theirs)
        # What is typed is repeated amid what it says, unless it has nothing to say as yet.
        first, *others = HELLO.splitlines(keepends=True)
        os.write(ours, first)
        told = read_until(lambda size: os.read(ours, size), 1)
        os.write(ours, b"".join(others))
        assert results(told + read_until(lambda size: os.read(ours, size), 1)) == [1, 2], told
        os.write(ours, b"\x04")  # the end of what is typed
        assert running.wait(stages.PATIENCE) == 0
    os.close(ours)


def the_oldest_captures_that_are_over_are_forgotten(stage):
    """64 can be asked about, and who ended beside the newest."""
    stage.gardend()
    mcp = Mcp(stage, "--store", stage.folder)
    for first in range(0, 80, 8):
        asked = [mcp.ask("tools/call", name="stream_capture", arguments={
            "uri": f"stream://take/{number}", "device_identity": "dev", "seconds": 0.01, "chunk_size_bytes": 4096})
            for number in range(first, first + 8)]
        answers = [mcp.answer() for _ in asked]
        assert sorted(answer["id"] for answer in answers) == asked, answers
        assert all(not answer["result"]["isError"] for answer in answers), answers
    assert mcp.call("stream_status", uri="stream://take/79")["total_samples"] == 480
    known = [number for number in range(80) if not mcp.request("tools/call", name="stream_status", arguments={
        "uri": f"stream://take/{number}"})["result"]["isError"]]
    assert 64 <= len(known) <= 72 and set(known) >= set(range(16, 80)), known
    told = mcp.failure("stream_status", uri="stream://take/0")
    assert "has a stream of that uri" in told, told


def who_waits_for_a_stream_beside_too_many_is_told_so(stage):
    stage.gardend()
    mcp = Mcp(stage, "--store", stage.folder)
    mcp.call("stream_create", uri="stream://a", device_identity="dev")
    with tap.halted(stage.daemon):
        asked = [mcp.ask("tools/call", name="stream_stop", arguments={"uri": "stream://a"}) for _ in range(18)]
        refused = [mcp.answer() for _ in range(2)]
        assert [answer["id"] for answer in refused] == asked[16:], refused
        for answer in refused:
            assert answer["result"]["isError"] and "Too many calls wait for stream://a" in answer["result"]["content"][0]["text"]
    answers = [mcp.answer() for _ in range(16)]
    assert sorted(answer["id"] for answer in answers) == asked[:16]
    for answer in answers:
        assert answer["result"]["structuredContent"]["status"] == "stopped", answer


def a_part_of_an_odd_size_is_a_wav_file_as_well(stage):
    """Of three octets a frame; such a file has an octet more behind them."""
    stage.gardend("--source", "mono=counter:1,48000")
    mcp = Mcp(stage, "--store", stage.folder)
    told = mcp.call("stream_capture", uri="stream://a", device_identity="mono", seconds=0.1,
                    format={"type": "audio", "sample_format": "i24"})
    assert told["total_samples"] == 4800 and told["total_bytes"] == 3 * 4800, told
    counter = recordings.Counter("s24_le", 1)
    for begun, end in ((0, 4800), (7, 1008), (4799, 4800)):
        contents = mcp.request("resources/read", uri=f"garden://slice/{told['manifest_hash']}/{begun}-{end}")["result"]["contents"][0]
        file = base64.b64decode(contents["blob"])
        size = 3 * (end - begun)
        assert len(file) == 44 + size + size % 2 and struct.unpack("<I", file[4:8])[0] == len(file) - 8, (begun, len(file), file[:48], size)
        with wave.open(io.BytesIO(file)) as part:
            assert part.getparams()[:4] == (1, 3, 48000, end - begun)
            assert part.readframes(end - begun) == counter.octets(begun, end - begun)


def a_store_that_is_removed_ends_the_capture_and_nobody_is_sent_to_recover_it(stage):
    store = stage.path("store")
    for name in ("objects", "staging"):
        os.makedirs(os.path.join(store, name))
    stage.gardend("--staging", os.path.join(store, "staging"))
    mcp = Mcp(stage, "--store", store)
    asked = mcp.ask("tools/call", name="stream_capture", _meta={"progressToken": "p"}, arguments={
        "uri": "stream://a", "device_identity": "dev", "chunk_size_bytes": 65536})
    mcp.until(lambda message: message["method"] == "notifications/progress")
    shutil.rmtree(store)
    answer = mcp.answer()
    assert answer["id"] == asked and answer["result"]["isError"], answer
    said = answer["result"]["content"][0]["text"]
    assert f"the store {store} is gone, and what was captured with it" in said and "--recover" not in said, said
    told = [message["params"]["data"].get("message", "") for message in mcp.told if message["method"] == "notifications/message"]
    assert any("moved away or removed" in text for text in told), told
    assert mcp.end()[1] == 0


stages.run([
    a_socket_or_a_terminal_serves_as_well_as_a_pipe,
    the_oldest_captures_that_are_over_are_forgotten,
    who_waits_for_a_stream_beside_too_many_is_told_so,
    a_part_of_an_odd_size_is_a_wav_file_as_well,
    a_store_that_is_removed_ends_the_capture_and_nobody_is_sent_to_recover_it,
])
