#!/usr/bin/python3
"""The Pharo package (zmtp/bindings/pharo), as far as that can be told without Pharo, in TAP.

Its files are read and checked, its calls compared with the manifest and the built libraries, and its tests and examples
run by a small Smalltalk of ours (smalltalk.py). The calls that those made on the mock are made again by LuaJIT.
"""
import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import report
import smalltalk

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
O = os.environ.get('O') or 'build'
PHARO, SOURCES = 'zmtp/bindings/pharo', 'zmtp/bindings/pharo/src'
NAMES = ('libzmtp-ffi.so.0', 'libzmtp-mock.so.0')
# What Pharo itself has and the package refers to.
PHARO_CLASSES = {*smalltalk.ROOTS, *smalltalk.BUILT_IN}
PHARO_SELECTORS = set('''
    + - * < > >= <= = == ~~ -> add: addResource: allSubclasses and: asArray asString asSymbol asUppercase at: at:put: basicNew
    bitShift: classPool collect: copyFrom:to: detect:ifNone: do: doWithIndex: ensure: error: ffiCall: first forMilliseconds: fork
    ifFalse: ifNil: ifTrue: ifTrue:ifFalse: includesKey: isEmpty isNil isString last millisecondClockValue min: new new: notNil
    on:do: or: removeKey: return: reverseDo: second session setUp signal size substrings: tearDown third timesRepeat: to: to:do:
    uniqueInstance utf8Decoded utf8Encoded value value: wait whileTrue: with:with: with:with:with: yourself key
    assert: assert:equals: assert:identicalTo: deny: fail should:raise:
    baseline: for:do: group:with: package: package:with: requires:'''.split())


def nodes_of(node):
    """A node and all that is in it."""
    if isinstance(node, tuple) and node:
        if isinstance(node[0], str):
            yield node
        for part in node[1:] if isinstance(node[0], str) else node:
            yield from nodes_of(part)
    elif isinstance(node, list):
        for part in node:
            yield from nodes_of(part)


def names_in(statements, known):
    """Names that no scope has."""
    missing = set()
    for node in statements if isinstance(statements, list) else [statements]:
        if not isinstance(node, tuple):
            continue
        if node[0] == 'name' and node[1] not in known:
            missing.add(node[1])
        elif node[0] == 'assign':
            missing |= {node[1]} - known | names_in(node[2], known)
        elif node[0] == 'block':
            missing |= names_in(node[3], known | set(node[1]) | set(node[2]))
        elif node[0] == 'send':
            missing |= names_in(node[1], known) | names_in(node[3], known)
        elif node[0] == 'cascade':
            missing |= names_in(node[1], known)
            for _, arguments in node[2]:
                missing |= names_in(arguments, known)
        elif node[0] == 'return':
            missing |= names_in(node[1], known)
    return missing


def known_in(image, owner):
    known = {'self', 'super', 'true', 'false', 'nil', *image.files, *PHARO_CLASSES}
    for each in image.line(owner):
        if each in image.files:
            file = image.files[each]
            known |= {*file.variables, *file.shared}
            for pool in file.pools:
                known |= set(image.files[pool].shared)
    return known


def methods_of(image):
    for file in image.files.values():
        for meta in (False, True):
            for method in file.methods[meta].values():
                yield file, method


def check_files(image):
    packages = sorted(p for p in os.listdir(SOURCES) if not p.startswith('.'))
    with open(f'{SOURCES}/.properties', encoding='utf-8') as file:
        report.check('#format : #tonel' in file.read(), 'the format is said')
    for package in packages:
        with open(f'{SOURCES}/{package}/package.st', encoding='utf-8') as file:
            report.check(re.fullmatch(rf"Package \{{ #name : #'?{package}'? \}}\n", file.read()), f'{package}: is a package')
    wrong = []
    for name, file in image.files.items():
        package = image.folders[name]
        if not os.path.exists(f'{SOURCES}/{package}/{name}.class.st'):
            wrong.append(f'{name} lies in a file of another name')
        if file.category != package and not file.category.startswith(package + '-'):
            wrong.append(f'{name} is of the category {file.category}, in {package}')
        if file.superclass not in image.files and file.superclass not in smalltalk.ROOTS:
            wrong.append(f'{name}: {file.superclass} is not known')
    report.check(not wrong, f'{len(image.files)} classes lie where they belong', *wrong)
    texts = json.dumps([node for method in image.files['BaselineOfZmtp'].methods[False].values() for node in nodes_of(method.statements)])
    missing = [p for p in packages if p != 'BaselineOfZmtp' and f'"{p}"' not in texts]
    report.check(not missing, 'the baseline has all packages', missing)


def check_names(image):
    wrong, selectors = [], set(PHARO_SELECTORS)
    for file, method in methods_of(image):
        selectors.add(method.selector)
        known = known_in(image, file.name) | set(method.parameters) | set(method.temporaries)
        missing = names_in(method.statements, known)
        wrong += [f'{file.name}>>#{method.selector}: {name}' for name in missing]
    report.check(not wrong, 'every variable and class is known', *wrong)
    wrong = []
    for file, method in methods_of(image):
        sent = [node[2] for node in nodes_of(method.statements) if node[0] == 'send']
        sent += [selector for node in nodes_of(method.statements) if node[0] == 'cascade' for selector, _ in node[2]]
        wrong += [f'{file.name}>>#{method.selector}: #{selector}' for selector in sent if selector not in selectors]
    report.check(not wrong, 'every message is one that somebody understands', *wrong)


def calls_in(image):
    """Of each call: the method, the function, what it returns, and its arguments as (type, name)."""
    for file, method in methods_of(image):
        for node in nodes_of(method.statements):
            if node[0] == 'send' and node[2] == 'ffiCall:':
                returns, function, words = node[3][0][1]
                parts = [part.strip() for part in ' '.join(words).split(',') if part.strip()]
                yield file, method, function, returns, [re.fullmatch(r'(\w+(?: \*)?)\s*(\w+)', part).groups() for part in parts]


def check_calls(image, manifest):
    kinds = image.send(('class', 'ZmtpTypes'), 'map', [])
    wanted = {**manifest['functions'], **manifest['mock_functions']}
    seen, wrong = {}, []
    for file, method, function, returns, arguments in calls_in(image):
        seen[function] = file.name
        if function not in wanted:
            wrong.append(f'{function} is no function')
            continue
        result, rest = wanted[function]['signature'][:-1].split('(', 1)
        types = [kinds[kind] for kind in rest.split(',')] if rest else []
        if returns != kinds[result] or [kind for kind, _ in arguments] != types:
            wrong.append(f'{function}: {returns} of {arguments}, the manifest has {wanted[function]["signature"]}')
        if [name for _, name in arguments] != method.parameters:
            wrong.append(f'{function}: takes {arguments}, the method {method.parameters}')
    report.check(not wrong, f'{len(seen)} calls have the names, arity and types of the manifest', *wrong)
    report.check(set(seen) == set(wanted), 'every function has its call', sorted(set(wanted) ^ set(seen)))
    for name, owners in (('libzmtp-ffi.so', {'ZmtpCalls'}), ('libzmtp-mock.so', {'ZmtpCalls', 'ZmtpMockLibrary'})):
        out = subprocess.run(['nm', '-D', '--defined-only', f'{O}/lib/{name}'], stdout=subprocess.PIPE, text=True).stdout
        shown = {line.split()[-1] for line in out.splitlines()}
        missing = sorted(function for function, owner in seen.items() if owner in owners and function not in shown)
        report.check(not missing, f'{name}: has the functions that are called', missing)
    constants = image.shared['ZmtpConstants']
    report.check(constants == manifest['constants'], 'the constants are those of the manifest')


def check_tests(image):
    names = [n for n in sorted(image.files) if 'TestCase' in image.line(n) and n != 'ZmtpTest']
    for name in names:
        selectors = image.tests(name)
        report.check(selectors, f'{name}: has tests')
        for selector in selectors:
            why = image.run_test(name, selector)
            report.check(why is None, f'{name}>>#{selector}', why)


# Of the trace.
C_NAMES = {'int32': 'int32_t', 'int64': 'int64_t', 'uint32': 'uint32_t', 'uint64': 'uint64_t', 'size': 'size_t',
           'text': 'const char *', 'octets': 'const void *', 'room': 'void *', 'int64_room': 'void *'}


def lua_text(octets):
    return '"' + ''.join(f'\\{octet:03d}' for octet in octets) + '"'


def lua_argument(kind, value, function):
    if value is None:
        return 'null'
    if kind == 'text':
        return lua_text(value.encode())
    if kind == 'octets':
        return lua_text(value)
    if kind in ('room', 'int64_room'):
        # Keys are other ones each time.
        after = 'nil' if function == 'zmtp_ffi_keygen' else lua_text(value)
        return f'trace.room({len(value)}, {after})'
    return f'i"{value}"'


def lua_of(calls, manifest):
    functions = {**manifest['functions'], **manifest['mock_functions']}
    lines = ['trace.declare [[']
    for name, row in functions.items():
        result, rest = row['signature'][:-1].split('(', 1)
        lines.append(f'{C_NAMES[result]} {name}({", ".join(C_NAMES[k] for k in rest.split(",")) if rest else "void"});')
    lines.append(']]')
    for function, arguments, result in calls:
        rest = functions[function]['signature'][:-1].split('(', 1)[1]
        given = [lua_argument(kind, value, function) for kind, (_, value) in zip(rest.split(','), arguments)]
        expected = lua_text(result.encode()) if isinstance(result, str) else f'i"{result}"'
        lines.append(f'trace.call({", ".join([json.dumps(function), expected, *given])})')
    return '\n'.join(lines) + '\n'


TRACED = ('ZmtpExamplesTest', 'ZmtpManifestTest', 'ZmtpMockTest', 'ZmtpSocketTest')


def check_trace(manifest):
    """In a process of its own, whose handles and ports begin anew, as those of LuaJIT do."""
    if not shutil.which('luajit'):
        report.skip('the calls from LuaJIT', 'luajit is not installed')
        return
    with tempfile.TemporaryDirectory() as work:
        ended = subprocess.run([sys.executable, __file__, '--trace', f'{work}/trace.lua'], stdout=subprocess.PIPE, text=True)
        if ended.returncode != 0:
            report.check(False, 'a trace is written', ended.stdout)
            return
        replay = subprocess.run(['luajit', 'test/ffi/replay.lua', f'{work}/trace.lua', os.path.abspath(f'{O}/lib/{NAMES[1]}')],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        lines = replay.stdout.splitlines() or ['it says nothing']
        report.check(lines[0].startswith('ok 1 - '), lines[0].split(' - ')[-1], *lines)


def libraries():
    return {name: ctypes.CDLL(os.path.abspath(f'{O}/lib/{name}')) for name in NAMES}


def is_sanitized():
    with open(f'{O}/lib/{NAMES[0]}', 'rb') as library:
        octets = library.read()
    return b'__asan_init' in octets or b'__tsan_init' in octets


def write_trace(path, manifest):
    image = smalltalk.Image(SOURCES, libraries())
    for name in TRACED:
        for selector in image.tests(name):
            image.run_test(name, selector)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(lua_of(image.calls, manifest))


def main():
    os.chdir(TOP)
    with open('zmtp/ffi/abi.json', encoding='utf-8') as file:
        manifest = json.load(file)
    if len(sys.argv) > 2 and sys.argv[1] == '--trace':
        write_trace(sys.argv[2], manifest)
        return
    ended = subprocess.run([f'{PHARO}/generate', '--check'], stdout=subprocess.PIPE, text=True)
    report.check(ended.returncode == 0, 'what is generated from the manifest is as it should be', *ended.stdout.splitlines())
    sanitized = is_sanitized()
    try:
        image = smalltalk.Image(SOURCES, {} if sanitized else libraries())
    except smalltalk.Malformed as error:
        report.check(False, 'the files can be read', str(error))
        report.plan()
        return
    check_files(image)
    check_names(image)
    check_calls(image, manifest)
    if sanitized:
        report.skip('the tests', 'a library of a sanitizer does not load into a host without it')
    else:
        check_tests(image)
        check_trace(manifest)
    report.plan()


if __name__ == '__main__':
    main()
