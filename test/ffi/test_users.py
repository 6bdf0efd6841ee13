#!/usr/bin/python3
"""Runs a program of each language that reaches libzmq through a foreign-function interface, on the drop-in.

    test/ffi/test_users.py [--all] [NAME...]    the quick ones, all, or those whose name has one of the words

LIBRARY= is a folder with another libzmq.so.5 than that of build/compat.

Each program reports in TAP and tells which files named libzmq it has in its memory. A program that has not exactly the
library that was meant, or does not end, fails, whatever else it said. What is not installed is skipped, and said.
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

import report

HERE = os.path.dirname(os.path.abspath(__file__))
O = os.path.abspath(os.environ.get('O') or 'build')
LIBRARY = os.path.abspath(os.environ.get('LIBRARY') or os.path.join(O, 'compat'))
KOFFI = os.path.join(O, 'koffi/node_modules/koffi')
TIMEOUT_S = 150
QUICK = ('ctypes', 'luajit', 'perl', 'ruby', 'guile', 'asyncio', 'gevent')
PYTHON = '/usr/bin/python3'


def has_module(name):
    return subprocess.run([PYTHON, '-c', f'import {name}'], stderr=subprocess.DEVNULL).returncode == 0


def program(name):
    return os.path.join(HERE, 'programs', name)


def compiled(source, work):
    to = os.path.join(work, 'cppzmq')
    subprocess.run(['g++', '-std=c++17', '-O1', '-w', source, '-o', to, f'-L{LIBRARY}', '-l:libzmq.so.5', '-lpthread'], check=True)
    return [to]


# The name, what must be there, and the command; a command that is a function is built first.
USERS = (
    ('ctypes', None, [PYTHON, program('ctypes_user.py')]),
    ('luajit', 'luajit', ['luajit', program('luajit_user.lua')]),
    ('perl', '/usr/share/perl5/ZMQ/FFI.pm', ['perl', program('perl_user.pl')]),
    ('ruby', '/usr/lib/ruby/vendor_ruby/ffi-rzmq.rb', ['ruby', program('ruby_user.rb')]),
    ('guile', 'guile', ['guile', '--no-auto-compile', program('guile_user.scm')]),
    ('racket', 'racket', ['racket', program('racket_user.rkt')]),
    ('sbcl', 'sbcl', ['sbcl', '--script', program('sbcl_user.lisp')]),
    ('cppzmq', '/usr/include/zmq.hpp', lambda work: compiled(program('cppzmq_user.cpp'), work)),
    ('koffi', KOFFI, ['node', program('koffi_user.js')]),
    ('asyncio', 'module zmq', [PYTHON, program('pyzmq_loops_user.py'), 'asyncio']),
    ('gevent', 'module gevent', [PYTHON, program('pyzmq_loops_user.py'), 'gevent']),
    ('jupyter', 'module jupyter_client, ipykernel', [PYTHON, program('jupyter_user.py')]),
)


def is_there(need):
    if need is None:
        return True
    if need.startswith('module '):
        return has_module(need[len('module '):])
    return os.path.exists(need) if need.startswith('/') else shutil.which(need) is not None


def run(name, command, work):
    environment = dict(os.environ, LD_LIBRARY_PATH=LIBRARY, FFI_CHECKLIB_PATH=LIBRARY, GUILE_EXTENSIONS_PATH=LIBRARY, KOFFI=KOFFI,
                       HOME=work, JUPYTER_RUNTIME_DIR=work, IPYTHONDIR=work)
    try:
        ended = subprocess.run(command, cwd=work, env=environment, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors='replace')
        text, end, said = ended.stdout, f'exit status {ended.returncode}', ended.stderr.splitlines()[-8:]
    except subprocess.TimeoutExpired as hung:
        text, end, said = (hung.stdout or b'').decode(errors='replace'), 'hangs', []
    lines = text.splitlines()
    tests = [line for line in lines if line.startswith(('ok ', 'not ok '))]
    for line in tests:
        report.check(line.startswith('ok '), f'{name}: {line.split(" - ", 1)[1]}')
    maps = sorted({os.path.realpath(line[len('# maps '):]) for line in lines if line.startswith('# maps ')})
    meant = os.path.realpath(os.path.join(LIBRARY, 'libzmq.so.5'))
    report.check(maps == [meant], f'{name}: the library in its memory is the one that was meant', *maps, f'meant {meant}')
    report.check(end == 'exit status 0' and f'1..{len(tests)}' in lines, f'{name}: runs to its end', end, *said)


def main():
    words = [word for word in sys.argv[1:] if word != '--all']
    names = words or ([] if '--all' in sys.argv else QUICK)
    if not glob.glob(os.path.join(LIBRARY, 'libzmq.so.5')):
        sys.exit(f'{LIBRARY} has no libzmq.so.5: make zmq')
    with open(os.path.join(LIBRARY, 'libzmq.so.5'), 'rb') as library:
        octets = library.read()
    if b'__asan_init' in octets or b'__tsan_init' in octets:
        report.skip('users', 'a library of a sanitizer does not load into a host without it')
        report.plan()
        return
    for name, need, command in USERS:
        if names and not any(word in name for word in names):
            continue
        if not is_there(need):
            report.skip(name, f'{need} is not installed')
            continue
        with tempfile.TemporaryDirectory() as work:
            try:
                run(name, command(work) if callable(command) else command, work)
            except (OSError, subprocess.CalledProcessError) as error:
                report.check(False, f'{name}: can be run', str(error))
    report.plan()


main()
