#!/usr/bin/python3
"""What gardend keeps of its state, and of what it answered, over its ends and over the troubles of a disk. Reports in TAP."""
import os
import re
import shutil
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap  # noqa: E402
from pygarden.preload import Preload  # noqa: E402
from pygarden.stage import PATIENCE, run  # noqa: E402

MANY = 1 << 40


def node(name, size=0):
    return ("AddNode", {"node": {"name": name, "node_type": "t", "config": {"filling": "x" * size}}})


def names(client):
    kind, content = client.query("{ Node { name @output } }")
    assert kind == "Results", content
    return sorted(row["name"] for row in content["rows"])


def kept(stage, kind):
    """The numbers of the files of |kind|, state or log."""
    files = os.listdir(os.path.join(stage.run_dir, "state"))
    return sorted(int(name.split(".")[1]) for name in files if re.fullmatch(kind + r"\.\d+", name))


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def again(stage, *options):
    """The daemon dies, and another is started where it was. Returns a client of that."""
    stage.daemon.kill()
    stage.daemon.wait()
    stage.gardend(*options)
    return stage.client()


def trouble(client, words):
    """The next event that tells of the state's files has those words."""
    told = client.wait_for("Error", context="state")["content"][1]["error"]
    assert words in told, told


def what_was_answered_is_answered_again_after_a_kill_and_not_executed_again(stage):
    """From the log, and from a snapshot that has taken its place; also what has changed since that."""
    stage.gardend()
    client = stage.client()
    header = client.send("shell", node("first"))
    answer = client.reply_to("shell", header)[0]["content"]
    assert answer[0] == "NodeAdded", answer
    client = again(stage)
    client.session = header["session"]
    assert client.ask("shell", node("first"), again=header)[0]["content"] == answer
    assert names(client) == ["first"]

    logs = kept(stage, "log")
    for _ in range(80):  # more than LEDGER_LOG_MIN
        assert client.ask("shell", node("large", 60000))[0]["content"][0] == "NodeAdded"
    until(lambda: kept(stage, "state") and kept(stage, "log")[0] > logs[-1])
    assert len(kept(stage, "log")) == 1, "what the snapshot has replaced is gone"
    newer = client.send("shell", node("last"))
    last = client.reply_to("shell", newer)[0]["content"]
    client = again(stage)
    client.session = header["session"]
    for asked, name, told in ((header, "first", answer), (newer, "last", last)):
        assert client.ask("shell", node(name), again=asked)[0]["content"] == told
    assert names(client) == ["first"] + 80 * ["large"] + ["last"]
    assert client.control("DebugDump")[1]["state"]["counters"]["repeated"] == 2


def a_log_that_cannot_be_synced_is_told_and_a_snapshot_takes_its_place(stage):
    preload = Preload(stage, STATE_SYNCS_FAIL=0)
    stage.gardend("--state-sync-ms", "20", env=preload.env)
    client = stage.client()
    client.subscribed()
    until(lambda: not kept(stage, "state"))
    preload.write("STATE_SYNCS_FAIL", 1)
    client.ask("shell", node("a"))
    trouble(client, "the log cannot be synced")
    until(lambda: kept(stage, "state"))
    before = names(client)
    assert "a" in before
    assert names(again(stage)) == before


def a_snapshot_that_fails_is_told_and_costs_nothing_that_was_answered(stage):
    preload = Preload(stage, STATE_SYNCS_FAIL=0)
    stage.gardend("--state-sync-ms", "20", env=preload.env)
    client = stage.client()
    client.subscribed()
    preload.write("STATE_SYNCS_FAIL", MANY)
    client.ask("shell", node("a"))
    trouble(client, "the log cannot be synced")
    trouble(client, "Input/output error")
    assert not kept(stage, "state")
    assert client.ask("shell", node("b"))[0]["content"][0] == "NodeAdded"
    before = names(client)
    assert {"a", "b"} <= set(before)
    assert names(again(stage)) == before


def a_change_that_is_to_be_synced_and_cannot_be_is_refused_and_not_made(stage):
    preload = Preload(stage, STATE_SYNCS_FAIL=0)
    stage.gardend("--state-sync-ms", "0", env=preload.env)
    client = stage.client()
    client.subscribed()
    client.ask("shell", node("a"))
    before = names(client)
    preload.write("STATE_SYNCS_FAIL", MANY)
    kind, content = client.ask("shell", node("b"))[0]["content"]
    assert kind == "Error" and "cannot be synced to the disk" in content["error"], content
    trouble(client, "cannot be synced to the disk")
    assert names(client) == before
    preload.write("STATE_SYNCS_FAIL", 0)
    assert client.ask("shell", node("c"))[0]["content"][0] == "NodeAdded"
    assert names(again(stage)) == sorted([*before, "c"])


def a_full_disk_refuses_changes_and_nothing_else(stage):
    preload = Preload(stage, STATE_WRITES_FAIL=0)
    stage.gardend(env=preload.env)
    client = stage.client()
    client.subscribed()
    before = names(client)
    preload.write("STATE_WRITES_FAIL", MANY)
    kind, content = client.ask("shell", node("a"))[0]["content"]
    assert kind == "Error" and "No space left on device" in content["error"], content
    trouble(client, "No space left on device")
    for request, answer in (("Play", "Ok"), ("GetTransportState", "TransportState"), ("Stop", "Ok")):
        assert client.shell(request)[0] == answer
    assert client.control("Interrupt")[0] == "Interrupted" and names(client) == before
    preload.write("STATE_WRITES_FAIL", 0)
    assert client.ask("shell", node("b"))[0]["content"][0] == "NodeAdded"
    assert names(again(stage)) == sorted([*before, "b"])


def a_state_that_is_removed_together_with_the_staging_folder_is_written_again(stage):
    """Although the staging folder, which is for its client to make again, stays away."""
    stage.gardend()
    client = stage.client()
    assert client.ask("shell", node("a"))[0]["content"][0] == "NodeAdded"
    before = names(client)
    state, staging = os.path.join(stage.run_dir, "state"), stage.path("staging")
    with tap.halted(stage.daemon):  # or it would mend what is not yet all removed
        shutil.rmtree(staging)
        shutil.rmtree(state)
    until(lambda: os.path.isdir(state) and kept(stage, "state"))
    os.mkdir(staging, 0o700)
    assert names(again(stage)) == before


run([
    what_was_answered_is_answered_again_after_a_kill_and_not_executed_again,
    a_log_that_cannot_be_synced_is_told_and_a_snapshot_takes_its_place,
    a_snapshot_that_fails_is_told_and_costs_nothing_that_was_answered,
    a_change_that_is_to_be_synced_and_cannot_be_is_refused_and_not_made,
    a_full_disk_refuses_changes_and_nothing_else,
    a_state_that_is_removed_together_with_the_staging_folder_is_written_again,
])
