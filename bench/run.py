#!/usr/bin/python3
"""Measures the same scenarios over libzmtp, over libzmq and over no library, interleaved, and compares them.

Each round runs every case once with each library, in turns, so that a slow phase of the machine
meets both. A case is one scenario, transport and size; its figure is the median of the rounds, with
the lowest and the highest beside it. Two processes a run, or for inproc two threads of one; processor
time is both of theirs.
No library is the ceiling: what a plain program does that frames, writes and parses (adapter_raw.c); it
has no inproc. Prints a Markdown table, names the cases that libzmtp loses, writes BUILD/results.json.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

LIBRARIES = ('zmtp', 'dropin', 'libzmq', 'raw')
OURS = {'zmtp': 'libzmtp', 'dropin': 'the drop-in'}
SCENARIOS = ('throughput', 'latency', 'fanout')
SIZES = (16, 64, 256, 1024, 4096, 65536, 262144, 1048576)
QUICK_SIZES = (64, 65536)
TRANSPORTS = ('tcp', 'ipc', 'inproc')
TIMEOUT = 30


def start(program, *arguments):
    return subprocess.Popen([program, *map(str, arguments)], stdout=subprocess.PIPE, text=True,
                            stdin=subprocess.DEVNULL)


def finish(process, name, timeout=TIMEOUT):
    try:
        text = process.communicate(timeout=timeout)[0]
    finally:
        process.kill()
    if process.returncode != 0:
        raise RuntimeError(f'{name} ended with status {process.returncode}')
    return dict(line.split(' ', 1) for line in text.splitlines())


def run_pair(program, endpoint, size, milliseconds):
    """Starts the side that binds, then the one that connects to what it says."""
    binder = start(program, 'bind', endpoint, size, milliseconds)
    dialler = None
    try:
        library = binder.stdout.readline().split(' ', 1)[1].strip()
        real = binder.stdout.readline().split(' ', 1)[1].strip()
        dialler = start(program, 'connect', real, size, milliseconds)
        return library, finish(binder, program + ' bind'), finish(dialler, program + ' connect')
    finally:
        for process in (binder, dialler):
            if process:
                process.kill()
                process.wait()


def run_threads(program, size, milliseconds):
    """One process whose threads are the two sides."""
    figures = finish(start(program, 'both', 'inproc://bench', size, milliseconds), program)
    binder = {name[5:]: value for name, value in figures.items() if name.startswith('bind_')}
    binder['cpu_seconds'] = 0  # the other side's is the whole process's
    return figures['library'], binder, figures


def measure(build, scenario, library, endpoint, size, milliseconds):
    program = f'{build}/{scenario}-{library}'
    if endpoint is None:
        name, binder, dialler = run_threads(program, size, milliseconds)
    else:
        name, binder, dialler = run_pair(program, endpoint, size, milliseconds)
    count = int(dialler['messages'])
    cpu = float(binder['cpu_seconds']) + float(dialler['cpu_seconds'])
    result = {'library': name, 'cpu_us': cpu / count * 1e6}
    if scenario != 'latency':
        if int(binder['messages']) != count:
            raise RuntimeError(f'{count} messages sent, {binder["messages"]} received')
        result['rate'] = count / float(binder.get('seconds') or dialler['seconds'])
    else:
        result['p50_us'], result['p99_us'] = float(dialler['p50_us']), float(dialler['p99_us'])
    return result


def endpoint_of(transport, folder, round_, library):
    if transport == 'inproc':
        return None
    if transport == 'tcp':
        return 'tcp://127.0.0.1:*'
    return f'ipc://{folder}/{library}-{round_}'


def contestants(scenario, transport):
    return LIBRARIES[:3] if transport == 'inproc' or scenario == 'fanout' else LIBRARIES


def run_cases(cases, rounds, build, milliseconds):
    samples = {case: {library: [] for library in contestants(*case[:2])} for case in cases}
    with tempfile.TemporaryDirectory() as folder:
        for round_ in range(rounds):
            for case in cases:
                scenario, transport, size = case
                order = contestants(scenario, transport)
                for library in order if round_ % 2 == 0 else order[::-1]:
                    endpoint = endpoint_of(transport, folder, round_, library)
                    samples[case][library].append(
                        measure(build, scenario, library, endpoint, size, milliseconds))
            print(f'round {round_ + 1} of {rounds}', file=sys.stderr, flush=True)
    return samples


def summary(samples, key):
    values = [s[key] for s in samples]
    return {'median': statistics.median(values), 'min': min(values), 'max': max(values)}


def better(row, ours, theirs):
    """How many times better one library is, by more messages or by less time."""
    ours, theirs = row[ours]['median'], row[theirs]['median']
    return ours / theirs if row['figure'] == 'rate' else theirs / ours


def summarise(samples):
    """One row a case and figure; the ratio is above 1 where libzmtp is better."""
    rows = []
    for (scenario, transport, size), by_library in samples.items():
        keys = ('rate',) if scenario != 'latency' else ('p50_us', 'p99_us')
        for key in keys:
            row = {'scenario': scenario, 'transport': transport, 'size': size, 'figure': key}
            for library in by_library:
                row[library] = summary(by_library[library], key)
                row[library]['cpu_us'] = summary(by_library[library], 'cpu_us')['median']
            row['ratio'] = {ours: better(row, ours, 'libzmq') for ours in OURS}
            row['of_ceiling'] = better(row, 'zmtp', 'raw') if 'raw' in by_library else None
            rows.append(row)
    return rows


def figure(value, key):
    if key != 'rate':
        return f'{value:.1f}'
    return f'{value / 1e6:.2f} M' if value >= 1e6 else f'{value / 1e3:.1f} k'


def cell(part, key):
    return f'{figure(part["median"], key)} ({figure(part["min"], key)} .. {figure(part["max"], key)})'


def name_of(size):
    for unit, factor in (('MiB', 1 << 20), ('KiB', 1 << 10)):
        if size >= factor:
            return f'{size // factor} {unit}'
    return f'{size} B'


UNITS = {'rate': 'messages/s', 'fanout': 'PUB to 64, deliveries/s', 'p50_us': 'round trip p50, us', 'p99_us': 'round trip p99, us'}


def unit_of(row):
    return UNITS['fanout' if row['scenario'] == 'fanout' else row['figure']]


def table(rows):
    yield ('| what | transport | size | libzmtp median (min .. max) | drop-in | libzmq '
           '| libzmtp better by | drop-in | of the ceiling '
           '| CPU us a message: libzmtp | drop-in | libzmq | ceiling |')
    yield '|---|---|---|---|---|---|---|---|---|---|---|---|---|'
    for r in rows:
        key = r['figure']
        ceiling = f'{r["of_ceiling"]:.0%}' if r['of_ceiling'] else '-'
        ceiling_cpu = f'{r["raw"]["cpu_us"]:.3f}' if r['of_ceiling'] else '-'
        cells = ' | '.join(cell(r[library], key) for library in LIBRARIES[:3])
        cpu = ' | '.join(f'{r[library]["cpu_us"]:.3f}' for library in LIBRARIES[:3])
        yield (f'| {UNITS[key]} | {r["transport"]} | {name_of(r["size"])} | {cells} '
               f'| {r["ratio"]["zmtp"]:.2f} x | {r["ratio"]["dropin"]:.2f} x | {ceiling} '
               f'| {cpu} | {ceiling_cpu} |')


def losses(title, rows, ratio):
    lost = [f'{unit_of(r)} {r["transport"]} {name_of(r["size"])} ({ratio(r):.2f} x)'
            for r in rows if ratio(r) < 1]
    return f'{title}: {"; ".join(lost) or "none"}.'


def verdict(rows):
    once = [r for r in rows if r['figure'] != 'p99_us']  # p50 and p99 are one run
    for ours, name in OURS.items():
        yield losses(f'Cases that {name} loses to libzmq', rows, lambda r: r['ratio'][ours])
        yield losses(f'Cases in which {name} costs more processor time than libzmq', once,
                     lambda r: r['libzmq']['cpu_us'] / r[ours]['cpu_us'])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', default='build/bench', help='where the programs are')
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--milliseconds', type=int, default=700, help='sending time of one run')
    parser.add_argument('--scenario', choices=SCENARIOS)
    parser.add_argument('--transport', choices=TRANSPORTS)
    parser.add_argument('--size', type=int, action='append', help='octets; may be given again')
    parser.add_argument('--quick', action='store_true', help='two short rounds of two sizes')
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.milliseconds = 2, 200
    sizes = options.size or (QUICK_SIZES if options.quick else SIZES)
    cases = [(scenario, transport, size)
             for scenario in SCENARIOS if options.scenario in (None, scenario)
             for transport in TRANSPORTS if options.transport in (None, transport)
             if scenario != 'fanout' or transport != 'inproc'
             for size in sizes]
    started = time.time()
    samples = run_cases(cases, options.rounds, options.build, options.milliseconds)
    rows = summarise(samples)
    names = [next(iter(samples.values()))[library][0]['library'] for library in LIBRARIES[:3]]
    machine = f'{os.cpu_count()} processors, {platform.machine()}, Linux {platform.release()}'
    with open(f'{options.build}/results.json', 'w') as file:
        json.dump({'libraries': names, 'machine': machine, 'rounds': options.rounds,
                   'milliseconds': options.milliseconds, 'rows': rows}, file, indent=1)
    print(f'{", ".join(names)}; {machine}; {options.rounds} rounds of '
          f'{options.milliseconds} ms, {time.time() - started:.0f} s in all\n')
    print('\n'.join([*table(rows), '', *verdict(rows)]))
    return 0


if __name__ == '__main__':
    sys.exit(main())
