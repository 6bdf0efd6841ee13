"""What is measured: one Scenario a row. A new one is a C source against adapter.h and a row of SCENARIOS.

A scenario's programs are called PROGRAM-CONTESTANT and started as `PROGRAM-CONTESTANT bind|connect|both
ENDPOINT SIZE MILLISECONDS [ARGUMENT ...]`; instead of MILLISECONDS, COUNTx asks for so many messages. They
print one figure a line, its name and its value (bench.h). Every scenario's two sides print cpu_seconds, and
who dials prints messages.
"""
from typing import NamedTuple


class Figure(NamedTuple):
    """One number of a run. 'rate' is made here: messages a second of the receiver's time; any other is a line
    that one of the two sides prints."""
    key: str
    unit: str
    more: bool = False  # more is better


class Scenario(NamedTuple):
    name: str
    program: str
    title: str  # of one message, so that "CPU us" and "calls" say of what
    figures: tuple
    transports: tuple
    sizes: tuple
    quick_sizes: tuple
    counted: int  # messages of the shorter of two runs whose system calls are counted; 0: they are not
    arguments: tuple = ()
    same_count: bool = True  # both sides print messages, and they must be equal
    full_sizes: tuple = ()  # of a run with --full; empty: as |sizes|
    kept_sizes: tuple = None  # of a run with --kept; None: as those with --full
    heavy: bool = False  # a run takes seconds, whatever time it is given: with --kept in two rounds, and not of those in NOT_HEAVY
    who: tuple = ()  # the contestants that it is for; empty: all that have its program
    timeout: int = 30  # seconds


TRANSPORTS = ('tcp', 'ipc', 'inproc')
FULL_SIZES = (1, 16, 64, 256, 1024, 4096, 65536, 262144, 1048576)
CURVE_SIZES = (64, 1024, 65536)
SIZES = (16, 64, 256, 1024, 4096, 65536, 262144, 1048576)
NOT_HEAVY = ('current',)
KEPT_SIZES = (16, 64, 256, 1024, 4096, 65536, 1048576)
RATE = Figure('rate', 'messages/s', more=True)
P50 = Figure('p50_us', 'round trip p50, us')
P99 = Figure('p99_us', 'round trip p99, us')
P999 = Figure('p999_us', 'round trip p99.9, us')
SPIN = ('spin', 'dropin-spin')


def of(what, *figures):
    """Figures of a scenario that others have as well: their names tell whose they are."""
    return tuple(figure._replace(unit=f'{what}: {figure.unit}') for figure in figures)


ZMQ = ('zmtp', 'dropin', 'libzmq', 'current')  # those that speak ZMTP and its CURVE by this adapter


def fanout(count):
    return Scenario('fanout' if count == 64 else f'fanout-{count}', 'fanout', f'delivery to one of {count}',
                    of(f'PUB to {count}', Figure('rate', 'deliveries/s', more=True),
                       Figure('publisher_ns', 'the publisher\'s CPU ns a delivery')), ('tcp', 'ipc'),
                    (64, 1024, 65536) if count == 64 else (64,), (64,) if count == 64 else (), 1000 if count == 64 else 0,
                    (str(count),), full_sizes=(64, 1024, 65536) if count < 1000 else (64,), heavy=count >= 1000, timeout=90)


def connections(count, curve=False):
    return Scenario(f'connections-{"curve-" if curve else ""}{count}', 'connections',
                    f'connection of {count}' + (' under CURVE' if curve else ''),
                    of(f'{count} peers' + (', CURVE' if curve else ''), Figure('rate', 'connections/s', more=True),
                       Figure('server_us', 'the ROUTER\'s CPU us a connection'),
                       Figure('resident', 'octets that an idle connection keeps resident'),
                       Figure('p50_us', 'round trip of a busy peer alone, us'),
                       Figure('among_us', 'the same among the idle ones, us'),
                       Figure('among_percent', 'the latter in percent of the former')),
                    ('tcp',), (64,) if count == 100 else (), (), 0, (str(count), *(('curve',) if curve else ())),
                    same_count=False, full_sizes=(64,), kept_sizes=() if count == 1 or curve and count == 100 else (64,),
                    heavy=True, who=ZMQ, timeout=120)


def topics(count, forward=False):
    return Scenario(f'topics-{"forward-" if forward else ""}{count}', 'topics',
                    f'subscription of {count}' + (', by XSUB to XPUB' if forward else ''),
                    of(f'{count} topics' + (' to an XPUB' if forward else ''),
                       Figure('rate', 'subscriptions/s', more=True),
                       Figure('publisher_ns', 'the publisher\'s CPU ns a subscription'),
                       Figure('resident', 'the publisher\'s memory, times the topics\' octets'),
                       Figure('subscriber_resident', 'the subscriber\'s memory, times the topics\' octets'),
                       Figure('unwanted_ns', 'CPU ns of a message that nobody wants')),
                    ('tcp',), (32,) if count == 1000 else (), (), 0, (str(count), *(('forward',) if forward else ())),
                    same_count=False, full_sizes=(32,), kept_sizes=() if count == 1 else (32,), heavy=True, who=ZMQ, timeout=120)


def crowd(count):
    return Scenario(f'crowd-{count}', 'crowd', f'round trip of {count} peers',
                    of(f'ROUTER that answers {count} peers, 100 outstanding each',
                       Figure('rate', 'round trips/s', more=True), Figure('server_ns', 'the ROUTER\'s CPU ns a round trip')),
                    ('tcp',), (64,), (), 0, (str(count), '100'), full_sizes=(64, 1024), who=ZMQ, timeout=60)


SCENARIOS = (
    Scenario('throughput', 'throughput', 'message', (RATE,), TRANSPORTS, SIZES, (64, 65536), 8000,
             full_sizes=FULL_SIZES, kept_sizes=KEPT_SIZES),
    Scenario('push', 'throughput', 'message, PUSH to PULL', of('PUSH to PULL', RATE), TRANSPORTS, (64, 65536), (), 0, ('push',),
             full_sizes=FULL_SIZES, kept_sizes=CURVE_SIZES, who=ZMQ + ('raw', 'uv')),
    Scenario('curve', 'throughput', 'message under CURVE', of('CURVE', RATE), ('tcp',), CURVE_SIZES, (64,), 20000, ('curve',),
             who=ZMQ),
    Scenario('latency', 'latency', 'round trip', (P50, P99, P999), TRANSPORTS, SIZES, (64, 65536), 1000,
             same_count=False, full_sizes=FULL_SIZES, kept_sizes=KEPT_SIZES),
    Scenario('curve-latency', 'latency', 'round trip under CURVE', of('CURVE', P50, P99, P999), ('tcp',), CURVE_SIZES, (), 1000,
             ('curve',), same_count=False, who=ZMQ),
    Scenario('pipelined', 'pipelined', 'round trip of 100 at a time',
             of('100 outstanding', Figure('rate', 'round trips/s', more=True), P50, P99, P999), ('tcp', 'ipc'),
             (64, 1024), (64,), 20000, ('100',), same_count=False, full_sizes=(64, 1024, 4096, 65536),
             who=ZMQ + SPIN + ('raw', 'uv')),
    *map(crowd, (4, 64)),
    *map(fanout, (1, 8, 64, 1000)),
    *map(connections, (1, 100, 10000)), connections(100, curve=True), connections(10000, curve=True),
    *map(topics, (1, 1000, 10000, 100000, 1000000)), topics(100000, forward=True),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def name_of(size):
    for unit, factor in (('MiB', 1 << 20), ('KiB', 1 << 10)):
        if size >= factor:
            return f'{size // factor} {unit}'
    return f'{size} B'


def alike():
    """Names of figures that two scenarios have, which a reader of a table could not tell apart: there are none."""
    names = [figure.unit for scenario in SCENARIOS for figure in scenario.figures]
    return sorted({name for name in names if names.count(name) > 1})
