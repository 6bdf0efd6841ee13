#!/usr/bin/python3
"""The binary interface of the drop-in: names, numbers, sizes, what it needs, and what make install-zmq leaves."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
O = os.environ.get('O', 'build')
CC = os.environ.get('CC', 'cc').split()
LIBZMQ = '/usr/lib/x86_64-linux-gnu/libzmq.so.5'
# What may differ from the header of libzmq 4.3.4, which is one version older.
NEWER = {'ZMQ_VERSION', 'ZMQ_VERSION_PATCH', 'ZMQ_RECONNECT_STOP_AFTER_DISCONNECT'}
# Of the C library; the loader brings what a thread's own errno needs.
NEEDED = {'libuv.so.1', 'libsodium.so.23', 'libwslay.so.1', 'libc.so.6', 'libm.so.6', 'libpthread.so.0', 'ld-linux-x86-64.so.2'}
SANITIZERS = ('libasan.', 'libubsan.', 'libtsan.')
count = 0


def check(ok, name, *why):
    global count
    count += 1
    print(f'{"ok" if ok else "not ok"} {count} - {name}')
    for line in () if ok else why:
        print(f'# {line}')


def skip(name, why):
    global count
    count += 1
    print(f'ok {count} - {name} # SKIP {why}')


def run(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


def exports(library, static=False):
    out = run('nm', '--defined-only', '-g' if static else '-D', library).stdout
    return {line.split()[-1].split('@')[0] for line in out.splitlines() if len(line.split()) == 3}


def tagged(library, tag):
    lines = run('objdump', '-p', library).stdout.splitlines()
    return {line.split()[1] for line in lines if line.split()[:1] == [tag]}


def check_exports(functions):
    stable = {name for name, f in functions.items() if not f['draft']}
    check(len(stable) == 70 and len(functions) == 97, 'R10: 70 names and 27 drafts are declared', len(stable), len(functions))
    for folder, names in (('compat', stable), ('compat-draft', set(functions))):
        library = f'{O}/{folder}/libzmq.so'
        seen = exports(library)
        check(seen == names, f'R8: {folder}: exports what zmq.h declares and nothing else',
              f'missing: {sorted(names - seen)}', f'too many: {sorted(seen - names)}')
        check(tagged(library, 'SONAME') == {'libzmq.so.5'}, f'R8: {folder}: is named libzmq.so.5')
        check(os.path.realpath(library) == os.path.realpath(f'{O}/{folder}/libzmq.so.5'), f'R8: {folder}: is libzmq.so, too')
        needed = {n for n in tagged(library, 'NEEDED') if not n.startswith(SANITIZERS)}
        check(needed <= NEEDED, f'{folder}: needs libuv, libsodium and the C library only', sorted(needed))
    seen = exports(f'{O}/compat/libzmq.a', static=True)
    check(seen == stable, 'the static library shows the same names', sorted(seen ^ stable))
    if os.path.exists(LIBZMQ):
        theirs = {name for name in exports(LIBZMQ) if name.startswith('zmq_')}
        check(theirs == stable, "R10: Debian's libzmq exports the same names", sorted(theirs ^ stable))
    else:
        skip("Debian's libzmq exports the same names", 'libzmq5 is not installed')


def check_manifest(manifest):
    ended = run('zmtp/pkg/zmq_abi', '--check')
    check(ended.returncode == 0, 'R7: abi.json is what zmq.h says', ended.stdout)
    message, item = manifest['structs']['zmq_msg_t'], manifest['structs']['zmq_pollitem_t']
    check(message['size'] == 64 and message['alignment'] == 8, 'R7: a message is 64 octets')
    offsets = [item['fields'][field]['offset'] for field in ('socket', 'fd', 'events', 'revents')]
    check(item['size'] == 16 and offsets == [0, 8, 12, 14], 'R7: a poll item is 16 octets, fields at 0, 8, 12, 14')


# What libzmq's interface has of long, and the functions it takes that are a program's own.
LONG = {'zmq_poll', 'zmq_ppoll', 'zmq_poller_wait', 'zmq_poller_wait_all', 'zmq_timers_timeout', 'zmq_stopwatch_intermediate',
        'zmq_stopwatch_stop'}
CALLBACKS = {'zmq_msg_init_data', 'zmq_timers_add', 'zmq_threadstart'}


def check_prototypes(manifest):
    """Each argument and result is an integer or a pointer: what every foreign-function interface can pass."""
    types = {name: [f['returns'], *(a['type'] for a in f['arguments'])] for name, f in manifest['functions'].items()}
    structs = set(manifest['structs'])
    by_value = [n for n, of in types.items() if any(t.replace('const ', '') in structs for t in of)]
    check(not by_value, 'R1: no struct is passed by value', by_value)
    variable = [n for n, of in types.items() if any('...' in t or 'va_list' in t for t in of)]
    check(not variable, 'R1: no function has a variable number of arguments', variable)
    long = {n for n, of in types.items() if any(re.search(r'\blong\b', t) for t in of)}
    check(long == LONG, "R1: long is where libzmq's interface has it and nowhere else", sorted(long ^ LONG))
    calling = {n for n, of in types.items() if any('_fn' in t or '(*' in t for t in of)}
    check(calling == CALLBACKS, 'R1: no callback has to be used', sorted(calling ^ CALLBACKS))
    floating = [n for n, of in types.items() if any(t in ('float', 'double', 'bool', '_Bool') for t in of)]
    check(not floating, 'R1: numbers are integers', floating)


def check_constants(work, manifest):
    """A program of all our names, compiled with Debian's header: it prints those that it knows."""
    if not os.path.exists('/usr/include/zmq.h'):
        skip("numbers and sizes are those of Debian's header", 'libzmq3-dev is not installed')
        return
    with open(f'{work}/names.c', 'w', encoding='utf-8') as file:
        file.write(run('zmtp/pkg/zmq_abi', '--source').stdout)
    for draft in ([], ['-DZMQ_BUILD_DRAFT_API']):
        ended = run(*CC, '-std=gnu11', *draft, f'{work}/names.c', '-o', f'{work}/names')
        check(ended.returncode == 0, f'our names{" and drafts" if draft else ""} with its header', ended.stdout)
        theirs = {n: json.loads(v) for n, v in (line.split('=', 1) for line in run(f'{work}/names').stdout.splitlines())}
        ours = {name: c['value'] for name, c in manifest['constants'].items()}
        for name, struct in manifest['structs'].items():
            ours[name] = [struct['size'], struct['alignment']]
            for field, place in struct['fields'].items():
                ours[f'{name}.{field}'] = [place['offset'], place['size']]
        wrong = [f'{name}: here {ours[name]}, there {value}' for name, value in theirs.items()
                 if ours[name] != value and name not in NEWER]
        check(not wrong and len(theirs) > 180, f'{len(theirs)} numbers are the same', *wrong)
        if not draft:
            missing = [n for n, c in manifest['constants'].items() if not c['draft'] and n not in theirs]
            check(not missing, 'no stable name is ours alone', missing)
    theirs = run(*CC, '-E', '-dM', '-DZMQ_BUILD_DRAFT_API', '/usr/include/zmq.h').stdout.splitlines()
    names = {line.split()[1] for line in theirs if line.startswith('#define ZMQ_')}
    with open('zmtp/zmq.h', encoding='utf-8') as file:
        text = file.read()
    missing = sorted(n for n in names if n.split('(')[0] not in text)
    check(not missing, 'no macro of its header is missing from ours', missing)


PROGRAM = '#include <zmq.h>\n#include <zmq_utils.h>\nint main(void) { int a, b, c; zmq_version(&a, &b, &c); return a != 4; }\n'


def check_install(work):
    root = f'{work}/root'
    ended = run('make', '--no-print-directory', f'O={O}', f'CC={" ".join(CC)}', f'PREFIX={root}', 'install-zmq')
    check(ended.returncode == 0, 'make install-zmq', ended.stdout)
    environment = dict(os.environ, PKG_CONFIG_PATH=f'{root}/lib/pkgconfig')
    cflags, libs, static = (run('pkg-config', *words, 'libzmq', env=environment).stdout.split()
                            for words in (['--cflags'], ['--libs'], ['--static', '--libs']))
    check(f'-L{root}/lib' in libs and '-lzmq' in libs, 'pkg-config knows libzmq', libs)
    version = run('pkg-config', '--modversion', 'libzmq', env=environment).stdout.strip()
    check(version == '4.3.5', 'and its version', version)
    for suffix, compiler in (('c', CC), ('cc', ['c++'])):
        if not shutil.which(compiler[0]):
            skip(f'a program in {suffix}', f'there is no {compiler[0]}')
            continue
        with open(f'{work}/program.{suffix}', 'w', encoding='utf-8') as file:
            file.write(PROGRAM)
        for draft in ([], ['-DZMQ_BUILD_DRAFT_API']):
            ended = run(*compiler, '-Wall', '-Wextra', '-Wpedantic', '-Werror', *draft, *cflags, f'{work}/program.{suffix}',
                        '-o', f'{work}/shared', *libs)
            check(ended.returncode == 0, f'a program in {suffix} links with the shared library {" ".join(draft)}', ended.stdout)
        ended = run(f'{work}/shared', env=dict(os.environ, LD_LIBRARY_PATH=f'{root}/lib'))
        check(ended.returncode == 0, 'and runs', ended.stdout)
        with_archive = [f'{root}/lib/libzmq.a' if word == '-lzmq' else word for word in static]
        ended = run(*compiler, *cflags, f'{work}/program.{suffix}', '-o', f'{work}/static', *with_archive)
        check(ended.returncode == 0, f'a program in {suffix} links with the static library', ended.stdout)
        ended = run(f'{work}/static')
        check(ended.returncode == 0 and 'libzmq' not in run('ldd', f'{work}/static').stdout, 'and runs alone', ended.stdout)
    ended = run('make', '--no-print-directory', f'O={O}', f'CC={" ".join(CC)}', f'DESTDIR={work}/stage', 'PREFIX=/opt/zmq',
                'install-zmq')
    check(ended.returncode == 0 and not run('grep', '-r', work, f'{work}/stage/opt/zmq/lib/pkgconfig').stdout,
          'DESTDIR stages without leaking into the files', ended.stdout)


def main():
    os.chdir(TOP)
    with open('zmtp/compat/abi.json', encoding='utf-8') as file:
        manifest = json.load(file)
    check_exports(manifest['functions'])
    check_manifest(manifest)
    check_prototypes(manifest)
    with tempfile.TemporaryDirectory() as work:
        check_constants(work, manifest)
        # The programs of a user are not built with our sanitizers, and count nothing (COVERAGE=1).
        with open(f'{O}/compat/libzmq.so', 'rb') as file:
            counts = b'GCOV_ERROR_FILE' in file.read()
        if not counts and not any(n.startswith(SANITIZERS) for n in tagged(f'{O}/compat/libzmq.so', 'NEEDED')):
            check_install(work)
    print(f'1..{count}')


main()
