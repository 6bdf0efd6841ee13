#!/usr/bin/python3
"""How long a control request takes at gardend when nothing else happens, and when shell and query are flooded.

Rounds go case by case, so that a slow phase of the machine meets all of them; a figure is the median of the rounds.
Prints a Markdown table.
"""
import argparse
import os
import statistics
import subprocess
import tempfile

# Floods are (lane, each how manieth request is a GetRegions of all); each is a process with 1000 requests in flight.
CASES = (
    ('idle', ()),
    ('shell flooded', (('shell', 0),)),
    ('shell and query flooded', (('shell', 0), ('query', 0))),
    ('the same with long reads', (('shell', 100), ('query', 0))),
)
FIGURES = ('p50_us', 'p99_us', 'max_us')


def figures_of(text):
    return {name: float(value) for name, value in (line.split(' ', 1) for line in text.splitlines())}


def measure(program, file, floods, milliseconds):
    flooding = [subprocess.Popen([program, file, 'flood', str(milliseconds + 600), lane, str(read)], stdout=subprocess.PIPE,
                                 text=True) for lane, read in floods]
    try:
        if flooding:
            subprocess.run(['sleep', '0.3'], check=True)
        asked = subprocess.run([program, file, 'ask', str(milliseconds)], capture_output=True, text=True, check=True)
        found = figures_of(asked.stdout)
        found['flood'] = sum(figures_of(each.communicate(timeout=60)[0])['replies_per_s'] for each in flooding)
        return found
    finally:
        for each in flooding:
            each.kill()
            each.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--build', default='build')
    parser.add_argument('--daemon', help='another gardend than that of the build')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--ms', type=int, default=2000)
    parser.add_argument('--regions', type=int, default=2000)
    options = parser.parse_args()
    program = os.path.abspath(os.path.join(options.build, 'bench', 'control'))
    gardend = options.daemon or os.path.abspath(os.path.join(options.build, 'bin', 'gardend'))
    with tempfile.TemporaryDirectory() as folder:
        ready, write = os.pipe()
        daemon = subprocess.Popen([gardend, '--run-dir', os.path.join(folder, 'run'), '--source', 'none', '--state', 'none',
                                   '--log-level', 'error', '--ready-fd', str(write)], pass_fds=(write,))
        os.close(write)
        try:
            assert os.read(ready, 10), 'gardend did not start'
            file = os.path.join(folder, 'run', 'connection.json')
            subprocess.run([program, file, 'regions', str(options.regions)], check=True, stdout=subprocess.DEVNULL)
            rounds = [[measure(program, file, floods, options.ms) for _, floods in CASES] for _ in range(options.rounds)]
        finally:
            daemon.terminate()
            daemon.wait()
    print('| control round trip | p50, us | p99, us | longest, us | p50 to idle | flood, replies/s |')
    print('|---|---|---|---|---|---|')
    idle = statistics.median(each[0]['p50_us'] for each in rounds)
    for number, (name, _) in enumerate(CASES):
        found = {key: statistics.median(each[number][key] for each in rounds) for key in (*FIGURES, 'flood')}
        longest = max(each[number]['max_us'] for each in rounds)
        print(f'| {name} | {found["p50_us"]:.0f} | {found["p99_us"]:.0f} | {longest:.0f} | {found["p50_us"] / idle:.1f} x | '
              f'{found["flood"]:.0f} |')


if __name__ == '__main__':
    main()
