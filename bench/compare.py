#!/usr/bin/python3
"""Compares the native interface of two revisions: that of the working tree, and that of BASE.

Both are built with this tree's Makefile and this tree's scenarios, so only zmtp/ differs. Two measures:

- Instructions a message, of both sides, by callgrind: the difference between two runs of different
  lengths, so that what a start costs falls out. What the kernel does is not in it.
- Processor time a message, user and system, of both sides, and the rate, interleaved: the median of the
  ratios of the rounds, after to before, and an interval that holds it with 95 % confidence. Below 1 the
  working tree costs less.
"""
import argparse
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile

import run
import scenarios

# Scenario, transport, size, and messages of the shorter run under callgrind.
CASES = (
    ('throughput', 'tcp', 16, 100000),
    ('throughput', 'tcp', 64, 100000),
    ('throughput', 'tcp', 256, 50000),
    ('throughput', 'tcp', 1024, 20000),
    ('throughput', 'ipc', 64, 100000),
    ('throughput', 'inproc', 16, 50000),
    ('latency', 'tcp', 64, 2000),
    ('latency', 'tcp', 1048576, 50),
)


def build(options):
    """Returns the folders of the two revisions' programs."""
    revision = subprocess.run(['git', 'rev-parse', '--short', options.base], check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()
    folder = os.path.abspath(f'{options.build}/compare/{revision}')
    os.makedirs(folder, exist_ok=True)
    archive = subprocess.run(['git', 'archive', revision, 'zmtp'], check=True, stdout=subprocess.PIPE)
    subprocess.run(['tar', '-x', '-C', folder], input=archive.stdout, check=True)
    subprocess.run(['cp', '-R', 'Makefile', 'bench', folder], check=True)
    programs = sorted({f'build/bench/{case[0]}-zmtp' for case in CASES})
    subprocess.run([*options.make.split(), '--no-print-directory', '-C', folder, 'O=build', *programs],
                   check=True, stdout=subprocess.DEVNULL)
    return f'{folder}/build/bench', os.path.abspath(f'{options.build}/bench')


def callgrind(program, side, endpoint, size, count, log):
    return subprocess.Popen(
        ['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', f'--log-file={log}',
         program, side, endpoint, str(size), f'{count}x'],
        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)


def collected(log):
    with open(log) as file:
        return int(re.search(r'Collected : (\d+)', file.read()).group(1))


def instructions_of(program, transport, size, count, folder):
    """Instructions of one run of |count| messages, each side's."""
    logs = [f'{folder}/log0', f'{folder}/log1']
    if transport == 'inproc':
        both = callgrind(program, 'both', 'inproc://bench', size, count, logs[0])
        run.finish(both, program, 300)
        return collected(logs[0]), 0
    endpoint = run.endpoint_of(transport, folder, size, 'callgrind')
    binder = callgrind(program, 'bind', endpoint, size, count, logs[0])
    binder.stdout.readline()
    real = binder.stdout.readline().split(' ', 1)[1].strip()
    dialler = callgrind(program, 'connect', real, size, count, logs[1])
    for process in (dialler, binder):
        run.finish(process, program, 300)
    return collected(logs[0]), collected(logs[1])


def instructions(build_folder, case):
    """Instructions a message of the side that binds, and of the other."""
    scenario, transport, size, count = case
    program = f'{build_folder}/{scenario}-zmtp'
    with tempfile.TemporaryDirectory() as folder:
        short = instructions_of(program, transport, size, count, folder)
        long = instructions_of(program, transport, size, 3 * count, folder)
    return [(b - a) / (2 * count) for a, b in zip(short, long)]


def interval(ratios):
    """The median, and the bounds of what holds it with 95 % confidence (order statistics)."""
    ordered, count = sorted(ratios), len(ratios)
    low = max(0, int(count / 2 - 0.98 * math.sqrt(count)) - 1)
    return statistics.median(ordered), ordered[low], ordered[count - 1 - low]


def ratios(builds, case, options, folder):
    """After to before, round by round: processor time and rate."""
    scenario, transport, size = case[:3]
    figures = {'cpu_us': [], 'rate': [], 'p50_us': []}
    medians = []
    for round_ in range(options.rounds):
        samples = {}
        order = (0, 1) if round_ % 2 == 0 else (1, 0)
        for which in order:
            endpoint = run.endpoint_of(transport, folder, f'{round_}-{size}', which)
            samples[which] = run.measure(builds[which], scenarios.BY_NAME[scenario], 'zmtp', endpoint, size,
                                         options.milliseconds)
        for key in figures:
            if key in samples[0]:
                figures[key].append(samples[1][key] / samples[0][key])
        medians.append((samples[0]['cpu_us'], samples[1]['cpu_us']))
    before, after = (statistics.median(pair) for pair in zip(*medians))
    return {key: interval(values) for key, values in figures.items() if values}, before, after


def text_of(bounds):
    return f'{bounds[0]:.3f} ({bounds[1]:.3f} .. {bounds[2]:.3f})'


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', default='build', help='where this tree is built')
    parser.add_argument('--make', default='make')
    parser.add_argument('--base', default='HEAD', help='the revision to compare with')
    parser.add_argument('--rounds', type=int, default=11)
    parser.add_argument('--milliseconds', type=int, default=300)
    parser.add_argument('--only', default='', help='cases whose name has this in it')
    parser.add_argument('--no-callgrind', action='store_true')
    options = parser.parse_args()
    builds = build(options)
    cases = [case for case in CASES if options.only in ' '.join(map(str, case[:3]))]
    print('| case | instructions a message, before: binds + dials | after | CPU us a message before | after '
          '| CPU after/before | rate, or p50 |')
    print('|---|---|---|---|---|---|---|', flush=True)
    for case in cases:
        counted = ['-', '-']
        if not options.no_callgrind:
            counted = [' + '.join(f'{side:.0f}' for side in instructions(folder, case))
                       for folder in builds]
        with tempfile.TemporaryDirectory() as folder:
            compared, before, after = ratios(builds, case, options, folder)
        other = compared.get('rate') or compared['p50_us']
        print(f'| {case[0]} {case[1]} {scenarios.name_of(case[2])} | {counted[0]} | {counted[1]} | {before:.4f} '
              f'| {after:.4f} | {text_of(compared["cpu_us"])} | {text_of(other)} |', flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
