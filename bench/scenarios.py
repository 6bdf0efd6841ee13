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


TRANSPORTS = ('tcp', 'ipc', 'inproc')
SIZES = (16, 64, 256, 1024, 4096, 65536, 262144, 1048576)
RATE = Figure('rate', 'messages/s', more=True)
P50 = Figure('p50_us', 'round trip p50, us')
P99 = Figure('p99_us', 'round trip p99, us')

SCENARIOS = (
    Scenario('throughput', 'throughput', 'message', (RATE,), TRANSPORTS, SIZES, (64, 65536), 8000),
    Scenario('latency', 'latency', 'round trip', (P50, P99), TRANSPORTS, SIZES, (64, 65536), 1000,
             same_count=False),
    Scenario('fanout', 'fanout', 'delivery to one of 64', (Figure('rate', 'PUB to 64, deliveries/s', more=True),),
             ('tcp', 'ipc'), (64, 1024, 65536), (64,), 1000),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def name_of(size):
    for unit, factor in (('MiB', 1 << 20), ('KiB', 1 << 10)):
        if size >= factor:
            return f'{size // factor} {unit}'
    return f'{size} B'
