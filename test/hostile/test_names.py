#!/usr/bin/python3
"""Four times as many inproc names, bound, dialled and closed, cost four times as much: counted in instructions.

Callgrind counts those of two programs. Where each name is compared with all others, it comes to six times and more.
"""
import os
import re
import shutil
import subprocess

O = os.path.abspath(os.environ.get('O') or 'build')
FEW, MANY = 700, 2800
RATIO_MAX = 4.6
PROGRAMS = (('the native engine', 'test/hostile/names'), ('the drop-in', 'test/compat/own_names'))
count = failed = 0


def report(ok, name, *why):
    global count, failed
    count += 1
    failed += not ok
    print(f'{"ok" if ok else "not ok"} {count} - {name}', flush=True)
    for line in why:
        print(f'# {line}')


def instructions(program, names):
    ended = subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', program, str(names)],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace', timeout=300)
    found = re.search(r'Collected : (\d+)', ended.stdout)
    if ended.returncode != 0 or not found or 'line ' in ended.stdout:
        raise RuntimeError(f'{program} {names}: exit {ended.returncode}: {ended.stdout[-400:]}')
    return int(found.group(1))


def sanitized(program):
    with open(program, 'rb') as file:
        octets = file.read()
    return any(word in octets for word in (b'__asan_init', b'__tsan_init', b'__msan_init'))


for name, path in PROGRAMS:
    program = os.path.join(O, path)
    what = f'{name}: {MANY} names cost four times what {FEW} cost'
    if not shutil.which('valgrind') or sanitized(program):
        count += 1
        print(f'ok {count} - {what} # SKIP ' + ('no valgrind' if not shutil.which('valgrind') else 'a sanitizer counts, too'))
        continue
    try:
        few, many = instructions(program, FEW), instructions(program, MANY)
        report(many < RATIO_MAX * few, what, f'{few} and {many} instructions, {many / few:.1f} times')
    except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
        report(False, what, *str(error).splitlines())
print(f'1..{count}')
