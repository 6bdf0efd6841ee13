"""Who is measured, and why one of them is not here or not in a row."""
import os
from typing import NamedTuple

PEERS = 'make bench-peers fetches and builds it'


class Contestant(NamedTuple):
    name: str  # as in the programs' names
    title: str
    missing: str  # what to do when no program of it is built
    threads: bool = True  # has inproc between threads
    ours: bool = False  # a failure of it ends the run
    limits: dict = {}  # scenario: why it is not in it
    programs_of: str = ''  # whose programs it runs; empty: its own
    environment: dict = {}  # with what more in their environment
    only: tuple = ()  # scenarios' programs that it is for; empty: all


SPIN = {'environment': {'ZMTP_SPIN_US': '50'}, 'only': ('latency', 'pipelined')}
CONTESTANTS = (
    Contestant('zmtp', 'libzmtp', 'make bench builds it', ours=True),
    Contestant('dropin', 'drop-in', 'make bench builds it', ours=True),
    # A look for 50 us before a sleep, where it has been worth it lately.
    Contestant('spin', 'libzmtp, spin', 'make bench builds it', ours=True, programs_of='zmtp', **SPIN),
    Contestant('dropin-spin', 'drop-in, spin', 'make bench builds it', ours=True, programs_of='dropin', **SPIN),
    Contestant('libzmq', 'libzmq', 'libzmq3-dev'),
    Contestant('current', 'libzmq, current', PEERS),
    Contestant('nng', 'nng', 'libnng-dev',
               limits={'fanout': 'its PUB drops what a subscriber has no room for and cannot be told to wait'}),
    Contestant('zeromq', 'zmq.rs', PEERS, threads=False),
    Contestant('rzmq', 'rzmq', PEERS, threads=False),
    Contestant('omq', 'omq', PEERS, threads=False),
    Contestant('monocoque', 'monocoque', 'the registry\'s crate of that name is another program', threads=False),
    Contestant('uv', 'libuv stream', 'make bench builds it', threads=False),
    Contestant('raw', 'ceiling', 'make bench builds it', threads=False),
)
BY_NAME = {contestant.name: contestant for contestant in CONTESTANTS}


def program(build, scenario, name):
    return f'{build}/{scenario.program}-{BY_NAME[name].programs_of or name}'


def absent(build, name, scenarios):
    """Why a contestant is in no row, or None."""
    if any(os.path.exists(program(build, scenario, name)) for scenario in scenarios):
        return None
    try:
        with open(f'{build}/{name}.reason') as file:
            return file.read().strip()
    except FileNotFoundError:
        return f'not here: {BY_NAME[name].missing}'


def of_case(build, scenario, transport, wanted):
    """The names of those that can run a case, in the tables' order."""
    return [c.name for c in CONTESTANTS
            if (not wanted or c.name in wanted) and (transport != 'inproc' or c.threads)
            and (not scenario.who or c.name in scenario.who) and (not c.only or scenario.program in c.only) and os.path.exists(program(build, scenario, c.name))]
