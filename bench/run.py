#!/usr/bin/python3
"""Measures the same scenarios over libzmtp, its drop-in, other libraries and none, interleaved, and compares them.

Each round runs every case once with each contestant, in turns, so that a slow phase of the machine meets
all. A case is one scenario, transport and size. Two processes a run, or for inproc two threads of one; processor
time and peak memory are of both. System calls are counted in runs of their own, under strace, as the
difference of a short and a longer one, so that what a start costs falls out.
Writes BUILD/results.json, or with --name NAME bench/results/DATE-NAME.json, and prints its tables (report.py).
--kept NAME does all at once that bench/README.md shows: every scenario, the sizes between 16 B and 1 MiB, the system calls,
as many rounds as --minutes hold (three at least); then the tables and plots of the README are made of it alone.
Who is not here or fails is named, with the reason.
"""
import argparse
import datetime
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time

import contestants
import report
import scenarios

TIMEOUT = 30
KEPT_TIMEOUT = 10  # of runs of a tenth of a second: one that hangs should not take the time of a hundred others
KEPT_ROUNDS, KEPT_HEAVY_ROUNDS = 3, 2  # at least, of all; at most, of those that take seconds each
HEAVY = (f'What takes seconds each (connections, topics, a PUB to 1000) is in {KEPT_HEAVY_ROUNDS} rounds, without '
         f'{", ".join(contestants.BY_NAME[name].title for name in scenarios.NOT_HEAVY)}.')
SYSCALL_SIZES = (64, 65536)
SYSCALL_OCTETS = 1 << 26  # at most so many in the shorter counted run
STRACE = ('strace', '-f', '-qq', '-c', '-U', 'calls,name', '-o')


class Failed(Exception):
    """A run that did not end as it should: what was measured is nothing."""


def start(command, environment=None):
    """|environment|: what the contestant adds; only those that are to spin do, whatever the caller's says."""
    kept = {name: value for name, value in os.environ.items() if name != 'ZMTP_SPIN_US'}
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, env={**kept, **(environment or {})})


def finish(process, name, timeout=TIMEOUT):
    """What it printed, by name."""
    try:
        text, complaint = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Failed(f'{name} did not end within {timeout} s') from None
    finally:
        process.kill()
    if process.returncode != 0:
        last = (complaint or '').strip().splitlines()[-1:]
        raise Failed(f'{name} ended with status {process.returncode}{"".join(": " + line for line in last)}')
    return dict(line.split(' ', 1) for line in text.splitlines())


def told(process, name):
    """The next line's value."""
    words = process.stdout.readline().split(' ', 1)
    if len(words) != 2:
        finish(process, name)
        raise Failed(f'{name} said nothing')
    return words[1].strip()


def run_pair(program, endpoint, arguments, before=((), ()), timeout=TIMEOUT, environment=None):
    """Starts the side that binds, then the one that connects to what it says. |before| goes before each command."""
    name = os.path.basename(program)
    binder = start([*before[0], program, 'bind', endpoint, *arguments], environment)
    dialler = None
    try:
        library, real = told(binder, name + ' bind'), told(binder, name + ' bind')
        dialler = start([*before[1], program, 'connect', real, *arguments], environment)
        # Who dials ends last where it waits for an answer, and says more when something is wrong.
        figures = finish(dialler, name + ' connect', timeout)
        return library, finish(binder, name + ' bind', timeout), figures
    finally:
        for process in (binder, dialler):
            if process:
                process.kill()
                process.wait()
                process.stdout.close()
                process.stderr.close()


def run_threads(program, arguments, before=(), timeout=TIMEOUT, environment=None):
    """One process whose threads are the two sides."""
    figures = finish(start([*before, program, 'both', 'inproc://bench', *arguments], environment),
                     os.path.basename(program), timeout)
    binder = {name[5:]: value for name, value in figures.items() if name.startswith('bind_')}
    binder['cpu_seconds'] = binder['peak_kb'] = 0  # the other side's is the whole process's
    return figures['library'], binder, figures


def run_once(build, scenario, contestant, endpoint, size, amount, before=((), ())):
    program = contestants.program(build, scenario, contestant)
    environment = contestants.BY_NAME[contestant].environment
    arguments = [size, amount, *scenario.arguments]
    if endpoint is None:
        return run_threads(program, arguments, before[0], scenario.timeout, environment)
    return run_pair(program, endpoint, arguments, before, scenario.timeout, environment)


def measure(build, scenario, contestant, endpoint, size, amount):
    """One run: the scenario's figures, processor time a message, peak memory, and the library's own name."""
    library, binder, dialler = run_once(build, scenario, contestant, endpoint, size, amount)
    count = int(dialler['messages'])
    if scenario.same_count and int(binder['messages']) != count:
        raise Failed(f'{count} messages sent, {binder["messages"]} received')
    if count == 0:
        raise Failed('no message came in the given time')
    result = {'library': library}
    for figure in scenario.figures:
        if figure.key == 'rate':
            result['rate'] = count / float(binder.get('seconds') or dialler['seconds'])
        else:
            told_by = dialler if figure.key in dialler else binder
            if figure.key not in told_by:
                raise Failed(f'it printed no {figure.key}; an older build?')
            result[figure.key] = float(told_by[figure.key])
    result['cpu_us'] = (float(binder['cpu_seconds']) + float(dialler['cpu_seconds'])) / count * 1e6
    result['peak_kb'] = int(binder['peak_kb']) + int(dialler['peak_kb'])
    return result


def endpoint_of(transport, folder, round_, contestant):
    if transport == 'inproc':
        return None
    if transport == 'tcp':
        return 'tcp://127.0.0.1:*'
    return f'ipc://{folder}/{contestant}-{round_}'


def calls_of(log):
    with open(log) as file:
        return int(re.search(r'^\s*(\d+) total$', file.read(), re.MULTILINE)[1])


def counted_run(build, scenario, contestant, transport, size, count, folder):
    """All system calls of a run of |count| messages, and the messages."""
    logs = [f'{folder}/strace{side}' for side in range(2)]
    endpoint = endpoint_of(transport, folder, f'{size}-{count}x', contestant)
    _, _, figures = run_once(build, scenario, contestant, endpoint, size, f'{count}x',
                             [(*STRACE, log) for log in logs])
    return sum(map(calls_of, logs[:1] if endpoint is None else logs)), int(figures['messages'])


def syscalls(build, scenario, contestant, transport, size, folder):
    """System calls a message of both sides. Runs of a few messages would tell of a start, where little waits to be batched."""
    shorter = max(100, min(scenario.counted, SYSCALL_OCTETS // size))
    (calls, messages), (more_calls, more_messages) = [
        counted_run(build, scenario, contestant, transport, size, count, folder) for count in (shorter, 2 * shorter)]
    return max(0, more_calls - calls) / (more_messages - messages)


class Progress:
    """How far a run is: a bar on a terminal, a line a round elsewhere."""

    def __init__(self, count, what):
        self.count, self.what, self.done, self.started = count, what, 0, time.monotonic()
        self.live = sys.stderr.isatty()

    def step(self, text):
        self.done += 1
        if not self.live:
            return
        left = (time.monotonic() - self.started) / self.done * (self.count - self.done)
        filled = 30 * self.done // self.count
        bar = '#' * filled + '.' * (30 - filled)
        print(f'\r{self.what} [{bar}] {self.done}/{self.count}  {left // 60:.0f}:{left % 60:02.0f} left  {text:<48.48}',
              end='\n' if self.done == self.count else '', file=sys.stderr, flush=True)

    def line(self, text):
        if not self.live:
            print(text, file=sys.stderr, flush=True)


def text_of(case, contestant=''):
    scenario, transport, size = case
    return f'{scenario.name} {transport} {scenarios.name_of(size)} {contestant}'.rstrip()


class Results:
    """The samples of all cases; who failed in one is out of it. If it is ours, the whole run has failed at its end."""

    def __init__(self, cases, options):
        self.of = {case: {name: [] for name in names_of(case, options)} for case in cases}
        self.calls = {case: {} for case in cases}
        self.failed = {case: {} for case in cases}
        self.ours_failed = []

    def runs(self):
        return sum(map(len, self.of.values()))

    def fail(self, case, name, error, again):
        """Notes a failed run, which is done once more; the second failure of one is its last."""
        self.failed[case][name] = f'{error} (once; the run was done again)' if not again else str(error)
        if not again:
            return
        if contestants.BY_NAME[name].ours:
            self.ours_failed.append(f'{text_of(case, name)}: {error}')
        del self.of[case][name]

    def json(self):
        for case, by_name in self.of.items():
            scenario, transport, size = case
            row = {'scenario': scenario.name, 'transport': transport, 'size': size, 'contestants': {}}
            for name, samples in by_name.items():
                keys = [figure.key for figure in scenario.figures] + ['cpu_us', 'peak_kb']
                row['contestants'][name] = {key: [float(f'{s[key]:.4g}') for s in samples] for key in keys}
                if name in self.calls[case]:
                    row['contestants'][name]['calls'] = float(f'{self.calls[case][name]:.4g}')
            if self.failed[case]:
                row['failed'] = self.failed[case]
            yield row


def run_sample(results, case, name, options, folder, round_):
    scenario, transport, size = case
    for again in (False, True):
        endpoint = endpoint_of(transport, folder, f'{scenario.name}-{size}-{round_}-{again:d}', name)
        try:
            results.of[case][name].append(measure(options.build, scenario, name, endpoint, size, options.milliseconds))
            return
        except Failed as error:
            results.fail(case, name, error, again)


def run_round(results, options, folder, round_):
    heavy = options.kept is None or round_ < KEPT_HEAVY_ROUNDS
    cases = [case for case in results.of if heavy or not case[0].heavy]
    progress = Progress(sum(len(results.of[case]) for case in cases), f'round {round_ + 1}')
    for case in cases:
        order = list(results.of[case])
        order = order[round_ % len(order):] + order[:round_ % len(order)] if order else order
        for name in order if round_ % 2 == 0 else order[::-1]:
            run_sample(results, case, name, options, folder, round_)
            progress.step(text_of(case, name))
    progress.line(f'round {round_ + 1}')


def run_rounds(results, options, folder, load, end):
    """So many, or until |end| if another would not be over by then. Returns how many."""
    round_, taken = 0, 0
    while round_ < options.rounds or (options.kept is not None and time.monotonic() + taken < end):
        began = time.monotonic()
        run_round(results, options, folder, round_)
        taken = time.monotonic() - began
        load.append(os.getloadavg()[0])
        round_ += 1
    return round_


def run_counts(results, options, folder):
    """System calls, where strace works and the size is one of those that are counted."""
    cases = [case for case in results.of if case[2] in SYSCALL_SIZES and case[0].counted > 0]
    progress = Progress(sum(len(results.of[case]) for case in cases), 'system calls')
    for case in cases:
        for name in list(results.of[case]):
            scenario, transport, size = case
            try:
                results.calls[case][name] = syscalls(options.build, scenario, name, transport, size, folder)
            except (Failed, OSError, TypeError) as error:
                results.failed[case][f'{name}, system calls'] = str(error)
            progress.step(text_of(case, name))
    progress.line('system calls counted')


def strace_works():
    if not shutil.which('strace'):
        return 'no strace here'
    with tempfile.NamedTemporaryFile() as log:
        status = subprocess.run([*STRACE, log.name, 'true'], stderr=subprocess.DEVNULL, check=False).returncode
    return None if status == 0 else 'strace may not trace here'


def cpu_model():
    try:
        with open('/proc/cpuinfo') as file:
            return re.search(r'^model name\s*: (.*)$', file.read(), re.MULTILINE)[1]
    except (OSError, TypeError):
        return platform.machine()


def revision():
    asked = subprocess.run(['git', 'describe', '--always', '--dirty'], stdout=subprocess.PIPE, text=True,
                           stderr=subprocess.DEVNULL, check=False)
    return asked.stdout.strip() or None


def options_of():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', default='build/bench', help='where the programs are')
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--milliseconds', type=int, default=700, help='sending time of one run')
    parser.add_argument('--scenario', action='append', choices=list(scenarios.BY_NAME), help='may be given again')
    parser.add_argument('--transport', action='append', choices=scenarios.TRANSPORTS, help='may be given again')
    parser.add_argument('--size', type=int, action='append', help='octets; may be given again')
    parser.add_argument('--only', action='append', choices=list(contestants.BY_NAME), metavar='CONTESTANT',
                        help='may be given again; ' + ', '.join(contestants.BY_NAME))
    parser.add_argument('--quick', action='store_true', help='one short round of a few sizes, no system calls: does it work?')
    parser.add_argument('--full', action='store_true', help='all sizes of all scenarios')
    parser.add_argument('--kept', metavar='NAME', help='all that bench/README.md shows, kept as with --name, and its tables and plots')
    parser.add_argument('--minutes', type=float, default=12, help='of a run with --kept, about (12)')
    parser.add_argument('--no-calls', action='store_true', help='does not count system calls')
    parser.add_argument('--name', help='keeps the results in bench/results/DATE-NAME.json')
    parser.add_argument('--note', help='what a reader of the results should know: what else ran')
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.milliseconds, options.no_calls = 1, 50, True
    if options.kept is not None:
        options.rounds, options.milliseconds, options.name = KEPT_ROUNDS, 100, options.kept
    return options


def names_of(case, options):
    names = contestants.of_case(options.build, *case[:2], options.only)
    left_out = scenarios.NOT_HEAVY if options.kept is not None and case[0].heavy else ()
    return [name for name in names if name not in left_out]


def sizes_of(scenario, options):
    if options.quick:
        return scenario.quick_sizes
    if options.kept is not None and scenario.kept_sizes is not None:
        return scenario.kept_sizes
    if options.kept is not None:
        return scenario.full_sizes or scenario.sizes
    if options.full or scenario.name in (options.scenario or ()):
        return scenario.full_sizes or scenario.sizes
    return scenario.sizes


def cases_of(options):
    for scenario in scenarios.SCENARIOS:
        if options.scenario and scenario.name not in options.scenario:
            continue
        if options.kept is not None and not scenario.heavy:
            scenario = scenario._replace(timeout=min(scenario.timeout, KEPT_TIMEOUT))
        for transport in scenario.transports:
            if options.transport is not None and transport not in options.transport:
                continue
            for size in sizes_of(scenario, options):
                if not options.size or size in options.size:
                    yield scenario, transport, size


def libraries(results, options):
    """Each contestant's own name, or why it is absent."""
    for contestant in contestants.CONTESTANTS:
        if options.only and contestant.name not in options.only:
            continue
        names = [by_name[contestant.name][0]['library'] for by_name in results.of.values()
                 if by_name.get(contestant.name)]
        why = contestants.absent(options.build, contestant.name, scenarios.SCENARIOS)
        failed = any(contestant.name in by_name for by_name in results.failed.values())
        why = why or ('it failed in each case' if failed else 'no case of this run is for it')
        yield contestant.name, {'library': names[0]} if names else {'absent': why}


def main():
    options = options_of()
    results = Results(list(cases_of(options)), options)
    end = time.monotonic() + 60 * options.minutes
    started, load = time.time(), [os.getloadavg()[0]]
    uncounted = 'not counted in this run' if options.no_calls else strace_works()
    with tempfile.TemporaryDirectory() as folder:
        if not uncounted:
            run_counts(results, options, folder)
        rounds = run_rounds(results, options, folder, load, end)
    date = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    kept = {'date': date, 'name': options.name, 'revision': revision(), 'processor': cpu_model(),
            'processors': os.cpu_count(), 'machine': platform.machine(), 'linux': platform.release(),
            'load': [round(value, 1) for value in load], 'rounds': rounds,
            'milliseconds': options.milliseconds, 'seconds': round(time.time() - started),
            'heavy': HEAVY if options.kept is not None else None, 'note': options.note, 'calls': uncounted or 'by strace, in runs of their own',
            'contestants': dict(libraries(results, options)), 'rows': list(results.json())}
    path = f'bench/results/{date}-{options.name}.json' if options.name else f'{options.build}/results.json'
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as file:
        report.write(kept, file)
    print('\n'.join(report.whole(kept)))
    print(f'\nKept in {path}.')
    if options.kept is not None:
        report.publish([path], 'bench/plots', 'bench/README.md')
    for failure in results.ours_failed:
        print(f'bench: {failure}', file=sys.stderr)
    return 1 if results.ours_failed else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except Failed as error:
        sys.exit(f'bench: {error}')
