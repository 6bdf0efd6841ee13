#!/usr/bin/python3
"""Does the drop-in as libzmq does?

Each program same_*.c of this folder was built twice, against libzmq and its header, and against ours. Run with
libzmq it tells what is right. Then the very same program, not even linked again, is run with the drop-in, and
at last the one that was built for it. Each case that it prints is a test. Each own_*.c is run as it is.

Debian's libzmq has no drafts. What one that has them prints of a draft_*.c is in the .txt beside it:

    cmake -DENABLE_DRAFTS=ON ... && make install               # of the sources of libzmq 4.3.4
    LIBZMQ_DRAFTS=that/lib test/compat/test_compat.py draft    # is that still what it prints?
    LIBZMQ_DRAFTS=that/lib test/compat/test_compat.py --record
"""
import glob
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
O = os.path.abspath(os.environ.get('O', 'build'))
TIMEOUT_S = 90
count = 0


def report(ok, name, why=()):
    global count
    count += 1
    print(f'{"ok" if ok else "not ok"} {count} - {name}')
    for line in why:
        print(f'# {line}')


def run(program, library=None):
    """The lines of each case, in their order; and how it ended."""
    environment = dict(os.environ, LC_ALL='C')
    environment.pop('LD_LIBRARY_PATH', None)
    # What asks for more memory than there is gets none, also from a sanitizer.
    for name in ('ASAN_OPTIONS', 'TSAN_OPTIONS'):
        environment[name] = ':'.join(filter(None, (environment.get(name), 'allocator_may_return_null=1')))
    if library:
        environment['LD_LIBRARY_PATH'] = library
    try:
        ended = subprocess.run([os.path.join(O, 'test/compat', program)], env=environment, timeout=TIMEOUT_S,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        text, end = ended.stdout, f'exit {ended.returncode}'
        said = ended.stderr.decode(errors='replace').splitlines()
    except subprocess.TimeoutExpired as hung:
        text, end, said = hung.stdout or b'', 'hangs', []
    return cases_of(text.decode(errors='backslashreplace')), end, said


def last(said):
    """What a program said at its end; or a sanitizer's report, from where it begins."""
    begin = next((i for i, line in enumerate(said) if 'Sanitizer' in line), None)
    return said[-5:] if begin is None else said[begin:begin + 40]


def cases_of(text):
    cases = {}
    for line in text.splitlines():
        case, _, seen = line.partition(': ')
        cases.setdefault(case, []).append(seen)
    return cases


def differences(expected, seen):
    if expected == seen:
        return []
    for number, (a, b) in enumerate(zip(expected, seen), 1):
        if a != b:
            return [f'line {number}: libzmq "{a}"', f'line {number}: here   "{b}"']
    return [f'libzmq {len(expected)} lines, here {len(seen)}', *expected[len(seen):][:3], *seen[len(expected):][:3]]


def compare(name):
    right, end, said = run(f'{name}-libzmq')
    report(end == 'exit 0', f'{name}: libzmq runs to its end', [end, *last(said)])
    for how, program, library in (('unchanged', f'{name}-libzmq', f'{O}/compat'), ('built for it', f'{name}-dropin', None)):
        cases, end, said = run(program, library)
        report(end == 'exit 0', f'{name}, {how}: runs to its end', [end, *last(said)])
        for case in [*right, *(c for c in cases if c not in right)]:
            why = differences(right.get(case, []), cases.get(case, []))
            report(not why, f'{name}, {how}: {case}', why)


def passes(name):
    cases, end, said = run(name)
    report(end == 'exit 0', f'{name}: runs to its end', [end, *last(said)])
    with open(os.path.join(HERE, name + '.c'), encoding='utf-8') as file:
        main = file.read().partition('\nint main(')[2]
    # So that it fails for whoever runs it by itself, too.
    report('return expect_status;' in main and 'return 0;' not in main, f'{name}: its exit status is what its cases came to')
    for case, lines in cases.items():
        if lines[0].startswith('# SKIP'):
            report(True, f'{name}: {case} {lines[0]}')
            continue
        wrong = [line for line in lines if line != 'as expected']
        report(not wrong, f'{name}: {case}', wrong)


def recorded(name):
    with open(os.path.join(HERE, name + '.txt'), encoding='utf-8') as file:
        return cases_of(file.read())


def as_recorded(name):
    """What libzmq printed once; and that it still does, where there is one with drafts."""
    libraries = [('here', None)]
    if os.environ.get('LIBZMQ_DRAFTS'):
        libraries.insert(0, ('libzmq', os.environ['LIBZMQ_DRAFTS']))
    right = recorded(name)
    for who, library in libraries:
        cases, end, said = run(name, library)
        report(end == 'exit 0', f'{name}, {who}: runs to its end', [end, *last(said)])
        for case in [*right, *(c for c in cases if c not in right)]:
            why = differences(right.get(case, []), cases.get(case, []))
            report(not why, f'{name}, {who}: {case}', why)


def record():
    for path in sorted(glob.glob(os.path.join(HERE, 'draft_*.c'))):
        name = os.path.splitext(os.path.basename(path))[0]
        ended = subprocess.run([os.path.join(O, 'test/compat', name)], timeout=TIMEOUT_S, stdout=subprocess.PIPE, check=True,
                               env=dict(os.environ, LC_ALL='C', LD_LIBRARY_PATH=os.environ['LIBZMQ_DRAFTS']))
        with open(os.path.join(HERE, name + '.txt'), 'wb') as file:
            file.write(ended.stdout)


def main():
    only = sys.argv[1:]
    if only == ['--record']:
        return record()
    for path in sorted(glob.glob(os.path.join(HERE, '*.c'))):
        name = os.path.splitext(os.path.basename(path))[0]
        if only and not any(word in name for word in only):
            continue
        if name.startswith('same_'):
            compare(name)
        elif name.startswith('own_'):
            passes(name)
        elif name.startswith('draft_'):
            as_recorded(name)
    print(f'1..{count}')


main()
