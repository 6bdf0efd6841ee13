#!/usr/bin/python3
"""Twenty seconds of soak.py, which see. Reports in TAP."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import soak  # pylint: disable=wrong-import-position


def main():
    seed = int(os.environ.get("SOAK_SEED", time.time()))
    good, count, failures, folder = soak.soak(20, seed)
    print(f"1..1\n{'ok' if good else 'not ok'} 1 - four streams amid kills lose nothing that is not accounted for")
    print(f"# SOAK_SEED={seed} {count}")
    for failure in failures:
        print("# " + failure.replace("\n", "\n# "))
    if not good:
        print(f"# everything is kept in {folder}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
