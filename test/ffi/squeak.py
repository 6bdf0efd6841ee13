#!/usr/bin/python3
"""The flat interface, built for 32 bits, as a virtual machine of Smalltalk calls it: Squeak's, for i386; in TAP.

Calls are recorded on 64 bits, each with what it was given, what it returned and what it wrote: those of the Pharo package's
tests on the mock, as test_pharo.py has them, and a conversation on the library itself. squeak.st makes them again in the
image that Debian's scratch brings, without a display, and says which did otherwise.

squeak.py --check PACKAGE...: says what is missing of all that, in one line. IMAGE in the environment is another scratch's image.
"""
import ctypes
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

import report
import smalltalk
import squeak_image
import test_pharo

TOP, O = test_pharo.TOP, test_pharo.O
NARROW = f'{O}/i386/lib'
UNPACKED = f'{O}/squeak'
IMAGES = ('/usr/share/scratch/Scratch.image', f'{UNPACKED}/usr/share/scratch/Scratch.image')
MACHINES = ('/usr/lib/squeak/*/squeakvm', f'{UNPACKED}/usr/lib/squeak/*/squeakvm')
# Of a machine that is unpacked and not installed.
LIBRARIES = (f'{UNPACKED}/usr/lib/i386-linux-gnu', f'{UNPACKED}/lib/i386-linux-gnu')
ELF_I386 = b'\x7fELF\x01'
PATIENCE = 20000  # in milliseconds, of a call that waits for what will come
FIRST = re.compile(r'( room \d+:)([0-9A-F]{2})')  # octet of what is written
PROGRAM = '#include <sodium.h>\n#include <uv.h>\nint main(void) { return uv_version() ? sodium_init() : 1; }\n'


# What it takes.
def machine():
    for path in [path for pattern in MACHINES for path in glob.glob(pattern)]:
        with open(path, 'rb') as file:
            if file.read(5) == ELF_I386 and os.path.exists(f'{os.path.dirname(path)}/so.SqueakFFIPrims'):
                return os.path.abspath(path)
    return None


def image():
    given = os.environ.get('IMAGE')
    return next((path for path in ((given,) if given else IMAGES) if os.path.exists(path)), None)


def compiles(bits):
    with tempfile.TemporaryDirectory() as work:
        built = subprocess.run([os.environ.get('CC') or 'cc', bits, '-xc', '-', '-o', f'{work}/program', '-luv', '-lsodium'],
                               input=PROGRAM, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return built.returncode == 0


def missing(packages):
    """What to do about it, or nothing."""
    steps = []
    if not (machine() and compiles('-m64') and compiles('-m32')):
        steps.append(f'dpkg --add-architecture i386 && apt-get update && apt-get install {" ".join(packages)}')
    if not image():
        # Installed, it would want the machine of this system's own architecture, beside which Debian has no other.
        steps.append(f'apt-get download scratch && dpkg-deb -x scratch_*_all.deb {UNPACKED}')
    return ' && '.join(steps)


# What is called, on 64 bits: (function, values, result). A room's value is what was there in the end.
C_KINDS = {'int32': ctypes.c_int32, 'int64': ctypes.c_int64, 'uint32': ctypes.c_uint32, 'uint64': ctypes.c_uint64, 'size': ctypes.c_size_t,
           'text': ctypes.c_char_p, 'octets': ctypes.c_char_p, 'room': ctypes.c_void_p, 'int64_room': ctypes.c_void_p}


class Recorder:
    def __init__(self, library, functions):
        self.library, self.functions, self.calls, self.wrong = library, functions, [], []

    def call(self, function, *given, result=0):
        """A room is given by its size. |result|: what it is to return; None: anything but an error."""
        returns, kinds = kinds_of(self.functions[function]['signature'])
        call = getattr(self.library, function)
        call.restype, call.argtypes = C_KINDS[returns], [C_KINDS[kind] for kind in kinds]
        rooms = [ctypes.create_string_buffer(value) if 'room' in kind else None for kind, value in zip(kinds, given)]
        got = call(*[ctypes.addressof(room) if room else value.encode() if kind == 'text' else value
                     for kind, value, room in zip(kinds, given, rooms)])
        got = got.decode() if returns == 'text' else got
        if got != result if result is not None else returns != 'text' and got < 0:
            self.wrong.append(f'{function}{given} returned {got}, not {result}')
        self.calls.append((function, [room.raw if room else value for value, room in zip(given, rooms)], got))
        return got

    def receive(self, handle, octets, more=0):
        size = len(octets)
        self.call('zmtp_ffi_receive_wait', handle, max(size, 1), size, PATIENCE, result=size)
        if self.calls[-1][1][1][:size] != octets:
            self.wrong.append(f'{self.calls[-1][1][1]} came, not {octets}')
        self.call('zmtp_ffi_more', handle, result=more)

    def send(self, handle, octets, more=0):
        self.call('zmtp_ffi_send_wait', handle, octets, len(octets), more, PATIENCE)

    def set(self, handle, option, octets):
        self.call('zmtp_ffi_set_octets', handle, option, octets, len(octets))


def kinds_of(signature):
    returns, rest = signature[:-1].split('(', 1)
    return returns, rest.split(',') if rest else []


def tell(r, c):
    """All that the library says of itself, but which libuv it has."""
    for function in ('zmtp_ffi_version', 'zmtp_ffi_library_version', 'zmtp_ffi_check', 'zmtp_ffi_manifest'):
        r.call(function, result=None)
    for index in range(-1, r.call('zmtp_ffi_constant_count', result=None) + 1):
        name = r.call('zmtp_ffi_constant_name', index, result=None)
        r.call('zmtp_ffi_constant_value', index, result=c.get(name, 0))
        r.call('zmtp_ffi_constant_find', name, 8, result=0 if name in c else c['ZMTP_FFI_NOT_FOUND'])
    for index in range(-1, r.call('zmtp_ffi_function_count', result=None) + 1):
        r.call('zmtp_ffi_function_name', index, result=None)
        r.call('zmtp_ffi_function_signature', index, result=None)
    for code in range(-70, 2):
        r.call('zmtp_ffi_code_name', code, result=None)
        r.call('zmtp_ffi_code_text', code, result=None)
    for bit in range(15):
        r.call('zmtp_ffi_news_name', 1 << bit, result=None)
    for capability in ('curve', 'ipc', 'mock', 'nothing', ''):
        r.call('zmtp_ffi_has', capability, result=int(capability in ('curve', 'ipc')))


def pair(r, c, context, types, endpoint):
    """Two sockets that are connected."""
    first, second = (r.call('zmtp_ffi_socket_open', context, c[f'ZMTP_FFI_{kind}'], result=None) for kind in types)
    r.call('zmtp_ffi_bind', first, endpoint)
    r.call('zmtp_ffi_connect', second, endpoint)
    return first, second


def ask(r, c, context, endpoint):
    rep, req = pair(r, c, context, ('REP', 'REQ'), endpoint)
    r.call('zmtp_ffi_receive_try', req, 8, 8, result=c['ZMTP_FFI_STATE'])
    for question in (b'how warm is it?', b'', bytes(range(256)) * 400):
        r.send(req, question)
        r.receive(rep, question)
        r.send(rep, b'21', more=1)
        r.send(rep, 'degrees \u2103'.encode())
        r.receive(req, b'21', more=1)
        r.receive(req, 'degrees \u2103'.encode())
    # What does not come, and what is larger than its room.
    r.call('zmtp_ffi_receive_wait', rep, 8, 8, 120, result=c['ZMTP_FFI_AGAIN'])
    r.send(req, b'12345')
    r.call('zmtp_ffi_events_wait', rep, c['ZMTP_FFI_IN'], PATIENCE, result=c['ZMTP_FFI_IN'])
    r.call('zmtp_ffi_next_size', rep, result=5)
    r.call('zmtp_ffi_receive_try', rep, 4, 4, result=c['ZMTP_FFI_LIMIT'])
    r.receive(rep, b'12345')
    r.call('zmtp_ffi_disconnect', req, endpoint)
    for handle in (rep, req):
        r.call('zmtp_ffi_close', handle)


def publish(r, c, context, endpoint):
    xpub, sub = pair(r, c, context, ('XPUB', 'SUB'), endpoint)
    r.call('zmtp_ffi_subscribe', sub, b'weather', 7)
    r.receive(xpub, b'\x01weather')
    r.send(xpub, b'sport')
    r.send(xpub, b'weather', more=1)
    r.send(xpub, b'rain')
    r.receive(sub, b'weather', more=1)
    r.receive(sub, b'rain')
    r.call('zmtp_ffi_stat', xpub, c['ZMTP_FFI_STAT_SUBSCRIBERS'], result=1)
    r.call('zmtp_ffi_unsubscribe', sub, b'weather', 7)
    r.receive(xpub, b'\x00weather')
    for handle in (sub, xpub):
        r.call('zmtp_ffi_close', handle)


def route(r, c, context, endpoint):
    """Messages of many parts, and a poller."""
    router, dealer = (r.call('zmtp_ffi_socket_open', context, c[f'ZMTP_FFI_{kind}'], result=None) for kind in ('ROUTER', 'DEALER'))
    r.set(dealer, c['ZMTP_FFI_OPTION_ROUTING_ID'], b'me')
    r.call('zmtp_ffi_bind', router, endpoint)
    r.call('zmtp_ffi_connect', dealer, endpoint)
    poller = r.call('zmtp_ffi_poller_open', result=None)
    r.call('zmtp_ffi_poller_add', poller, router, c['ZMTP_FFI_IN'])
    r.call('zmtp_ffi_poller_wait', poller, 50, result=c['ZMTP_FFI_AGAIN'])
    out, come = (r.call('zmtp_ffi_message_open', result=None) for _ in range(2))
    for part in (b'a', b'', b'c' * 70000):
        r.call('zmtp_ffi_message_add', out, part, len(part))
    r.call('zmtp_ffi_message_send_wait', dealer, out, PATIENCE)
    r.call('zmtp_ffi_poller_wait', poller, PATIENCE, result=1)
    r.call('zmtp_ffi_poller_handle', poller, 0, result=router)
    r.call('zmtp_ffi_poller_events', poller, 0, result=c['ZMTP_FFI_IN'])
    r.call('zmtp_ffi_message_receive_wait', router, come, PATIENCE, result=4)
    for index, part in enumerate((b'me', b'a', b'', b'c' * 70000)):
        r.call('zmtp_ffi_message_size', come, index, result=len(part))
        r.call('zmtp_ffi_message_get', come, index, len(part) + 1, len(part) + 1, result=len(part))
    r.call('zmtp_ffi_message_property', come, 'Socket-Type', 16, 16, result=6)
    r.call('zmtp_ffi_message_send_try', router, come)
    r.call('zmtp_ffi_message_receive_wait', dealer, come, PATIENCE, result=3)
    for handle in (poller, out, come, router, dealer):
        r.call('zmtp_ffi_close', handle)


def whisper(r, c, context, endpoint):
    """CURVE, with keys that are made anew each time it is recorded."""
    r.call('zmtp_ffi_keygen', 41, 41)
    public, secret = (key.rstrip(b'\0').decode() for key in r.calls.pop()[1])
    r.call('zmtp_ffi_key_public', secret, 41)
    pull, push = (r.call('zmtp_ffi_socket_open', context, c[f'ZMTP_FFI_{kind}'], result=None) for kind in ('PULL', 'PUSH'))
    r.call('zmtp_ffi_set_number', pull, c['ZMTP_FFI_OPTION_CURVE_SERVER'], 1)
    for handle in (pull, push):
        r.set(handle, c['ZMTP_FFI_OPTION_CURVE_PUBLICKEY'], public.encode())
        r.set(handle, c['ZMTP_FFI_OPTION_CURVE_SECRETKEY'], secret.encode())
    r.set(push, c['ZMTP_FFI_OPTION_CURVE_SERVERKEY'], public.encode())
    r.call('zmtp_ffi_bind', pull, endpoint)
    r.call('zmtp_ffi_connect', push, endpoint)
    r.send(push, b'secret' * 2000)
    r.receive(pull, b'secret' * 2000)
    r.call('zmtp_ffi_get_octets', pull, c['ZMTP_FFI_OPTION_LAST_ENDPOINT'], 256, 256, result=len(endpoint))
    # The rest is closed with the context.


def count(r, c, context):
    """Numbers of 64 bits, handles that are none, and what a monitor tells."""
    dealer = r.call('zmtp_ffi_socket_open', context, c['ZMTP_FFI_DEALER'], result=None)
    for value in (-1, 0, 1 << 31, 0xfedcba9876, (1 << 63) - 1):
        r.call('zmtp_ffi_set_number', dealer, c['ZMTP_FFI_OPTION_MAXMSGSIZE'], value)
        r.call('zmtp_ffi_get_number', dealer, c['ZMTP_FFI_OPTION_MAXMSGSIZE'], 8)
        if int.from_bytes(r.calls[-1][1][2], 'little', signed=True) != value:
            r.wrong.append(f'{value} was set, and something else is there')
    for handle in (0, dealer + (1 << 32), 1 << 63, (1 << 64) - 1):
        r.call('zmtp_ffi_close', handle, result=c['ZMTP_FFI_HANDLE'])
        r.call('zmtp_ffi_kind', handle, result=c['ZMTP_FFI_HANDLE'])
    monitor = r.call('zmtp_ffi_monitor_open', dealer, c['ZMTP_FFI_NEWS_LISTENING'], result=None)
    r.call('zmtp_ffi_bind', dealer, 'ipc://watched')
    r.call('zmtp_ffi_monitor_wait', monitor, PATIENCE, result=c['ZMTP_FFI_NEWS_LISTENING'])
    r.call('zmtp_ffi_monitor_endpoint', monitor, 64, 64, result=13)
    r.call('zmtp_ffi_bind', dealer, 'tcp://nowhere', result=c['ZMTP_FFI_ENDPOINT'])
    r.call('zmtp_ffi_unbind', dealer, 'ipc://watched')
    r.call('zmtp_ffi_close', dealer)
    r.call('zmtp_ffi_kind', monitor, result=c['ZMTP_FFI_KIND_MONITOR'])
    r.call('zmtp_ffi_close', monitor)


def converse(r, c):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        tcp = f'tcp://127.0.0.1:{taken.getsockname()[1]}'
    tell(r, c)
    context = r.call('zmtp_ffi_context_open', result=None)
    r.call('zmtp_ffi_context_set', context, c['ZMTP_FFI_CONTEXT_MAX_SOCKETS'], 500)
    r.call('zmtp_ffi_context_get', context, c['ZMTP_FFI_CONTEXT_MAX_SOCKETS'], result=500)
    for endpoint in ('inproc://here', 'ipc://there', tcp):
        ask(r, c, context, endpoint)
        publish(r, c, context, endpoint)
        route(r, c, context, endpoint)
    count(r, c, context)
    whisper(r, c, context, tcp)
    r.call('zmtp_ffi_drain', context, PATIENCE)
    r.call('zmtp_ffi_close', context, result=c['ZMTP_FFI_HANDLE'])  # it was
    r.call('zmtp_ffi_handle_count')


def of_tests():
    """The calls of the package's tests."""
    pharo = smalltalk.Image(test_pharo.SOURCES, test_pharo.libraries())
    for name in test_pharo.TRACED:
        for selector in pharo.tests(name):
            pharo.run_test(name, selector)
    return [(function, [value for _, value in given], result) for function, given, result in pharo.calls]


def record(what, path, work):
    with open('zmtp/ffi/abi.json', encoding='utf-8') as file:
        manifest = json.load(file)
    functions = {**manifest['functions'], **manifest['mock_functions']}
    wrong = []
    if what == 'mock':
        calls = of_tests()
    else:
        recorder = Recorder(test_pharo.libraries()[test_pharo.NAMES[0]], functions)
        os.chdir(work)  # of the files of ipc
        converse(recorder, manifest['constants'])
        calls, wrong = recorder.calls, recorder.wrong
    with open(path, 'w', encoding='ascii') as file:
        for function, given, result in calls:
            returns, kinds = kinds_of(functions[function]['signature'])
            words = [function, returns, word(returns, result, function)]
            for kind, value in zip(kinds, given):
                words += [kind, word(kind, value, function)]
            file.write(' '.join(words) + '\n')
    print('\n'.join(wrong))
    return 1 if wrong else 0


def word(kind, value, function):
    """As squeak.st reads it."""
    if value is None:
        return '-'
    if kind == 'text':
        return value.encode().hex().upper()
    if kind == 'octets':
        return value.hex().upper()
    if 'room' in kind:
        # Keys are other ones each time.
        return str(len(value)) if function == 'zmtp_ffi_keygen' else f'{len(value)}:{value.hex().upper()}'
    return str(value)


# And again, by the virtual machine.
def replay(work, library, calls):
    """How many it made, and lines of those that did otherwise."""
    for name in ('squeak.out', 'squeak.error'):
        if os.path.exists(f'{work}/{name}'):
            os.remove(f'{work}/{name}')
    with open(f'{work}/squeak.calls', 'w', encoding='ascii') as file:
        file.write(f'{os.path.abspath(f"{NARROW}/{library}")}\n' + ''.join(calls))
    path, libraries = machine(), ':'.join(os.path.abspath(folder) for folder in LIBRARIES)
    try:
        ended = subprocess.run([path, '-encoding', 'UTF-8', '-vm-display-null', '-vm-sound-null', '-plugins', f'{os.path.dirname(path)}/',
                                'squeak.image'], cwd=work, env={**os.environ, 'LD_LIBRARY_PATH': libraries},
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        said = [*ended.stdout.splitlines()[-20:], f'exit status {ended.returncode}']
    except subprocess.TimeoutExpired:
        said = ['the virtual machine did not end']
    lines = []
    for name in ('squeak.error', 'squeak.out'):
        if os.path.exists(f'{work}/{name}'):
            with open(f'{work}/{name}', encoding='latin-1') as file:
                lines += file.read().splitlines()
    if lines and lines[-1].startswith('made '):
        return int(lines[-1].split()[1]), lines[:-1]
    return 0, [*lines, *said, 'it did not come to an end']


def spoilt(calls):
    """One call that is to return something else, and one that is to write it."""
    returned = next(index for index, line in enumerate(calls) if line.startswith('zmtp_ffi_bind int32 0 '))
    wrote = next(index for index, line in enumerate(calls) if FIRST.search(line))
    bad = list(calls)
    bad[returned] = bad[returned].replace(' int32 0 ', ' int32 1 ', 1)
    bad[wrote] = FIRST.sub(lambda m: f'{m.group(1)}{int(m.group(2), 16) ^ 1:02X}', bad[wrote], count=1)
    return bad, [f'call {index + 1},' for index in sorted((returned, wrote))]


def check_calls(work, what, library):
    ended = subprocess.run([sys.executable, os.path.abspath(__file__), '--record', what, f'{work}/{what}', work],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    report.check(ended.returncode == 0, f'{library}: calls are recorded on 64 bits', *ended.stdout.splitlines()[-20:])
    if ended.returncode != 0:
        return
    with open(f'{work}/{what}', encoding='ascii') as file:
        calls = file.readlines()
    made, wrong = replay(work, library, calls)
    kinds = len({line.split()[0] for line in calls})
    report.check(made == len(calls) > 0 and not wrong, f'{library}: {made} calls of {kinds} functions do the same from Squeak',
                 f'{made} of {len(calls)} were made, and {len(wrong)} lines told', *wrong[:20])
    bad, places = spoilt(calls)
    made, wrong = replay(work, library, bad)
    report.check(made == len(calls) and [' '.join(line.split()[:2]) for line in wrong] == places,
                 f'{library}: a result and octets that differ are noticed', *wrong[:20])


def main():
    os.chdir(TOP)
    if sys.argv[1:2] == ['--record']:
        return record(*sys.argv[2:])
    todo = missing(sys.argv[2:] or ['squeak-vm:i386'])
    if todo:
        print(f'make squeak lacks what this installs: {todo}', file=sys.stderr)
        return 1
    if sys.argv[1:2] == ['--check']:
        return 0
    with tempfile.TemporaryDirectory() as work:
        with open(image(), 'rb') as file:
            octets = squeak_image.with_script(file.read())
        with open(f'{work}/squeak.image', 'wb') as file:
            file.write(octets)
        shutil.copy('test/ffi/squeak.st', f'{work}/{squeak_image.SCRIPT}')
        check_calls(work, 'mock', test_pharo.NAMES[1])
        check_calls(work, 'real', test_pharo.NAMES[0])
    report.plan()
    return 0


if __name__ == '__main__':
    sys.exit(main())
