#!/usr/bin/python3
"""The rows that test_daemon_query.c expects are those of the reference implementation of the query language.

Installs it, pinned, into a virtual environment in the user's cache; where that cannot be done it is told and
skipped, and the rows in query_cases.json, which it made, still hold ours to it. Reports in TAP.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap  # noqa: E402

TRUSTFALL = "0.3.2"
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "garden-trustfall-" + TRUSTFALL)
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "query_reference.py")
PATIENCE = 120


class Nothing:
    def close(self):
        pass


def runs(*command):
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
                              check=False)
    except (OSError, subprocess.TimeoutExpired) as why:
        return subprocess.CompletedProcess(command, 1, "", str(why))


def reference():
    """A Python that has the reference implementation."""
    python = os.path.join(CACHE, "bin", "python")
    if runs(python, "-c", "import trustfall").returncode == 0:
        return python
    made = runs(sys.executable, "-m", "venv", CACHE)
    if made.returncode == 0:
        made = runs(python, "-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "15",
                    "trustfall==" + TRUSTFALL)
    if made.returncode != 0:
        raise tap.Skipped("trustfall cannot be installed here: "
                          + (made.stderr.strip().splitlines() or made.stdout.strip().splitlines() or ["?"])[-1])
    return python


def the_reference_answers_with_the_rows_that_are_kept(place):
    del place
    done = runs(reference(), SCRIPT)
    assert done.returncode == 0, done.stdout + done.stderr[-500:]
    assert "the rows are equal" in done.stdout, done.stdout


if __name__ == "__main__":
    tap.run([the_reference_answers_with_the_rows_that_are_kept], Nothing)
