#!/usr/bin/python3
"""Measures what of the garden is no capture: seals, events, control requests, and the audio callback.

Each round runs every case once, so that a slow phase of the machine meets all; a figure is the median of the rounds,
with the lowest and the highest beside it. Writes BUILD/bench/garden.json, or with --name NAME
bench/results/garden/DATE-NAME.json, and prints its tables.
"""
import argparse
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import control

PATIENCE = 120
MIB = 1 << 20
HOWS = ('store', 'raw', 'store-unsynced', 'raw-unsynced')
SEALS = [(size, how) for size in (64 << 10, MIB, 8 * MIB) for how in HOWS]
EVENTS = [(subscribers, rate) for rate in (0, 20000) for subscribers in (1, 8)]
CALLBACKS = [('noise:64,192000', 'f32', 'fifo'), ('noise:64,192000', 'f32', ''), ('counter:64,192000', 'f32', 'fifo'),
             ('noise:16,192000', 'f32', 'fifo')]


class Bench:
    def __init__(self, options):
        self.options = options
        self.programs = os.path.abspath(os.path.join(options.build, 'bench'))
        self.gardend = os.path.abspath(os.path.join(options.build, 'bin', 'gardend'))
        self.folder = tempfile.mkdtemp(prefix='garden.', dir=options.folder)

    def program(self, name, *words):
        return [os.path.join(self.programs, name), *map(str, words)]

    def ask(self, name, *words):
        done = subprocess.run(self.program(name, *words), capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode != 0:
            raise RuntimeError(f'{name}: {done.stderr.strip()}')
        return control.figures_of(done.stdout)

    def seal(self, size, how):
        folder = os.path.join(self.folder, 'seal')
        os.makedirs(folder)
        try:
            # Of small chunks fewer, as each of them waits for the disk some times.
            return self.ask('seal', folder, max(1, self.options.mib * min(size, MIB) // MIB), size, how)
        finally:
            shutil.rmtree(folder)
            os.sync()  # what is left to be written is not the next one's to wait for

    def events(self, subscribers, rate):
        folder = os.path.join(self.folder, 'lanes')
        os.makedirs(folder, mode=0o700)
        serving = subprocess.Popen(self.program('events', 'serve', folder, subscribers, self.options.ms, rate),
                                   stdout=subprocess.PIPE, text=True)
        watching = []
        try:
            if 'ready' not in serving.stdout.readline():
                raise RuntimeError('events: no lanes')
            watching += [subprocess.Popen(self.program('events', 'watch', folder), stdout=subprocess.PIPE, text=True)
                         for _ in range(subscribers)]
            watched = [control.figures_of(each.communicate(timeout=PATIENCE)[0]) for each in watching]
            told = control.figures_of(''.join(serving.stdout.readline() for _ in range(3)))
        finally:
            for each in (*watching, serving):
                each.kill()
                each.wait()
            shutil.rmtree(folder)
        offered = told['published'] * subscribers
        # What tells of the end may be dropped, too, and comes again.
        if any(each['end'] < told['published'] or each['came'] > told['published'] for each in watched):
            raise RuntimeError(f'events: more came than was published: {told} {watched}')
        came = sum(each['came'] for each in watched)
        return {'published_s': told['published'] / told['seconds'], 'delivered_s': came / told['seconds'],
                'dropped_part': (offered - came) / offered, 'publisher_us': told['cpu_us_event'],
                'subscriber_us': statistics.mean(each['cpu_us_event'] for each in watched)}

    def control(self, floods):
        return control.measure(os.path.join(self.programs, 'control'), self.connection, floods, self.options.ms)

    def callback(self, *words):
        return self.ask('callback', self.options.ms * 3 / 1000, *(word for word in words if word))

    def start(self):
        """A daemon for the control requests."""
        ready, write = os.pipe()
        run = os.path.join(self.folder, 'run')
        self.daemon = subprocess.Popen([self.gardend, '--run-dir', run, '--source', 'none', '--state', 'none', '--log-level',
                                        'error', '--ready-fd', str(write)], pass_fds=(write,))
        os.close(write)
        if not os.read(ready, 10):
            raise RuntimeError('gardend did not start')
        os.close(ready)
        self.connection = os.path.join(run, 'connection.json')
        self.ask('control', self.connection, 'regions', 2000)

    def stop(self):
        self.daemon.terminate()
        self.daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cases(self):
        """Name of the case, and what measures it."""
        chosen = self.options.only
        for size, how in SEALS if 'seal' in chosen else ():
            yield f'seal {size} {how}', lambda size=size, how=how: self.seal(size, how)
        for subscribers, rate in EVENTS if 'events' in chosen else ():
            yield f'events {subscribers} {rate}', lambda subscribers=subscribers, rate=rate: self.events(subscribers, rate)
        for name, floods in control.CASES if 'control' in chosen else ():
            yield f'control {name}', lambda floods=floods: self.control(floods)
        for words in CALLBACKS if 'callback' in chosen else ():
            yield f'callback {" ".join(words).strip()}', lambda words=words: self.callback(*words)


def figure(results, case, name, form='{:.0f}', scale=1.0):
    values = [each[name] * scale for each in results[case]]
    return f'{form.format(statistics.median(values))} ({form.format(min(values))} .. {form.format(max(values))})'


def ratio(results, case, other, name):
    return statistics.median(one[name] / two[name] for one, two in zip(results[case], results[other]))


def seal_tables(results):
    yield '| sealed, MB/s | the store | write, sync, hash | of it | the store, nothing synced | write, hash | of it | syncs a chunk |'
    yield '|---|---|---|---|---|---|---|---|'
    for size in sorted({size for size, _ in SEALS}):
        names = {how: f'seal {size} {how}' for how in HOWS}
        if names['store'] in results:
            yield (f'| chunks of {size >> 10} KiB | ' + ' | '.join(
                f'{figure(results, names[how], "mb_s")} | {figure(results, names[raw], "mb_s")} | '
                f'{ratio(results, names[how], names[raw], "mb_s"):.2f} x'
                for how, raw in (('store', 'raw'), ('store-unsynced', 'raw-unsynced'))) +
                f' | {figure(results, names["store"], "syncs_chunk", "{:.1f}")} |')
    yield ''
    yield '| processor ns an octet | the store | write, sync, hash | the store, nothing synced | write, hash |'
    yield '|---|---|---|---|---|'
    for size in sorted({size for size, _ in SEALS}):
        if f'seal {size} store' in results:
            yield f'| chunks of {size >> 10} KiB | ' + ' | '.join(
                figure(results, f'seal {size} {how}', 'cpu_ns_octet', '{:.2f}') for how in HOWS) + ' |'
    yield ''


def events_tables(results):
    yield ('| events | published/s | delivered/s, all together | dropped, % | publisher: CPU us an event | '
           'a subscriber: CPU us an event |')
    yield '|---|---|---|---|---|---|'
    for subscribers, rate in EVENTS:
        case = f'events {subscribers} {rate}'
        if case in results:
            pace = f'{rate} a second' if rate else 'as fast as it can'
            yield (f'| {subscribers} subscriber{"s" if subscribers > 1 else ""}, {pace} | {figure(results, case, "published_s")} | '
                   f'{figure(results, case, "delivered_s")} | {figure(results, case, "dropped_part", "{:.1f}", 100)} | '
                   f'{figure(results, case, "publisher_us", "{:.2f}")} | {figure(results, case, "subscriber_us", "{:.2f}")} |')
    yield ''


def control_tables(results):
    yield '| control round trip | p50, us | p99, us | longest, us | p50 to idle | p99 to idle | flood, replies/s |'
    yield '|---|---|---|---|---|---|---|'
    idle = f'control {control.CASES[0][0]}'
    for name, _ in control.CASES:
        case = f'control {name}'
        if case in results:
            yield (f'| {name} | {figure(results, case, "p50_us")} | {figure(results, case, "p99_us")} | '
                   f'{max(each["max_us"] for each in results[case]):.0f} | {ratio(results, case, idle, "p50_us"):.1f} x | '
                   f'{ratio(results, case, idle, "p99_us"):.1f} x | {figure(results, case, "flood")} |')
    yield ''


def callback_tables(results):
    yield ('| callback, us | p50 | p99 | p99.9 | longest | of a processor: p50 | p99.9 | a plain copy: p50 | p99 | p99.9 | '
           'longest | waited for a processor, of calls |')
    yield '|' + '---|' * 12
    for words in CALLBACKS:
        case = f'callback {" ".join(words).strip()}'
        if case not in results:
            continue
        cells = [figure(results, case, name, '{:.1f}') for name in (
            'clock_p50_us', 'clock_p99_us', 'clock_p999_us', 'clock_max_us', 'own_p50_us', 'own_p999_us', 'copy_p50_us',
            'copy_p99_us', 'copy_p999_us', 'copy_max_us')]
        waited = sum(each['waited'] for each in results[case])
        yield (f'| {" ".join(words).strip()} | {" | ".join(cells)} | {waited:.0f} of '
               f'{sum(each["calls"] for each in results[case]):.0f} |')
    yield ''


TABLES = {'seal': seal_tables, 'events': events_tables, 'control': control_tables, 'callback': callback_tables}


def write(options, results, loads):
    revision = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], capture_output=True, text=True, check=False).stdout.strip()
    date = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    path = os.path.join(options.build, 'bench', 'garden.json')
    if options.name:
        folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'results', 'garden')
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f'{date}-{options.name}.json')
    with open(path, 'w', encoding='utf-8') as file:
        json.dump({'date': date, 'revision': revision, 'processors': os.cpu_count(), 'machine': platform.machine(),
                   'linux': platform.release(), 'load': loads, 'rounds': options.rounds, 'milliseconds': options.ms,
                   'mib': options.mib, 'results': results}, file, indent=1)
        file.write('\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', default='build')
    parser.add_argument('--folder', help='on the disk that is measured')
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--ms', type=int, default=1500, help='of a run of events and control requests; callbacks have thrice that')
    parser.add_argument('--mib', type=int, default=64, help='octets of a seal in chunks of 1 MiB and more')
    parser.add_argument('--only', default=','.join(TABLES), help='some of ' + ','.join(TABLES))
    parser.add_argument('--name', help='keep the results beside this program')
    parser.add_argument('--quick', action='store_true', help='one short round: does it work?')
    options = parser.parse_args()
    options.only = options.only.split(',')
    if options.quick:
        options.rounds, options.ms, options.mib = 1, 150, 8
    bench, results, loads, begun = Bench(options), {}, [], time.monotonic()
    bench.start()
    try:
        for number in range(options.rounds):
            loads.append(round(os.getloadavg()[0], 1))
            print(f'round {number + 1} of {options.rounds}', file=sys.stderr, flush=True)
            for name, measure in bench.cases():
                results.setdefault(name, []).append(measure())
    finally:
        bench.stop()
    write(options, results, loads)
    print(f'{os.cpu_count()} processors, Linux {platform.release()}, {options.rounds} rounds in {time.monotonic() - begun:.0f} s, '
          f'a load of {min(loads)} to {max(loads)}\n')
    for name in options.only:
        print('\n'.join(TABLES[name](results)))


if __name__ == '__main__':
    main()
