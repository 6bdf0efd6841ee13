#!/usr/bin/python3
"""Runs the tests that pyzmq brings along, each module in a process of its own, and reports each test in TAP.

    test/ffi/pyzmq.py [MODULE...]    all, or those named, such as test_socket

Which libzmq they run on LD_LIBRARY_PATH says; the version that pyzmq finds is told first.
"""
import glob
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

import report

MODULE_S, TEST_S = 300, 60


def last(text):
    return text.splitlines()[-12:]


def run(module, work):
    """One module; what pytest wrote of it, or why it did not."""
    xml = os.path.join(work, f'{module}.xml')
    command = [sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', f'--junitxml={xml}', f'--timeout={TEST_S}',
               '--timeout-method=signal', '--pyargs', f'zmq.tests.{module}']
    try:
        ended = subprocess.run(command, cwd=work, timeout=MODULE_S, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace')
    except subprocess.TimeoutExpired as hung:
        report.check(False, f'{module} ends', *last(hung.stdout.decode(errors='replace') if hung.stdout else 'hangs'))
        return
    if not os.path.exists(xml):
        report.check(False, f'{module} ends', *last(f'exit status {ended.returncode}\n{ended.stdout}'))
        return
    for case in ET.parse(xml).getroot().iter('testcase'):
        name = f'{module}: {case.get("classname", "").rsplit(".", 1)[-1]}.{case.get("name")}'
        bad = [child for child in case if child.tag in ('failure', 'error')]
        skipped = [child for child in case if child.tag == 'skipped']
        if bad:
            report.check(False, name, *last(bad[0].text or bad[0].get('message', '')))
        elif skipped:
            report.skip(name, (skipped[0].get('message', '').splitlines() or [''])[0])
        else:
            report.check(True, name)


def main():
    try:
        import zmq
        import zmq.tests
    except ModuleNotFoundError:
        print('1..0 # SKIP python3-zmq is not installed')
        return
    except ImportError as why:
        report.check(False, 'pyzmq loads', *last(str(why)))
        report.plan()
        return
    folder = os.path.dirname(zmq.tests.__file__)
    modules = sorted(os.path.basename(path)[:-3] for path in glob.glob(f'{folder}/test_*.py'))
    print(f'# pyzmq {zmq.pyzmq_version()} on libzmq {zmq.zmq_version()}')
    with tempfile.TemporaryDirectory() as work:
        for module in sys.argv[1:] or modules:
            run(module, work)
    report.plan()


main()
