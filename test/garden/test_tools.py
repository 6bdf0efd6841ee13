#!/usr/bin/python3
"""gardenctl's tools: looking after a store, carrying recordings, watching a daemon.

Reports in TAP. Runs the programs of $O/bin in a folder of its own.
"""
import io
import json
import os
import pty
import random
import re
import select
import signal
import stat
import subprocess
import sys
import tarfile
import termios
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from test_story import GARDENCTL, PATIENCE, Story, object_path, one_line, run_all, tests_of  # noqa: E402


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


def capture(story, name="take.wav", seconds=0.3, run="run", **options):
    """A finished recording. Returns what capture tells, and the file."""
    take, _ = story.recording(seconds=seconds, name=name)
    story.start("--file", take, run=run)
    done = json.loads(story.ctl("--json", "capture", "--store", story.store, "--chunks", "4", run=run,
                                check=0, **options).stdout)
    return done, take


def plain(*words, check=None, **options):
    """gardenctl without a daemon."""
    done = subprocess.run([GARDENCTL, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, check=False, **options)
    if check is not None:
        assert done.returncode == check, (words, done.returncode, done.stdout, done.stderr)
    return done


def put(story, octets):
    """An object that no manifest names, as a writer that was killed leaves it. Returns its name."""
    import hashlib
    name = hashlib.blake2b(octets, digest_size=32).hexdigest()
    path = object_path(story, name)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(path, "wb") as file:
        file.write(octets)
    os.chmod(path, 0o444)
    return name


# ---- Words


def completion_words():
    """Each command's options as the shell is told of them."""
    script = plain("completion", "bash", check=0).stdout
    return {name: [word for word in words.split() if word.startswith("--")]
            for name, words in re.findall(r'^ {8}(\S+)\) words="(.*)" ;;$', script, re.M) if not re.search(r"[*:]", name)}


def every_commands_help_mentions_each_option_it_takes(story):
    del story
    words = completion_words()
    general = words.pop("''")
    commands = re.findall(r"^ {2}([a-z][a-z-]*) +\S", plain("--help", check=0).stdout, re.M)
    assert sorted(commands) == sorted(words) and len(commands) >= 12, (commands, list(words))
    told = plain("--help", check=0).stdout
    assert len(general) >= 9 and all(re.search(option + r"\b", told) for option in general), general
    for name, options in words.items():
        told = plain(name, "--help", check=0).stdout
        assert told.startswith("Usage: gardenctl " + name), told
        for option in options:
            assert option == "--help" or re.search(option + r"\b", told), (name, option)
        # And the other way round: what a line of the help begins with is taken.
        for option in re.findall(r"^ {2}(--[a-z-]+)", told, re.M):
            assert option in options, (name, option)
        assert "--no-such-option" in plain(name, "--no-such-option", check=2).stderr


def the_completions_are_scripts_that_their_shells_read(story):
    for shell in ("bash", "zsh"):
        script = story.path("completion." + shell)
        with open(script, "w", encoding="utf-8") as file:
            file.write(plain("completion", shell, check=0).stdout)
        if subprocess.run(["sh", "-c", "command -v " + shell], capture_output=True, check=False).returncode == 0:
            subprocess.run([shell, "-n", script], check=True)
    words = subprocess.run(
        ["bash", "-c", f". {story.path('completion.bash')}; COMP_WORDS=(gardenctl --json gc --st); COMP_CWORD=3; "
         "_gardenctl; echo ${COMPREPLY[@]}; COMP_WORDS=(gardenctl create-r); COMP_CWORD=1; _gardenctl; "
         "echo ${COMPREPLY[@]}"], capture_output=True, text=True, check=True).stdout.split()
    assert words == ["--store", "create-region"], words
    assert "bash or zsh" in plain("completion", "tcsh", check=2).stderr


def the_manual_page_tells_every_command_and_option(story):
    del story
    path = os.path.join(os.path.dirname(__file__), "../../garden/man/gardenctl.1")
    with open(path, encoding="utf-8") as file:
        page = file.read().replace("\\-", "-")
    for name, options in completion_words().items():
        assert name == "''" or re.search(r"\b" + name + r"\b", page), name
        for option in options:
            assert option in page, (name, option)


# ---- gc and fsck


def gc_tells_first_and_removes_only_when_asked(story):
    done, take = capture(story)
    lost = put(story, b"nobody names this")
    told = lines_of(plain("--json", "gc", "--store", story.store, check=0).stdout)
    assert [each["object"] for each in told[:-1]] == [lost] and told[-1]["removed"] == 0, told
    assert told[-1]["manifests"] == 1 and os.path.exists(object_path(story, lost))
    told = lines_of(plain("--json", "gc", "--store", story.store, "--remove", check=0).stdout)
    assert told[-1]["removed"] == 1 and not os.path.exists(object_path(story, lost)), told
    said = plain("gc", "--store", story.store, "--remove", check=0).stdout
    assert "1 manifest; 0 unnamed" in said and "removed" not in said, said
    assert "1 manifest; 0 wrong" in plain("fsck", "--store", story.store, check=0).stdout
    assert story.verify(done["manifest"], take)["ok"]
    told = lines_of(plain("--json", "gc", "--store", story.store, "--remove", "--forget", done["manifest"],
                          check=0).stdout)
    assert told[0]["object"] == done["manifest"] and told[0]["manifest"], told  # it goes first
    assert told[-1]["removed"] == told[-1]["objects"] == done["chunks"] + 2, told
    assert lines_of(plain("--json", "fsck", "--store", story.store, check=0).stdout)[-1]["objects"] == 0


def gc_refuses_while_a_capture_writes_into_the_store(story):
    story.start("--source", "counter:2,48000", pace="real")
    running = subprocess.Popen([GARDENCTL, "--connection", story.path("run/connection.json"), "capture", "--store",
                                story.store, "--chunk-bytes", "20000"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    for line in running.stdout:
        if line.startswith("chunk 2 sealed"):
            break
    lost = put(story, b"nobody names this")
    assert "end the captures first" in plain("gc", "--store", story.store, "--remove", check=1).stderr
    # Looking is never refused, and what the capture has made so far is named.
    told = lines_of(plain("--json", "gc", "--store", story.store, check=0).stdout)
    assert lost in [each["object"] for each in told[:-1]] and len(told) <= 4, told
    running.kill()
    running.communicate()
    # What it left in staging is a root too.
    assert lines_of(plain("--json", "gc", "--store", story.store, "--remove", check=0).stdout)[-1]["removed"] >= 1
    story.ctl("shutdown", check=0)
    story.daemons[0].communicate(timeout=PATIENCE)
    done = json.loads(plain("--json", "capture", "--recover", "--store", story.store).stdout)
    assert plain("verify", "--store", story.store, done["manifest"], check=0)


def gc_removes_nothing_while_a_damaged_object_may_have_been_a_manifest(story):
    done, _ = capture(story)
    victim = object_path(story, done["manifest"])
    os.chmod(victim, 0o600)
    with open(victim, "r+b") as file:
        file.write(b"x")
    before = sum(len(files) for _, _, files in os.walk(story.store))
    assert "may have been a manifest" in plain("gc", "--store", story.store, "--remove", check=4).stderr
    assert sum(len(files) for _, _, files in os.walk(story.store)) == before
    plain("gc", "--store", story.store, "--remove", "--forget", done["manifest"], check=0)


def fsck_calls_a_stray_file_by_its_path(story):
    done, _ = capture(story)
    for folder in ("objects", "metadata"):
        with open(os.path.join(os.path.dirname(object_path(story, done["manifest"])).replace("objects", folder), "junk"), "w",
                  encoding="utf-8"):
            pass
    told = plain("fsck", "--store", story.store, check=4).stdout
    two = done["manifest"][:2]
    assert re.search(rf"^stranger +objects/{two}/junk: is no object's name$", told, re.M), told
    assert re.search(rf"^stranger +metadata/{two}/junk: is no object's metadata$", told, re.M), told


def fsck_finds_what_is_wrong_and_repairs_what_is_safe(story):
    done, take = capture(story)
    told = lines_of(plain("--json", "fsck", "--store", story.store, check=0).stdout)
    assert len(told) == 1 and told[0]["ok"] and told[0]["manifests"] == 1, told
    described = os.path.join(story.store, "metadata", done["manifest"][:2], done["manifest"][2:] + ".json")
    os.unlink(described)
    os.chmod(object_path(story, done["manifest"]), 0o644)
    found = lines_of(plain("--json", "fsck", "--store", story.store, check=4).stdout)
    assert sorted(each["kind"] for each in found[:-1]) == ["mode", "undescribed"], found
    found = lines_of(plain("--json", "fsck", "--store", story.store, "--repair", check=0).stdout)
    assert found[-1]["repaired"] == 2 and all(each["repaired"] for each in found[:-1]), found
    with open(described, encoding="utf-8") as file:
        assert json.load(file)["mime_type"] == "application/json"
    with open(object_path(story, done["manifest"]), encoding="utf-8") as file:
        chunk = json.load(file)["chunks"][1]["hash"]
    os.unlink(object_path(story, chunk))
    found = lines_of(plain("--json", "fsck", "--store", story.store, "--repair", check=4).stdout)
    assert ("missing", chunk) in [(each["kind"], each["name"]) for each in found[:-1]], found
    assert "missing" in plain("fsck", "--store", story.store, check=4).stdout
    story.verify(done["manifest"], take, check=4)


# ---- export and import


def exported(where, *manifests):
    path = where.path("parcel.tar")
    told = json.loads(plain("--json", "export", "--store", where.store, "--out", path, "--force", *manifests, check=0).stdout)
    assert told["recordings"] == len(manifests), told
    size = os.path.getsize(path)
    assert "--force" in plain("export", "--store", where.store, "--out", path, *manifests, check=2).stderr
    assert os.path.getsize(path) == size
    return path


def recordings_travel_in_an_archive_and_arrive_once(story):
    one, take = capture(story)
    two, other = capture(story, name="other.wav", run="second")
    path = exported(story, one["manifest"], two["manifest"])
    with tarfile.open(path) as tar:  # any tar reads it
        names = tar.getnames()
        assert names[-1] == f"manifests/{two['manifest']}.json" and len(names) == len(set(names)), names
    with open(path, "rb") as file:
        octets = file.read()
    # The same octets each time, and through a pipe.
    piped = subprocess.run([GARDENCTL, "export", "--store", story.store, one["manifest"], two["manifest"]],
                           stdout=subprocess.PIPE, timeout=PATIENCE, check=True).stdout
    assert piped == octets
    there = story.path("there")
    for known in (False, True):
        told = lines_of(plain("--json", "import", "--store", there, path, check=0).stdout)
        assert [(each["manifest"], each["known"]) for each in told] == [(one["manifest"], known),
                                                                         (two["manifest"], known)], told
        assert lines_of(plain("--json", "fsck", "--store", there, check=0).stdout)[-1]["lying_about"] == 0
    for done, file in ((one, take), (two, other)):
        plain("verify", "--store", there, "--against", file, done["manifest"], check=0)
    again = story.path("again")
    done = subprocess.run([GARDENCTL, "import", "--store", again], input=octets, capture_output=True,
                          timeout=PATIENCE, check=False)
    assert done.returncode == 0 and one["manifest"].encode() in done.stdout, done


def tampered(path, out, change):
    """Copies an archive through |change|, which sees name and octets and returns both, or None."""
    with tarfile.open(path) as tar, tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as copy:
        for member in tar:
            changed = change(member.name, tar.extractfile(member).read())
            if changed is None:
                continue
            info = tarfile.TarInfo(changed[0])
            info.size = len(changed[1])
            copy.addfile(info, io.BytesIO(changed[1]))
    return out


def an_archive_with_wrong_hashes_or_names_brings_no_manifest(story):
    done, _ = capture(story)
    path, bad = exported(story, done["manifest"]), story.path("bad.tar")

    def flip(kind):
        return lambda name, octets: (name, octets[:-1] + bytes([octets[-1] ^ 1])) if name.startswith(kind) else \
            (name, octets)
    changes = [(flip(kind), "not those of its name") for kind in ("chunks", "definitions", "manifests")]
    changes += [(lambda name, octets: None if name.startswith("definitions") else (name, octets), "not whole"),
                (lambda name, octets: None if name.startswith("manifests") else (name, octets), "no manifest")]
    changes += [(lambda name, octets, to=to: (to, octets) if name.startswith("chunks") else (name, octets),
                 "no export writes")
                for to in ("../escape", "/etc/passwd", "chunks/zz.raw", "chunks/" + "0" * 64, "chunks/" + "0" * 64 +
                           ".exe", "objects/x")]
    for number, (change, words) in enumerate(changes):
        there = story.path(f"there.{number}")
        failed = plain("import", "--store", there, tampered(path, bad, change), check=4)
        assert words in one_line(failed.stderr), (words, failed.stderr)
        assert not os.path.exists(os.path.join(there, "objects", done["manifest"][:2], done["manifest"][2:]))
        if os.path.exists(there):  # something of it could be taken
            found = lines_of(plain("--json", "fsck", "--store", there, check=0).stdout)
            assert found[-1]["manifests"] == 0, found
    # A name that would be more than shown.
    import hashlib

    def rename(name, octets):
        if not name.startswith("manifests"):
            return name, octets
        octets = octets.replace(b"stream://default/main", b"stream://\\u001b[2Jdefault")
        return f"manifests/{hashlib.blake2b(octets, digest_size=32).hexdigest()}.json", octets
    failed = plain("import", "--store", story.path("there.name"), tampered(path, bad, rename), check=4)
    assert "whose stream's uri" in one_line(failed.stderr) and "\x1b" not in failed.stdout + failed.stderr, failed
    # Links, sparse files, and what is no archive.
    zeros = "chunks/" + "0" * 64 + ".raw"
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
        with tarfile.open(bad, "w") as tar:
            info = tarfile.TarInfo(zeros)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
        plain("import", "--store", there, bad, check=4)
    with open(path, "rb") as file:
        octets = file.read()
    for cut in (0, 100, 512, 1000, len(octets) // 2, len(octets) // 2 + 333):
        with open(bad, "wb") as file:
            file.write(octets[:cut])
        assert plain("import", "--store", there, bad).returncode in (1, 4), cut
    with open(bad, "wb") as file:
        file.write(random.Random(5).randbytes(5000))
    assert plain("import", "--store", there, bad, check=4).stderr
    plain("import", "--store", there, path, check=0)  # nothing of this stands in the way
    plain("verify", "--store", there, done["manifest"], check=0)


def a_killed_import_leaves_a_store_that_is_whole(story):
    done, _ = capture(story, seconds=3)
    path, there = exported(story, done["manifest"]), story.path("there")
    for delay in (0.002, 0.005, 0.01, 0.02):
        running = subprocess.Popen([GARDENCTL, "import", "--store", there, path], stdout=subprocess.DEVNULL)
        time.sleep(delay)
        running.kill()
        running.wait()
        if os.path.isdir(os.path.join(there, "staging")):
            plain("fsck", "--store", there, check=0)
    plain("import", "--store", there, path, check=0)
    plain("verify", "--store", there, done["manifest"], check=0)


def a_damaged_store_exports_nothing_and_leaves_no_file(story):
    done, _ = capture(story)
    with open(object_path(story, done["manifest"]), encoding="utf-8") as file:
        victim = object_path(story, json.load(file)["chunks"][1]["hash"])
    os.chmod(victim, 0o600)
    with open(victim, "r+b") as file:
        file.write(b"\0\0\0\0\1")
    out = story.path("x.tar")
    assert "damaged" in plain("export", "--store", story.store, "--out", out, done["manifest"], check=4).stderr
    assert not os.path.exists(out) and not os.path.exists(out + ".part")
    plain("export", "--store", story.store, "--out", out, "0" * 64, check=1)
    plain("export", "--store", story.store, "--out", "/nonexistent/x", done["manifest"], check=1)
    for words in ([], ["12"]):
        plain("export", "--store", story.store, *words, check=2)


# ---- events and top


def events_are_told_from_a_number_on_and_filtered(story):
    story.start("--source", "none")
    for _ in range(3):
        story.ctl("play", check=0)
        story.ctl("stop", check=0)
    told = lines_of(story.ctl("--json", "events", "--since", "0", "--type", "PlaybackStarted", "--type",
                              "PlaybackStopped", "--count", "6", check=0).stdout)
    assert [each["content"] for each in told] == 3 * ["PlaybackStarted", "PlaybackStopped"], told
    numbers = [each["metadata"]["seq"] for each in told]
    assert numbers == sorted(set(numbers)), numbers
    told = lines_of(story.ctl("--json", "events", "--since", str(numbers[4]), "--not-type", "PlaybackPosition",
                              "--not-type", "Welcome", "--count", "2", check=0).stdout)
    assert [each["metadata"]["seq"] for each in told] == numbers[4:], told
    # Past ones are followed by those that come, none twice and none left out.
    running = subprocess.Popen([GARDENCTL, "--connection", story.path("run/connection.json"), "--json", "events",
                                "--since", "0", "--type", "PlaybackStarted", "--count", "8"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for _ in range(5):
        story.ctl("play", check=0)
        story.ctl("stop", check=0)
    out, err = running.communicate(timeout=PATIENCE)
    assert len(lines_of(out)) == 8 and not err, (out, err)
    line = story.ctl("events", "--since", "0", "--count", "1", check=0).stdout
    assert "\033" not in line and line.count("\n") == 1, line
    for words in (["--type", "Nothing"], ["--since", "x"], ["--count", "0"], ["more"]):
        story.ctl("events", *words, check=2)


def events_of_one_stream_are_told_apart_from_all_others(story):
    story.start("--source", "counter:2,48000", "--source", "other=counter:1,8000", pace="real")
    running = [subprocess.Popen([GARDENCTL, "--connection", story.path("run/connection.json"), "--json", "capture", "--store",
                                 story.store, "--chunk-bytes", "4096", "--device", device], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for device in ("default", "other")]
    wanted = "stream://other/main"
    told = lines_of(story.ctl("--json", "events", "--stream", wanted, "--count", "12", check=0).stdout)
    contents = [each["content"] for each in told]
    assert all(list(content.values())[0]["stream_uri"] == wanted for content in contents), contents
    assert {name for content in contents for name in content} == {"StreamHeadPosition", "StreamChunkFull"}, contents
    for each in running:
        assert ended(each)[0] == 0


def top_tells_once_where_there_is_no_terminal(story):
    story.start("--source", "counter:2,48000", pace="real")
    running = subprocess.Popen([GARDENCTL, "--connection", story.path("run/connection.json"), "capture", "--store",
                                story.store, "--chunk-bytes", "100000"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    running.stdout.readline()
    told = json.loads(one_line(story.ctl("--json", "top", "--interval", "300", check=0).stdout))
    assert all(told["lanes"].values()) and told["streams"][0]["rate"] > 0, told
    text = story.ctl("top", "--interval", "300", check=0).stdout
    assert "stream://default/main" in text and "round trip" in text and "\033" not in text, text
    assert story.ctl("--json", "top", "--interval", "50", "--count", "3", check=0).stdout.count("\n") == 3
    ended(running)
    uri = "stream://" + "x" * 400 + "/end"  # a long name is told whole
    running = subprocess.Popen([GARDENCTL, "--connection", story.path("run/connection.json"), "capture", "--store", story.store,
                                "--uri", uri], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until(lambda: uri in [stream["uri"] for stream in json.loads(story.ctl("--json", "status", check=0).stdout)["streams"]])
    told = json.loads(one_line(story.ctl("--json", "top", "--interval", "50", check=0).stdout))
    assert uri in [stream["uri"] for stream in told["streams"]], told
    ended(running)
    assert "daemon" in one_line(plain("--run-dir", story.path("nowhere"), "--timeout", "300", "top", check=3).stderr)


def top_is_drawn_on_a_terminal_and_leaves_it_as_it_was(story):
    story.start("--source", "none")
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    running = subprocess.Popen([GARDENCTL, "--connection", story.path("run/connection.json"), "top", "--interval",
                                "100"], stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"})
    screen = b""

    def shows(words):
        nonlocal screen
        while select.select([ours], [], [], 0.05)[0]:
            screen += os.read(ours, 65536)
        return words in screen
    until(lambda: shows(b"round trip"))
    assert b"\033[?1049h" in screen and b"\033[?25l" in screen, screen
    assert not termios.tcgetattr(theirs)[3] & termios.ICANON
    os.write(ours, b"p")
    until(lambda: shows(b"paused"))
    os.write(ours, b"pq")
    until(lambda: shows(b"\033[?1049l") and running.poll() is not None)
    assert running.returncode == 0 and termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


# ---- record, show and replay


def recorded(where, work, *options, run="run"):
    """A tape of what |work| does over the proxy, which it is given as a run."""
    tape, listen = where.path("session.tape"), where.path("proxy")
    running = subprocess.Popen([GARDENCTL, "--connection", where.path(run + "/connection.json"), "--json", "record",
                                "--listen", listen, *options, tape], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    until(lambda: os.path.exists(listen + "/connection.json") or running.poll() is not None)
    assert running.poll() is None, running.communicate()
    work("proxy")
    return tape, running


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def ended(running, how=signal.SIGINT):
    running.send_signal(how)
    out, err = running.communicate(timeout=PATIENCE)
    return running.returncode, out, err


def a_session(where):
    """Requests of three lanes, of which some follow from the replies to others."""
    def work(run):
        where.ctl("ping", run=run, check=0)
        region = where.ctl("create-region", "0", "4", '{"PlayContent":{"artifact_id":"x"}}', run=run, check=0)
        where.ctl("move-region", region.stdout.strip(), "2", run=run, check=0)
        where.ctl("get-regions", run=run, check=0)
        where.ctl("delete-region", "11111111-1111-4111-8111-111111111111", run=run, check=1)
        where.ctl("control-pause", run=run, check=0)
        where.ctl("seek", "16", run=run, check=0)
    return work


def a_recorded_session_is_shown_and_replayed(story):
    story.start("--source", "none")
    tape, running = recorded(story, a_session(story))
    status, out, err = ended(running)
    assert status == 0 and json.loads(out)["dropped"] == 0, (status, out, err)
    assert not os.path.exists(story.path("proxy/connection.json"))
    shown = lines_of(plain("--json", "show", tape, check=0).stdout)
    assert len(shown) == json.loads(out)["messages"], out
    assert {each["lane"] for each in shown} >= {"control", "shell", "hb"}, shown
    asked = [each for each in shown if each["lane"] == "shell" and not each["from_daemon"]]
    assert len(asked) == 5 and len({each["peer"] for each in asked}) == 5, asked
    replies = {each["message"]["parent_header"]["msg_id"]: each for each in shown
               if each["lane"] == "shell" and each["from_daemon"]}
    for each in asked:  # each has its reply, to the same client
        assert replies[each["message"]["header"]["msg_id"]]["peer"] == each["peer"]
    lines = plain("show", "--lane", "shell", "--type", "Seek", tape, check=0).stdout.splitlines()
    assert len(lines) == 1 and '{"beat":16' in lines[0] and "\033" not in lines[0], lines
    # Against a fresh daemon all replies are the same, but for ids.
    story.start("--source", "none", run="second")
    told = json.loads(story.ctl("--json", "replay", "--fast", tape, run="second", check=0).stdout)
    assert told["sent"] == told["same"] == 6 and told["differ"] == 0, told
    # The second time there are two regions.
    told = lines_of(story.ctl("--json", "replay", "--speed", "20", tape, run="second", check=4).stdout)
    assert told[-1]["differ"] == 1 and told[0]["request"] == "GetRegions", told
    story.ctl("replay", "--fast", "--ignore", "GetRegions", tape, run="second", check=0)


def a_recording_that_is_killed_can_be_read_as_far_as_it_got(story):
    story.start("--source", "none")
    tape, running = recorded(story, a_session(story))
    running.kill()
    running.communicate()
    shown = plain("--json", "show", tape, check=0)
    assert "without its end" in shown.stderr and len(lines_of(shown.stdout)) >= 14, shown
    with open(tape, "rb") as file:
        octets = file.read()
    for cut in (len(octets) - 3, len(octets) // 2, 300):
        with open(story.path("cut.tape"), "wb") as file:
            file.write(octets[:cut])
        assert plain("show", story.path("cut.tape")).returncode == 0, cut
    for at in (len(octets) // 2, len(octets) - 3):
        with open(story.path("bad.tape"), "wb") as file:
            file.write(octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1:])
        told = plain("show", story.path("bad.tape"))
        assert told.returncode == 4 and "octet" in told.stderr or "without its end" in told.stderr, told
    for junk in (b"", b"GRDN", b"GRDNTAP2" + b"\0" * 100, b"GRDNTAP1" + b"\xff" * 100, b"GRDNTAP1"):
        with open(story.path("bad.tape"), "wb") as file:
            file.write(junk)
        for words in (["show"], ["replay"], ["replay", "--publish", story.path("nobody")]):
            assert one_line(plain(*words, story.path("bad.tape"), check=4).stderr), junk
    plain("show", story.path("absent"), check=1)
    assert "is there already" in story.ctl("record", "--events-only", tape, check=2).stderr  # nothing is written over


def a_recorder_that_does_not_start_leaves_nothing_in_the_way(story):
    """Neither a tape, which the next try would not write over, nor the daemon's connection file missing."""
    story.start("--source", "none")
    tape = story.path("s.tape")
    os.mkdir(story.path("px"), 0o755)
    os.chmod(story.path("px"), 0o755)
    assert "is open to others" in story.ctl("record", "--listen", story.path("px"), tape, check=1).stderr
    assert not os.path.exists(tape)
    assert "cannot listen" in story.ctl("record", "--listen", story.path("run"), tape, check=1).stderr
    assert not os.path.exists(tape) and os.path.exists(story.path("run/connection.json"))
    with open(tape, "wb"):
        pass  # somebody else's
    assert "is there already" in story.ctl("record", "--listen", story.path("px"), tape, check=2).stderr
    assert os.path.exists(tape)


def recorded_events_are_published_again(story):
    story.start("--source", "none")
    tape = story.path("events.tape")
    running = subprocess.Popen([GARDENCTL, "--connection", story.path("run/connection.json"), "record",
                                "--events-only", tape], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout.readline()
    until(lambda: "Welcome" in plain("show", tape).stdout)
    for beat in ("1", "2", "3"):
        story.ctl("play", check=0)
        story.ctl("stop", check=0)
    until(lambda: plain("show", "--type", "PlaybackStopped", tape).stdout.count("\n") == 3)
    assert ended(running)[0] == 0
    publisher = subprocess.Popen([GARDENCTL, "--json", "replay", "--speed", "1000", "--publish", story.path("again"),
                                  tape], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: os.path.exists(story.path("again/connection.json")) or publisher.poll() is not None)
    heard = lines_of(story.ctl("--json", "events", "--type", "PlaybackStarted", "--type", "PlaybackStopped",
                               "--count", "6", run="again", check=0).stdout)
    assert [each["content"] for each in heard] == 3 * ["PlaybackStarted", "PlaybackStopped"], heard
    out, err = publisher.communicate(timeout=PATIENCE)
    assert publisher.returncode == 0 and json.loads(out)["published"] >= 6, (out, err)
    slow = subprocess.Popen([GARDENCTL, "replay", "--speed", "0.001", "--publish", story.path("slow"), tape],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: os.path.exists(story.path("slow/connection.json")) or slow.poll() is not None)
    for words in (["play"], ["interrupt"], ["query", "{ Node { name @output } }"]):
        failed = story.ctl(*words, run="slow", check=1).stderr
        assert "this is a replay of events: no request is answered" in one_line(failed), failed
    assert ended(slow)[0] == 0 and not os.path.exists(story.path("slow/connection.json"))


def events_are_heard_from_a_daemon_whose_heartbeat_is_not(story):
    """As from one that ends behind the last that was asked for."""
    story.start("--source", "none")
    with open(story.path("run/connection.json"), encoding="utf-8") as file:
        connection = json.load(file)
    connection["endpoints"]["hb"] = "ipc://" + story.path("nobody")
    with open(story.path("mute.json"), "w", encoding="utf-8") as file:
        json.dump(connection, file)
    hearing = subprocess.Popen([GARDENCTL, "--connection", story.path("mute.json"), "--json", "events", "--type", "PlaybackStarted",
                                "--count", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + PATIENCE
    while hearing.poll() is None and time.monotonic() < end:
        story.ctl("play", check=0)
        story.ctl("stop", check=0)
    out, err = hearing.communicate(timeout=PATIENCE)
    assert hearing.returncode == 0 and json.loads(out)["content"] == "PlaybackStarted", (hearing.returncode, out, err)


def a_capture_through_the_recorder_is_whole(story):
    take, frames = story.recording(seconds=1)
    story.start("--file", take)

    def work(run):
        done = json.loads(story.ctl("--json", "capture", "--store", story.store, "--chunks", "8", run=run,
                                    check=0).stdout)
        assert done["captured"] == frames, done
        assert story.verify(done["manifest"], take)["ok"]
    tape, running = recorded(story, work)
    assert ended(running, signal.SIGTERM)[0] == 0
    names = plain("show", "--lane", "shell", tape, check=0).stdout
    assert "StreamStart" in names and "StreamSwitchChunk" in names and "StreamStop" in names


# ---- What can be wrong around them


def a_full_disk_is_told_and_leaves_a_store_that_is_whole(story):
    done, _ = capture(story, seconds=2)
    path = exported(story, done["manifest"])
    small = story.path("small")
    os.mkdir(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", small], capture_output=True,
                      check=False).returncode != 0:
        return "no tmpfs can be mounted here"
    try:
        failed = plain("import", "--store", os.path.join(small, "store"), path, check=1)
        assert "make room on that disk" in failed.stderr, failed
        plain("fsck", "--store", os.path.join(small, "store"), check=0)
        told = plain("export", "--store", story.store, "--out", os.path.join(small, "x.tar"), done["manifest"], check=1)
        assert "No space" in told.stderr, told
        assert os.listdir(small) == ["store"]
        told = plain("slice", "--store", story.store, "--out", os.path.join(small, "x.wav"), done["manifest"], check=1)
        assert "cannot be written" in told.stderr and os.listdir(small) == ["store"], told
    finally:
        subprocess.run(["umount", small], check=True)
    return None


def a_store_on_a_read_only_disk_is_read_and_not_written(story):
    done, take = capture(story)
    path = exported(story, done["manifest"])
    put(story, b"nobody names this")
    if subprocess.run(["mount", "--bind", story.store, story.store], capture_output=True, check=False).returncode != 0:
        return "nothing can be mounted here"
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", story.store], check=True)
        assert story.verify(done["manifest"], take)["ok"]
        for words in (["fsck"], ["gc"], ["slice", done["manifest"]]):
            plain(words[0], "--store", story.store, *words[1:], check=0)
        for words in (["gc", "--remove"], ["import", path]):
            told = plain(words[0], "--store", story.store, *words[1:], check=1)
            assert "read-only" in told.stderr.lower(), (words, told)
    finally:
        subprocess.run(["umount", story.store], check=True)
    return None


def commands_on_stores_say_what_is_wrong_with_the_store(story):
    zeros = "0" * 64
    calls = (["gc"], ["gc", "--remove"], ["fsck"], ["fsck", "--repair"], ["verify", zeros], ["slice", zeros],
             ["export", "--out", "x", zeros])
    for call in calls:
        words = [call[0], "--store", story.path("absent"), *call[1:]]
        assert "absent" in one_line(plain(*words, check=1).stderr), words
    assert not os.path.exists(story.path("absent"))  # looking makes nothing
    with open(story.path("file"), "w", encoding="utf-8"):
        pass
    for call in calls:
        assert one_line(plain(call[0], "--store", story.path("file"), *call[1:], check=1).stderr), call
    for call in (["verify", "12"], ["gc", "--forget", "12"], ["fsck", "more"], ["gc", "--remove", "--dry-run"]):
        plain(call[0], "--store", story.store, *call[1:], check=2)
    for name in ("gc", "fsck", "verify", "slice", "capture"):
        assert "--store DIR is missing" in plain(name, check=2).stderr


def wrong_words_are_answered_with_what_to_write(story):
    """None of these asks a daemon."""
    calls = {
        ("seek", "x"): ("beat takes a number of beats, not 'x'", "Try 'gardenctl seek --help'."),
        ("seek", "beat="): ("beat takes a number of beats, not ''",),
        ("create-region", "0", "4", "kick"): ("behavior takes JSON, not 'kick'",),
        ("create-region", "0", "4", '{"PlayContent":{'): ("behavior takes JSON, not '{",),
        ("delete-region", "first"): ("region_id takes UUID, not 'first'",),
        ("get-regions", "0-4"): ("range takes [FROM,TO], not '0-4'",),
        ("capture",): ("Try 'gardenctl capture --help'.",),
        ("query", "--json", "{"): ("there is no option '--json'", "gardenctl --json query", "gardenctl query --help"),
        ("seek", "--timeout=3", "4"): ("gardenctl --timeout 3 seek",),
        ("ping", "--timeout", "1s"): ("gardenctl --timeout 1s ping",),
        ("ping", "--timeout"): ("gardenctl --timeout VALUE ping",),
        ("ping", "--json"): ("gardenctl --json ping",),
        ("set-tempo", "abc"): ("bpm takes a number of beats a minute, not 'abc'",),
        ("--timeout", "x", "ping"): ("Try 'gardenctl --help'.",),
        ("--connect", "x", "ping"): ("there is no option '--connect'; did you mean '--connection'?",),
        ("--json=yes", "ping"): ("--json takes no value",),
        ("--connection",): ("--connection needs a value behind it",),
        ("-j", "ping"): ("there is no option '-j'; did you mean '--json'?",),
        ("--tcp", "localhost:7000", "ping"): ("--tcp and --connection both say where the daemon is",),
        ("capture", "--source", "x"): ("there is no option '--source'; did you mean '--device'?",),
        ("capture", "--secnods", "1"): ("there is no option '--secnods'; did you mean '--seconds'?",),
        ("capture", "--store", "x", "--resume", "--seconds", "3"): ("--seconds is for a new capture",),
        ("--connection", "", "ping"): ("--connection takes a value, not ''",),
        ("capture", "--store", ""): ("--store takes a value, not ''",),
        ("capture", "--store", "x", "--chunks", "3", "--chunk-bytes", "500"): ("--chunks and --chunk-bytes both say",),
        ("ping", "--nonsense"): ("there is no option '--nonsense'\n",),
        ("create-region", "0", "4", '{"PlayContent":{"artifact":"x"}}'):
            ("create-region: content.CreateRegion.behavior.PlayContent.artifact_id: expected this field",
             "there is no field 'artifact'"),
        ("nonesuch",): ("Try 'gardenctl --help'.",),
        ("seeek", "1"): ("there is no command 'seeek'; did you mean 'seek'?",),
        ("captur",): ("did you mean 'capture'?",),
        ("show", "--type", "StreamChunkFul", "x"): ("no message 'StreamChunkFul'; did you mean 'StreamChunkFull'?",),
        ("show", "--type", "seek", "x"): ("did you mean 'Seek'?",),
        ("show", "--type", "", "x"): ("--type takes a value, not ''",),
        ("show", "--lane", "shel", "x"): ("there is no lane 'shel'; did you mean 'shell'?",),
        ("events", "--type", "NodeAded"): ("there is no event 'NodeAded'; did you mean 'NodeAdded'?",),
        ("events", "--not-type", "Seek"): ("there is no event 'Seek'",),
    }
    for call, words in calls.items():
        told = plain("--connection", story.path("none"), *call, check=2).stderr
        for word in words:
            assert word in told, (call, told)


def the_three_programs_take_exact_names_and_tell_the_nearest(story):
    """The beginning of a name is none: a later option would change what a script says."""
    for name, wrong, meant in (("gardenctl", "--connec", "--connection"), ("gardend", "--stagin", "--staging"),
                               ("garden-mcp", "--stor", "--store"), ("gardend", "--http-tokne", "--http-token"),
                               ("garden-mcp", "--patince", "--patience"), ("gardend", "-help", "--help")):
        for words in ([wrong, story.path("x")], [f"{wrong}={story.path('x')}"]):
            done = subprocess.run([os.path.join(os.path.dirname(GARDENCTL), name), *words], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=PATIENCE, check=False)
            assert done.returncode == 2, (name, done)
            assert f"there is no option '{wrong}'; did you mean '{meant}'?" in done.stderr, (name, done)
    with open(story.path("gardend.conf"), "w", encoding="utf-8") as file:
        file.write("ring-sm = 100\n")
    done = subprocess.run([os.path.join(os.path.dirname(GARDENCTL), "gardend"), "--config", story.path("gardend.conf")],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2 and ":1: there is no option 'ring-sm'; did you mean 'ring-ms'?" in done.stderr, done


def so_many_seconds_are_so_many_frames(story):
    story.start("--source", "counter:2,48000", pace="real")
    for chunk in ("100000", "524288"):  # the end lies within a chunk, and in the first
        done = json.loads(story.ctl("--json", "capture", "--store", story.store, "--seconds", "1", "--chunk-bytes", chunk,
                                    "--uri", "stream://take/" + chunk, check=0).stdout)
        assert done["captured"] == done["offered"] == 48000 and done["lost"] == 0 and done["complete"], done
        plain("verify", "--store", story.store, done["manifest"], check=0)


def a_capture_that_is_taken_up_keeps_the_seconds_that_were_wished_for(story):
    story.start("--source", "counter:2,48000", "--ring-ms", "30000", pace="real")
    words = ["capture", "--store", story.store, "--chunk-bytes", "65536"]
    running = subprocess.Popen([GARDENCTL, "--run-dir", story.path("run"), *words, "--seconds", "3"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert "sealed" in running.stdout.readline()
    running.kill()
    running.communicate()
    done = json.loads(story.ctl("--json", "capture", "--store", story.store, "--resume", check=0).stdout)
    assert done["captured"] == done["offered"] == 3 * 48000 and done["complete"], done


def a_daemon_that_is_killed_is_told_with_what_is_sealed_and_how_to_go_on(story):
    for json_too in (False, True):
        daemon, _ = story.start("--source", "counter:2,48000", pace="real")
        running = subprocess.Popen([GARDENCTL, *["--json"] * json_too, "--run-dir", story.path("run"), "capture",
                                    "--store", story.store, "--chunk-bytes", "65536", "--patience", "1"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        before = len(os.listdir(os.path.join(story.store, "objects"))) if json_too else 0
        until(lambda: os.path.isdir(os.path.join(story.store, "objects"))
              and len(os.listdir(os.path.join(story.store, "objects"))) > before + 2)
        daemon.kill()
        daemon.wait()
        out, err = running.communicate(timeout=PATIENCE)
        assert running.returncode == 5 and "waited for, 1 s at most" in err and "stays away" in err, (out, err)
        if json_too:
            told = json.loads(out)
            assert told["daemon_gone"] and not told["complete"] and told["captured"] > 0, told
        else:
            assert "the daemon went away in the midst of it" in out and "a new capture goes on" in out, out
            plain("verify", "--store", story.store, out.split()[-1])


def a_capture_into_a_folder_that_no_daemon_writes_into_makes_nothing(story):
    daemon, _ = story.start("--source", "counter:2,48000", "--log-level", "info", pace="real")
    wrong = story.path("wrong")
    for words in ([], ["--resume"], ["--recover"]):
        told = story.ctl("capture", "--store", wrong, *words, check=1).stderr
        assert f"{wrong}/staging is not there" in told and "gardend's --staging" in told, told
        assert not os.path.exists(wrong), words
    daemon.terminate()
    text = daemon.communicate(timeout=PATIENCE)[1]
    assert f"captures go into {story.store}/staging\n" in text, text


def a_capture_on_a_full_disk_ends_when_its_seconds_are_over(story):
    small = story.path("small")
    os.mkdir(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", small], capture_output=True,
                      check=False).returncode != 0:
        return "no tmpfs can be mounted here"
    try:
        os.makedirs(os.path.join(small, "staging"))
        story.start("--source", "counter:1,48000", "--staging", os.path.join(small, "staging"), "--ring-ms", "200",
                    pace="real")
        done = json.loads(story.ctl("--json", "capture", "--store", small, "--chunk-bytes", "200000", "--seconds", "4",
                                    check=5).stdout)
        assert done["lost"] > 0, done
        with open(os.path.join(small, "fill"), "wb", buffering=0) as fill:
            try:
                while fill.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                pass
        # What is full stays so: tries and their advice are told once, each with its reason.
        told = story.ctl("capture", "--store", small, "--chunk-bytes", "200000", "--seconds", "4").stderr
        for words in ("make room on that disk", "frames dropped so far"):
            lines = [re.sub(r"\S*[0-9]\S*", "#", line) for line in told.splitlines() if words in line]
            assert len(set(lines)) == len(lines), told
        assert "make room on that disk" in told, told
        story.daemons[-1].terminate()
        story.daemons[-1].wait(PATIENCE)
    finally:
        subprocess.run(["umount", small], check=True)
    return None


def a_run_directory_is_enough_to_find_a_daemon_on_tcp(story):
    story.start("--source", "none", "--tcp", "127.0.0.1:0")
    assert "127.0.0.1" in story.ctl("ping", check=0).stdout
    assert "127.0.0.1" in plain("--run-dir", story.path("run"), "ping", check=0).stdout
    os.mkdir(story.path("empty"), 0o700)  # without the file: the local sockets' names
    told = plain("--timeout", "50", "--run-dir", story.path("empty"), "ping", check=3)
    assert f"ipc://{story.path('empty')}/hb" in told.stderr, told
    for words in ("", "x" * 5000):
        plain("--run-dir", words, "ping", check=2)
    with open(story.path("empty/connection.json"), "w", encoding="utf-8") as file:
        file.write("{}")
    told = plain("--run-dir", story.path("empty"), "ping", check=3)
    assert "it has no endpoints" in told.stderr, told


def leave_amid_a_chunk(of, *options):
    """A capture is killed when its daemon writes the first of its chunks, of which each takes minutes."""
    running = subprocess.Popen([GARDENCTL, "--run-dir", of.path("run"), "capture", "--store", of.store,
                                "--chunk-bytes", str(1 << 26), *options], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    staging = os.path.join(of.store, "staging")
    until(lambda: any(name.endswith(".0") and os.path.getsize(os.path.join(staging, name)) > 0
                      for name in os.listdir(staging)))
    running.kill()
    running.wait()


def what_to_do_about_a_stream_is_said_only_where_there_is_something_to_do(story):
    story.start("--source", "counter:2,48000", pace="real")
    uri = "stream://default/main"
    story.ctl("capture", "--store", story.store, "--seconds", "1", check=0)
    told = story.ctl("end-stream", uri, check=0).stdout
    assert "--recover" not in told and "none of its chunks is left" in told, told
    leave_amid_a_chunk(story)
    told = story.ctl("capture", "--store", story.store, "--recover", check=1).stderr
    assert "still being written" in told and f"gardenctl end-stream {uri}" in told and "--resume" in told, told
    [first] = [line for line in told.splitlines() if "still being written" in line]
    names = re.findall(r"[0-9a-f]{32}", first)
    assert len(names) == 1, told
    told = story.ctl("end-stream", uri, check=0).stdout
    assert f"gardenctl capture --recover --store {story.store}" in told, told
    assert "did not confirm the end" in story.ctl("capture", "--store", story.store, "--recover", check=5).stdout
    assert "--recover" not in story.ctl("end-stream", uri, check=0).stdout


def a_recovery_that_was_refused_leaves_the_capture_to_be_resumed(story):
    story.start("--source", "counter:2,48000", pace="real")
    leave_amid_a_chunk(story, "--seconds", "2")
    told = story.ctl("capture", "--store", story.store, "--recover", check=1).stderr
    assert "still being written" in told and "--resume" in told, told
    done = subprocess.run([GARDENCTL, "--run-dir", story.path("run"), "capture", "--store", story.store, "--resume"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
    # The machine may be so busy that frames are lost meanwhile, but the stream goes on to the end that was wished for.
    assert " of 96000 frames" in done.stdout and "did not confirm" not in done.stdout, done


def a_recovery_leaves_a_stream_alone_whose_daemon_waits_for_a_chunk(story):
    """No chunk is open any more, so none is locked."""
    story.start("--source", "counter:2,48000", "--ring-ms", "200", pace="real")
    running = subprocess.Popen([GARDENCTL, "--run-dir", story.path("run"), "capture", "--store", story.store,
                                "--chunk-bytes", "40000", "--seconds", "2"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    staging = os.path.join(story.store, "staging")
    until(lambda: any(name.endswith(".3") for name in os.listdir(staging)))
    running.kill()
    running.wait()

    def captured():
        return json.loads(story.ctl("--json", "status", check=0).stdout)["streams"][0]["totals"]["captured"]

    def stands_still():
        before = captured()
        time.sleep(0.5)
        return captured() == before > 0
    until(stands_still)
    told = story.ctl("capture", "--store", story.store, "--recover", check=1).stderr
    assert "still being written" in told and "--resume" in told, told
    done = subprocess.run([GARDENCTL, "--run-dir", story.path("run"), "capture", "--store", story.store, "--resume"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 5 and " of 96000 frames" in done.stdout and "did not confirm" not in done.stdout, done
    assert "nothing was left" in story.ctl("capture", "--store", story.store, "--recover", check=0).stdout


def a_resumption_at_another_daemon_ends_nothing(story):
    story.start("--source", "counter:2,48000", "--ring-ms", "30000", pace="real")
    story.start("--source", "counter:2,48000", pace="real", run="other")
    leave_amid_a_chunk(story, "--seconds", "2")
    resume = ["capture", "--store", story.store, "--resume"]
    told = story.ctl(*resume, run="other", check=1).stderr
    assert "but another has" in told and "--run-dir" in told and "sealing" not in told, told
    assert "--recover" not in told, told
    done = story.ctl(*resume, check=0).stdout
    assert "captured 96000 of 96000 frames" in done, done


def a_file_that_may_not_grow_is_a_failure_that_is_told(story):
    """As one does under a limit (ulimit -f), which kills whoever does not say that it knows."""
    import resource

    def limited(*words):
        return subprocess.run([GARDENCTL, "--run-dir", story.path("run"), *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE, check=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)))
    done, _ = capture(story)
    for words in (("capture", "--store", story.store, "--uri", "stream://limited"),
                  ("slice", "--store", story.store, "--out", story.path("slice.wav"), done["manifest"])):
        failed = limited(*words)
        assert failed.returncode == 1 and "gardenctl" in failed.stderr, (words, failed)
    assert not os.path.exists(story.path("slice.wav"))
    assert os.listdir(os.path.join(story.store, "staging")) == []


def a_resumption_of_one_among_several_asks_for_its_name(story):
    story.start("--source", "counter:2,48000", "--ring-ms", "30000", pace="real")
    resume = ["--json", "capture", "--store", story.store, "--resume"]
    assert "no capture was left in this store" in one_line(story.ctl(*resume, check=1).stderr)
    staging = os.path.join(story.store, "staging")
    for count, uri in enumerate(("stream://a", "stream://b"), 1):
        running = subprocess.Popen([GARDENCTL, "--run-dir", story.path("run"), "capture", "--store", story.store, "--chunk-bytes",
                                    str(1 << 26), "--seconds", "1", "--uri", uri], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda wanted=count: sum(os.path.getsize(os.path.join(staging, name)) > 0 for name in os.listdir(staging)
                                       if name.endswith(".0")) == wanted)
        running.kill()
        running.wait()
    said = story.ctl(*resume, check=2).stderr
    assert "stream://a" in said and "stream://b" in said and "name one with --uri" in said, said
    assert "no capture of stream://c was left" in one_line(story.ctl(*resume, "--uri", "stream://c", check=1).stderr)
    for words, uri in ((["--uri", "stream://b"], "stream://b"), ([], "stream://a")):
        done = json.loads(story.ctl(*resume, *words, check=0).stdout)
        assert (done["uri"], done["captured"], done["offered"]) == (uri, 48000, 48000) and done["complete"], done
    story.ctl(*resume, check=1)


def a_resumption_without_a_daemon_tells_how_to_keep_what_was_written(story):
    daemon, _ = story.start("--source", "counter:2,48000", pace="real")
    call = [GARDENCTL, "--run-dir", story.path("run"), "capture", "--store", story.store]
    running = subprocess.Popen([*call, "--chunk-bytes", "65536"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    assert "sealed" in running.stdout.readline()
    running.kill()
    running.communicate()
    daemon.kill()
    daemon.wait()
    told = plain("--run-dir", story.path("run"), "--timeout", "200ms", "capture", "--store", story.store, "--resume",
                 check=3).stderr
    assert "no daemon answers" in told and f"gardenctl capture --recover --store {story.store}" in told, told


def a_slice_is_on_the_disk_before_it_takes_a_files_place(story):
    from pygarden.preload import Preload
    done, _ = capture(story)
    preload = Preload(story, SYNCS=0)
    plain("slice", "--store", story.store, "--out", story.path("slice.wav"), done["manifest"], check=0, env=preload.env)
    assert preload.read("SYNCS") == 1, preload.read("SYNCS")


def what_is_no_file_is_not_replaced_by_one(story):
    done, _ = capture(story)
    pipe, folder = story.path("pipe"), story.path("folder")
    os.mkfifo(pipe)
    os.mkdir(folder)
    for place in (pipe, folder):
        for command in ("slice", "export"):
            told = plain(command, "--store", story.store, "--out", place, done["manifest"], check=2)
            assert f"{place} is there, and is no file" in told.stderr, told
            assert not os.path.exists(place + ".part")
    assert stat.S_ISFIFO(os.stat(pipe).st_mode) and os.path.isdir(folder)


def the_status_is_for_people_and_with_json_for_scripts(story):
    story.start("--source", "counter:2,48000,96000", "--source", "tone=sine:440,1,44100")
    lines = story.ctl("status", check=0).stdout.splitlines()
    assert "transport:" in lines and "  playing: false" in lines and "streams: none" in lines, lines
    table = lines.index("sources:") + 1
    rows = [line for line in lines[table:table + 5] if not line.startswith("    ")]
    assert [line.split()[:4] for line in rows] == [
        ["name", "kind", "sample_rate", "channels"], ["default", "audio", "48000", "2"], ["tone", "audio", "44100", "1"]], lines
    # Figures that belong together are a line below their row.
    assert rows[0].endswith("frames") and lines[table + 2].startswith("    callback: count "), lines
    assert "{" not in "".join(lines), lines
    state = json.loads(story.ctl("--json", "status", check=0).stdout)
    assert [source["name"] for source in state["sources"]] == ["default", "tone"] and state["streams"] == [], state


def what_strangers_call_themselves_does_nothing_to_a_terminal(story):
    story.start("--source", "none")
    name = "a\x1b[2J\x9b31m\u202eb\u2028\u200bc"
    participant = {"id": "0198d1a0-0000-4000-8000-000000000001", "name": name, "capabilities": [name]}
    story.ctl("register-participant", "participant=" + json.dumps(participant), check=0)
    shown = story.ctl("query", "{ Participant { name @output capabilities @output } }", check=0).stdout
    assert "a?[2J?31m?b??c" in shown and not set("\x1b\x9b\u202e\u2028\u200b") & set(shown), ascii(shown)
    assert json.loads(story.ctl("--json", "query", "{ Participant { name @output } }", check=0).stdout) == [{"name": name}]


def a_standard_output_that_takes_nothing_is_a_failure(story):
    done, _ = capture(story)
    for words in (["gc"], ["fsck"], ["verify", done["manifest"]], ["slice", done["manifest"]]):
        call = [GARDENCTL, words[0], "--store", story.store, *words[1:]]
        with open("/dev/full", "w", encoding="utf-8") as full:
            failed = subprocess.run(call, stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE,
                                    check=False)
        assert failed.returncode == 1 and "standard output" in failed.stderr, (words, failed)
        closed = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *call], stderr=subprocess.PIPE, text=True,
                                timeout=PATIENCE, check=False)
        assert closed.returncode in (0, 1), (words, closed)
    assert story.verify(done["manifest"], story.path("take.wav"))["ok"]


if __name__ == "__main__":
    sys.exit(run_all(tests_of(globals())))
