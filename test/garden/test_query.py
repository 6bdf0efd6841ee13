#!/usr/bin/python3
"""The query lane of a daemon, and gardenctl that asks it: rows in every form, limits that are told, and queries
that are ended. Reports in TAP.
"""
import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from test_story import GARDENCTL, PATIENCE, one_line, run_all, tests_of  # noqa: E402

REGIONS = '{ Region { position @output artifact_id @output tags @output latent_status @output } }'


def begin(it, *options, regions=3):
    it.start("--source", "none", *options)
    for i in range(regions):
        it.ctl("create-region", str(4 * i), "4", '{"PlayContent":{"artifact_id":"a \\"%d\\", b"}}' % i, check=0)


def rows(story, query, *words):
    return json.loads(story.ctl("--json", "query", *words, query, check=0).stdout)


def asked_with_input(story, text, *words):
    return subprocess.run([GARDENCTL, "--run-dir", story.path("run"), "--json", "query", *words], input=text,
                          capture_output=True, text=True, timeout=PATIENCE, check=False)


def rows_are_a_table_or_csv_or_json(story):
    begin(story, regions=2)
    table = story.ctl("query", REGIONS, check=0).stdout.splitlines()
    assert table[0].split() == ["position", "artifact_id", "tags", "latent_status"], table
    assert table[2].split() == ["4.0", "a", '"1",', "b", "[]", "-"], table
    done = subprocess.run([GARDENCTL, "--run-dir", story.path("run"), "query", "--csv", REGIONS], capture_output=True,
                          timeout=PATIENCE, check=True)
    assert done.stdout == (b'position,artifact_id,tags,latent_status\r\n0.0,"a ""0"", b",[],\r\n'
                           b'4.0,"a ""1"", b",[],\r\n'), done.stdout
    assert rows(story, REGIONS)[1] == {"position": 4.0, "artifact_id": 'a "1", b', "tags": [], "latent_status": None}
    assert story.ctl("query", "{ Job { id @output } }", check=0).stdout == "none\n"


def a_query_comes_from_an_argument_a_file_or_the_standard_input(story):
    begin(story)
    text = '{ Region { position @output @filter(op: ">=", value: ["$from"]) } }'
    expected = [{"position": 8.0}]
    assert rows(story, text, "--variables", '{"from": 8}') == expected
    with open(story.path("q"), "w", encoding="utf-8") as file:
        file.write("# a comment\n" + text)
    done = story.ctl("--json", "query", "--variables", '{"from": 8}', "--file", story.path("q"), check=0)
    assert json.loads(done.stdout) == expected
    for words in ((), ("-",), ("--file", "-")):
        assert json.loads(asked_with_input(story, text, "--variables", '{"from":8}', *words).stdout) == expected
    for words in (("a", "b"), ("--file", "x", "a"), ("--variables", "3", "a"), ("--variables", "{", "a")):
        story.ctl("query", *words, check=2)
    story.ctl("query", "--file", story.path("none"), check=1)


def mistakes_are_told_with_their_place(story):
    begin(story, regions=0)
    told = one_line(story.ctl("query", "{\n  Region { positoin @output }\n}", check=1).stderr)
    assert told == ("gardenctl query: line 2, column 12: Region has no property or edge 'positoin'; did you mean "
                    "'position'?"), told


def the_schema_is_that_of_the_file_and_asks_no_daemon(story):
    with open(os.path.join(os.path.dirname(__file__), "../../garden/query/schema.graphql"), encoding="utf-8") as file:
        assert story.ctl("schema", check=0).stdout == file.read()


def rows_that_are_left_out_are_told(story):
    begin(story, "--query-rows", "2")
    done = story.ctl("--json", "query", REGIONS, check=0)
    assert len(json.loads(done.stdout)) == 2
    assert "the first 2 rows, there are more" in one_line(done.stderr), done.stderr
    done = story.ctl("query", '{ RegionInRange(start: 0.0, end: 5.0) { end @output } }', check=0)
    assert done.stderr == "", done.stderr


# Two nodes with sixteen connections: each step there and back has sixteen times the ways of the one before.
ENDLESS = "{ Node { " + "edges { source { " * 12 + 'name @output @filter(op: "=", value: ["$never"])' + " } }" * 12 + " } }"


def make_endless(it):
    ports = [{"name": str(i), "signal_type": "audio"} for i in range(16)]
    ids = [it.ctl("add-node", json.dumps({"name": name, "node_type": name, "config": {name: ports}}),
                     check=0).stdout.strip() for name in ("outputs", "inputs")]
    for i in range(16):
        it.ctl("connect", json.dumps({"node_id": ids[0], "port_name": str(i)}),
                  json.dumps({"node_id": ids[1], "port_name": str(i)}), check=0)


def ask_endlessly(it):
    return subprocess.Popen([GARDENCTL, "--run-dir", it.path("run"), "--timeout", "60000", "query", "--variables",
                             '{"never":"x"}', ENDLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def rows_that_no_message_can_carry_are_refused_in_words(story):
    begin(story, "--query-rows", "1000000", "--query-ms", "60000", regions=0)
    make_endless(story)
    text = "{ Node { " + "edges { source { " * 4 + "a: id @output b: id @output" + " } }" * 4 + " } }"
    told = one_line(story.ctl("--timeout", "60000", "query", text, check=1).stderr)
    assert "the answer is larger or deeper than a message may be: ask for less" in told, told
    assert story.ctl("query", "{ Node { name @output } }", check=0).stdout.split() == ["name", "outputs", "inputs"]


def a_query_that_takes_too_long_is_ended(story):
    begin(story, "--query-ms", "200", regions=0)
    make_endless(story)
    _, told = ask_endlessly(story).communicate(timeout=PATIENCE)
    assert "the query took longer than 200 ms" in told, told


def an_interrupt_ends_queries_and_others_are_answered_meanwhile(story):
    begin(story, "--query-ms", "60000")
    make_endless(story)
    asking = [ask_endlessly(story) for _ in range(4)]
    until = time.monotonic() + PATIENCE
    while True:  # shell and control are answered while two are asked and two wait
        assert len(json.loads(story.ctl("--json", "get-regions", check=0).stdout)["Regions"]["regions"]) == 3
        story.ctl("status", check=0)
        told = story.ctl("control-interrupt", check=0).stdout
        if "query" in told:
            break
        assert time.monotonic() < until, told
    while any(one.poll() is None for one in asking):
        story.ctl("control-interrupt", check=0)
        assert time.monotonic() < until
    for one in asking:
        _, told = one.communicate()
        assert one.returncode == 1 and "the query was interrupted" in told, told
    assert "nothing" in story.ctl("control-interrupt", check=0).stdout
    assert len(rows(story, REGIONS)) == 3


def a_shutdown_waits_for_no_query(story):
    begin(story, "--query-ms", "600000", regions=0)
    make_endless(story)
    asking = ask_endlessly(story)
    until = time.monotonic() + PATIENCE
    time.sleep(0.3)  # so that it is most likely under way; nothing depends on it
    story.ctl("shutdown", check=0)
    assert story.daemons[0].wait(PATIENCE) == 0 and time.monotonic() < until
    asking.communicate(timeout=PATIENCE)


if __name__ == "__main__":
    sys.exit(run_all(tests_of(globals())))
