#!/usr/bin/python3
"""Measures captures: gardend and gardenctl as a user starts them, by the clock, on the disk of --folder.

Cases: one stream of 64 channels of f32 at 192 kHz (49 MB/s) in chunks of two sizes; the same from numbered
samples, which the callback has to convert; and four streams at once. Of each are told the frames offered,
captured and lost, how long the audio callback took (measured around each call of it, on the thread that
plays), what the processes' time was, and what was left to seal when the stream stopped. Every manifest is
verified. Beside that the ceilings: plain writing, hashing, and both one after the other, by bench/ceiling.c.

Prints Markdown, writes BUILD/capture.json. The exit status is 1 when a manifest is wrong, when captured and
lost are not what was offered, or when something was lost and --lossless was given.
"""
import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time

BIG = 'noise:64,192000'
CASES = {  # the sources, octets of a chunk, the format
    'one stream, 64 channels, 8 MiB chunks': ([BIG], 8 << 20, None),
    'one stream, 64 channels, 1 MiB chunks': ([BIG], 1 << 20, None),
    'one stream, 64 channels, converted from s32': (['counter:64,192000'], 8 << 20, 'f32_le'),
    'four streams: 16 channels each': (['noise:16,192000'] * 4, 4 << 20, None),
}
PATIENCE = 120
PARTS = [f'{own}{part}_ns' for own in ('', 'own_') for part in ('p50', 'p99', 'p999', 'max')]  # of the callback's times


def ticks_of(pid):
    with open(f'/proc/{pid}/stat', encoding='ascii') as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class Bench:
    def __init__(self, options):
        self.bin = options.bin
        self.options = options
        self.folder = tempfile.mkdtemp(prefix='capture.', dir=options.folder)
        self.store = os.path.join(self.folder, 'store')
        self.run = os.path.join(self.folder, 'run')

    def ctl(self, *words):
        return [f'{self.bin}/gardenctl', '--connection', f'{self.run}/connection.json', '--timeout', '20000', *words]

    def start(self, sources):
        shutil.rmtree(self.store, ignore_errors=True)
        os.makedirs(f'{self.store}/staging')
        os.makedirs(self.run, mode=0o700, exist_ok=True)
        ready, write = os.pipe()
        words = [word for number, source in enumerate(sources) for word in ('--source', f's{number}={source}')]
        daemon = subprocess.Popen(
            [f'{self.bin}/gardend', '--run-dir', self.run, '--staging', f'{self.store}/staging', '--log-level',
             'warning', '--ring-ms', str(self.options.ring_ms), '--ready-fd', str(write), *words],
            pass_fds=(write,), stdin=subprocess.DEVNULL)
        os.close(write)
        if not os.read(ready, 10):
            raise RuntimeError('gardend did not start')
        os.close(ready)
        return daemon

    def status(self):
        done = subprocess.run(self.ctl('--json', 'status'), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE, check=True)
        return json.loads(done.stdout)

    def capture(self, count, chunk, sample):
        clients = []
        for number in range(count):
            words = self.ctl('--json', 'capture', '--store', self.store, '--device', f's{number}', '--chunk-bytes',
                             str(chunk), '--seconds', str(self.options.seconds))
            clients.append(subprocess.Popen(words + (['--format', sample] if sample else []),
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True))
        told = []
        for client in clients:
            text = client.communicate(timeout=self.options.seconds * 4 + PATIENCE)[0]
            if client.returncode not in (0, 5):
                raise RuntimeError(f'gardenctl capture ended with {client.returncode}')
            told.append(json.loads(text))
        return told

    def case(self, sources, chunk, sample):
        daemon = self.start(sources)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            captures = self.capture(len(sources), chunk, sample)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            daemon_seconds = ticks_of(daemon.pid)
            status = self.status()
            for each in captures:
                subprocess.run(self.ctl('verify', '--store', self.store, each['manifest']), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, timeout=PATIENCE * 4, check=True)
        finally:
            daemon.terminate()
            daemon.wait(PATIENCE)
        totals = {stream['uri']: stream['totals'] for stream in status['streams']}
        for each in captures:
            told = totals[each['uri']]
            # The daemon goes on a little behind the frame that a capture ends at.
            if not each['captured'] + each['lost'] == each['offered'] <= told['offered'] \
                    or not each['lost'] <= told['overrun'] <= each['lost'] + told['offered'] - each['offered']:
                raise RuntimeError(f'what was captured and lost is not what was offered: {each} {told}')
        times = [source['callback'] for source in status['sources']]
        stream_seconds = self.options.seconds
        return {
            'seconds': stream_seconds,
            'offered': sum(each['offered'] for each in captures),
            'captured': sum(each['captured'] for each in captures),
            'lost': sum(each['lost'] for each in captures),
            'bytes': sum(each['bytes'] for each in captures),
            'chunks': sum(each['chunks'] for each in captures),
            'until_sealed_s': max(each['seconds'] for each in captures),
            'mb_s': sum(each['bytes'] / each['seconds'] for each in captures) / 1e6,
            'callback': {'count': sum(each['count'] for each in times),
                         **{key: max(each[key] for each in times) for key in times[0] if key != 'count'}},
            'daemon_cpu': daemon_seconds / stream_seconds,
            'client_cpu': (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / stream_seconds,
            'load': os.getloadavg()[0],
        }

    def ceiling(self, chunk):
        done = subprocess.run([f'{self.options.build}/ceiling', self.folder, str(self.options.mib), str(chunk)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE * 4, check=True)
        shutil.rmtree(f'{self.folder}/sealed', ignore_errors=True)
        return {line.split()[0]: float(line.split()[1]) for line in done.stdout.splitlines()}


def tables(results, ceilings):
    yield ('| capture | frames offered | lost | MB/s | sealed after | callback us: p50 | p99 | p99.9 | max | of a processor: p50 | '
           'p99 | p99.9 | max | cores: daemon | client |')
    yield '|' + '---|' * 15
    for name, row in results.items():
        times = ' | '.join(f'{row["callback"][key] / 1e3:.1f}' for key in PARTS)
        yield (f'| {name} | {row["offered"]:,} | {row["lost"]:,} | {row["mb_s"]:.1f} | {row["until_sealed_s"]:.1f} s of '
               f'{row["seconds"]} | {times} | {row["daemon_cpu"]:.2f} | {row["client_cpu"]:.2f} |')
    yield ''
    yield '| ceiling, MB/s | write | hash | write, then hash | the store\'s seal | captured / write, then hash |'
    yield '|---|---|---|---|---|---|'
    for chunk, row in ceilings.items():
        best = max([each['mb_s'] for name, each in results.items() if CASES[name][1] == chunk], default=0)
        ratio = f'{best / row["both_mb_s"]:.2f}' if best else '-'
        yield (f'| chunks of {chunk >> 20} MiB | {row["write_mb_s"]:.0f} | {row["hash_mb_s"]:.0f} | {row["both_mb_s"]:.0f} '
               f'| {row["seal_mb_s"]:.0f} ({row["seals_s"]:.1f} chunks/s) | {ratio} |')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', default='build/bench', help='where the ceiling program is')
    parser.add_argument('--bin', default='build/bin', help='where gardend and gardenctl are')
    parser.add_argument('--folder', help='on the disk that is measured')
    parser.add_argument('--seconds', type=int, default=60, help='of each capture')
    parser.add_argument('--ring-ms', type=int, default=4000)
    parser.add_argument('--mib', type=int, default=512, help='octets of each ceiling')
    parser.add_argument('--case', help='only those with this in their names')
    parser.add_argument('--lossless', action='store_true', help='fail when something was lost')
    parser.add_argument('--quick', action='store_true', help='five seconds each')
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.mib = 5, 64
    bench = Bench(options)
    results, ceilings = {}, {}
    try:
        chosen = {name: case for name, case in CASES.items() if not options.case or options.case in name}
        for chunk in sorted({case[1] for case in chosen.values()}):
            ceilings[chunk] = bench.ceiling(chunk)
        for name, case in chosen.items():
            print(name, file=sys.stderr, flush=True)
            results[name] = bench.case(*case)
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)
    machine = f'{os.cpu_count()} processors, {platform.machine()}, Linux {platform.release()}'
    with open(f'{options.build}/capture.json', 'w', encoding='utf-8') as file:
        json.dump({'machine': machine, 'time': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
                   'results': results, 'ceilings': ceilings}, file, indent=1)
    print(f'{machine}\n')
    print('\n'.join(tables(results, ceilings)))
    lost = sum(row['lost'] for row in results.values())
    return 1 if options.lossless and lost else 0


if __name__ == '__main__':
    sys.exit(main())
