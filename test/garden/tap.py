"""How the scripts here run their tests and report, in TAP; and what of processes more than one of them needs."""
import contextlib
import os
import signal
import sys


class Skipped(Exception):
    """Not run, and why."""


@contextlib.contextmanager
def halted(child):
    """A process of ours stands still meanwhile: what a call of the system was amid when it was told to stop is done."""
    child.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    try:
        yield
    finally:
        child.send_signal(signal.SIGCONT)


def run(tests, make):
    """Runs each test, or those that the command line names, with a place of its own, which make() makes and its close()
    clears away."""
    named = [test for test in tests if test.__name__ in sys.argv[1:]]
    if len(named) < len(sys.argv[1:]):
        sys.exit(f"not all of these are names of tests: {' '.join(sys.argv[1:])}")
    tests = named or tests
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        name = test.__name__.replace("_", " ")
        place = make()
        try:
            test(place)
            print(f"ok {number} - {name}", flush=True)
        except Skipped as why:
            print(f"ok {number} - {name} # SKIP {why}", flush=True)
        except Exception as failed:  # pylint: disable=broad-except
            told = f"{type(failed).__name__}: {failed}".replace("\n", " ")
            print(f"not ok {number} - {name}\n# {told} at line {failed.__traceback__.tb_next.tb_lineno}", flush=True)
        finally:
            place.close()
