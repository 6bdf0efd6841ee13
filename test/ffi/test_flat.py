#!/usr/bin/python3
"""The flat interface (zmtp/ffi.h): its contract, kept by each library that has it, and its manifest, in TAP."""
import os
import re
import subprocess
import sys
import tempfile

import report

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
O = os.environ.get('O') or 'build'
CC = os.environ.get('CC', 'cc').split()
NEEDED = {'libuv.so.1', 'libsodium.so.23', 'libwslay.so.1', 'libc.so.6', 'libm.so.6', 'libpthread.so.0', 'ld-linux-x86-64.so.2'}
SANITIZERS = ('libasan.', 'libubsan.', 'libtsan.')
# Each library, the program that is linked with it, and what it shows.
LIBRARIES = (('libzmtp-ffi', 'contract', 'zmtp_ffi_'), ('libzmtp-mock', 'contract-mock', 'zmtp_mock_'))


def run(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


def needed(library):
    lines = run('objdump', '-p', library).stdout.splitlines()
    return {line.split()[1] for line in lines if line.split()[:1] == ['NEEDED']}


def check_names(name, prefix):
    with open('zmtp/ffi.h', encoding='utf-8') as file:
        declared = set(re.findall(r'^ZMTP_FFI_EXPORT [^;]*?(zmtp_ffi_\w+)\(', file.read(), re.M))
    out = run('nm', '-D', '--defined-only', f'{O}/lib/{name}.so').stdout
    shown = {line.split()[-1] for line in out.splitlines()}
    flat = {symbol for symbol in shown if symbol.startswith('zmtp_ffi_')}
    report.check(flat == declared, f'{name}: shows what ffi.h declares', sorted(flat ^ declared))
    rest = sorted(symbol for symbol in shown - flat if not symbol.startswith(prefix))
    report.check(not rest, f'{name}: shows nothing else', rest)
    libraries = {n for n in needed(f'{O}/lib/{name}.so') if not n.startswith(SANITIZERS)}
    report.check(libraries <= NEEDED, f'{name}: needs libuv, libsodium and the C library only', sorted(libraries))


def check_contract(name, program):
    try:
        # A thread of a forked child is what the thread sanitizer asks for separately.
        ended = run(f'{O}/test/ffi/{program}', timeout=240, env=dict(os.environ, TSAN_OPTIONS='die_after_fork=0'))
    except subprocess.TimeoutExpired as hung:
        report.check(False, f'{name}: ends', (hung.stdout or b'').decode(errors='replace')[-400:])
        return
    lines = ended.stdout.splitlines()
    tests = [line for line in lines if line.startswith(('ok ', 'not ok '))]
    for i, line in enumerate(lines):
        if not line.startswith(('ok ', 'not ok ')):
            continue
        text = line.split(' - ', 1)[1]
        if ' # SKIP ' in text:
            report.skip(f'{name}: {text.split(" # SKIP ")[0]}', text.split(' # SKIP ')[1])
        else:
            report.check(line.startswith('ok '), f'{name}: {text}', *lines[i + 1:i + 2])
    good = ended.returncode == any(line.startswith('not ok ') for line in tests)
    report.check(good and f'1..{len(tests)}' in lines, f'{name}: runs to its end', f'exit status {ended.returncode}', *lines[-8:])


def check_manifest(name, program):
    with open('zmtp/ffi/abi.json', encoding='utf-8') as file:
        kept = file.read()
    report.check(run(f'{O}/test/ffi/{program}', '--manifest').stdout == kept, f'{name}: its manifest is abi.json')


def check_old_uv(name, program, work):
    """A process that has loaded an old libuv, be it its own, is told so."""
    if any(n.startswith(SANITIZERS) for n in needed(f'{O}/lib/{name}.so')):
        report.skip(f'{name}: an old libuv', 'what is loaded first must be the sanitizer')
        return
    with open(f'{work}/old.c', 'w', encoding='utf-8') as file:
        file.write('unsigned uv_version(void);\nunsigned uv_version(void) { return 1 << 16 | 32 << 8; }\n')
    run(*CC, '-shared', '-fPIC', f'{work}/old.c', '-o', f'{work}/old.so')
    said = run(f'{O}/test/ffi/{program}', '--check', env=dict(os.environ, LD_PRELOAD=f'{work}/old.so')).stdout
    report.check(said == 'ZMTP_FFI_LIBRARY ZMTP_FFI_LIBRARY\n', f'{name}: an old libuv is refused', said)


def main():
    os.chdir(TOP)
    ended = run('zmtp/pkg/ffi_abi', '--check')
    report.check(ended.returncode == 0, 'the files that are generated from ffi.h are what it says', ended.stdout)
    with tempfile.TemporaryDirectory() as work:
        for name, program, prefix in LIBRARIES:
            check_names(name, prefix)
            check_manifest(name, program)
            if program == 'contract':
                check_old_uv(name, program, work)
            check_contract(name, program)
        check_contract('the script of the mock', 'mock')
        check_contract('what the system denies', 'denied')
    report.plan()


if __name__ == '__main__':
    sys.exit(main())
