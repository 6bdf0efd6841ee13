#!/usr/bin/python3
"""Every type of socket in conversation with every library that speaks ZMTP: `make interop`.

Each cell of the table is one conversation, between our peer program and a library's: a pair of types, a
mechanism, a transport, and who binds. README.md says how to read the table and how to add a library.
"""
import argparse
import itertools
import json
import os
import queue
import sys
import tempfile
import threading
import time

import table
from conversations import PAIRS, plan
from libraries import HERE, LIBRARIES, Unbuildable
from line import Failed, Missing, Side

BUILD = os.environ.get('O', 'build')
OURS = os.path.join(BUILD, 'test/interop/line_peer')
MECHANISMS = ['NULL', 'PLAIN', 'CURVE']
TRANSPORTS = ['tcp', 'ipc', 'ws']
ROLES = ['bind', 'connect']  # of our side
ATTEMPTS = 6  # where a fault of the peer comes and goes
REFERENCES = ['libzmq-debian', 'zeromq.js']
# Keys for tests, which are no secret: public and secret of a server and of a client.
SERVER = 'rWkJDq*%H-zq!}R}VVaLkAeS>co8e4Md4z}eL!!}', 'gsy$TW2.d.yx3bZB(B)YC!m//Bz]B=lGT6N*-{XX'
CLIENT = '-e%]=ChfCyshqc{5jQ0lq&z+T}@ur&y$afe9U}uR', 'AX25^eP?<%B2cYo1MXxPHpG8zm.U7}J]]j>7{5Uc'


def security(mechanism, server):
    """The words by which a socket is opened."""
    if mechanism == 'NULL':
        return 'null'
    if mechanism == 'PLAIN':
        return f'plain-{"server" if server else "client"} admin secret'
    if server:
        return ' '.join(['curve-server', *SERVER, CLIENT[0]])
    return ' '.join(['curve-client', *CLIENT, SERVER[0]])


class Cell:
    """One conversation that the table wants to know of."""

    def __init__(self, library, pair, label, ours, mechanism, transport, role):
        self.library, self.pair, self.label, self.ours = library, pair, label, ours
        self.mechanism, self.transport, self.role = mechanism, transport, role
        self.result, self.reason, self.seconds = None, '', 0.0
        self.attempts, self.earlier = 1, []  # failures that were tried again
        self.reference = self.sparing = ''  # after a failure: see Campaign.hold

    def name(self):
        return f'{self.label} {self.mechanism} {self.transport} {self.role}'

    def as_json(self, version):
        return {'library': self.library.name, 'version': version, 'pair': self.label,
                'mechanism': self.mechanism, 'transport': self.transport, 'we': self.role,
                'result': self.result, 'reason': self.reason, 'attempts': self.attempts,
                'earlier': self.earlier, 'reference': self.reference,
                'without_empty_parts': self.sparing,
                'seconds': round(self.seconds, 2)}


class Programs:
    """The running peer programs of one worker; those that did well are used again."""

    def __init__(self, commands, log):
        self.commands, self.log = commands, log
        self.idle = {}

    def take(self, name):
        if self.idle.get(name):
            return self.idle[name].pop()
        return Side(name, self.commands[name], self.log)

    def give(self, side):
        self.idle.setdefault(side.name, []).append(side)

    def end(self):
        for side in itertools.chain(*self.idle.values()):
            side.kill()


class Meeting:
    """The two sides of a cell. |a| and |b| are the pair's first and second type. |us| is the program in our
    place: ours, or another library's."""

    def __init__(self, cell, programs, folder, us, empties):
        self.cell, self.programs, self.folder, self.us = cell, programs, folder, us
        self.empties = empties
        self.we_bind = cell.role == 'bind'
        self.kinds = cell.pair.kinds
        self.sides = []
        self.ours = self.theirs = self.endpoint = None

    # Which of the two is ours is the cell's matter, and does not change when one of them restarts.
    def side_of(self, letter):
        return self.ours if (self.cell.ours == letter) != self.swapped else self.theirs

    swapped = False
    a = property(lambda self: self.side_of('a'))
    b = property(lambda self: self.side_of('b'))

    @property
    def a_binds(self):
        return (self.a is self.ours) == self.we_bind

    def swap(self):
        self.swapped = not self.swapped

    def plan(self, parts_max, salt):
        return plan(parts_max, salt, self.empties)

    def start(self, name):
        side = self.programs.take(name)
        self.sides.append(side)
        return side

    def fresh(self):
        if self.cell.transport == 'ipc':
            return 'ipc://' + tempfile.mktemp(dir=self.folder)
        return f'{self.cell.transport}://127.0.0.1:*'

    def prepare(self, side, kind, ours, option=None):
        binds = ours == self.we_bind
        side.do(*([option] if option else []),
                f'open {kind} {security(self.cell.mechanism, binds != self.cell.pair.reverse)}')

    def open(self, side):
        letter = 'a' if (side is self.ours) == (self.cell.ours == 'a') else 'b'
        index = 'ab'.index(letter)
        self.prepare(side, self.kinds[index], side is self.ours, self.cell.pair.options[index])

    def meet(self):
        """Opens and connects the two."""
        self.theirs = self.start(self.cell.library.name)
        if self.cell.pair.restart == 'ours' and self.we_bind:
            self.theirs.do('option reconnect')
        self.open(self.theirs)
        self.ours = self.start(self.us)
        self.open(self.ours)
        self.endpoint = self.join(self.ours, self.theirs, self.fresh())

    def join(self, ours, theirs, endpoint):
        binder, dialler = (ours, theirs) if self.we_bind else (theirs, ours)
        endpoint = binder.do(f'bind {endpoint}')
        dialler.do(f'connect {endpoint}')
        return endpoint

    def another(self, our_kind, their_kind):
        """Two more sides, connected with each other."""
        ours, theirs = self.start(self.us), self.start(self.cell.library.name)
        self.prepare(ours, our_kind, True)
        self.prepare(theirs, their_kind, False)
        self.join(ours, theirs, self.fresh())
        return ours, theirs

    def restart(self):
        """Kills the side of the pair that is to restart, starts it anew, and returns it."""
        ours = self.cell.pair.restart == 'ours'
        old = self.ours if ours else self.theirs
        old.kill()
        self.sides.remove(old)
        new = self.start(old.name)
        self.ours, self.theirs = (new, self.theirs) if ours else (self.ours, new)
        self.open(new)
        if ours != self.we_bind:
            new.do(f'connect {self.endpoint}')
            return new
        end = time.monotonic() + 10
        while True:
            try:
                new.do(f'bind {self.endpoint}')
                return new
            except Failed:  # the system has not let go of it yet
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def close(self):
        """After a good end the programs are used again."""
        for side in self.sides:
            side.do('close')
        while self.sides:
            self.programs.give(self.sides.pop())

    def kill(self):
        while self.sides:
            self.sides.pop().kill()


def converse(cell, programs, folder, us='ours', empties=True):
    """Holds the conversation and returns its result and, unless it passed, the reason."""
    meeting = Meeting(cell, programs, folder, us, empties)
    try:
        meeting.meet()
        cell.pair.run(meeting)
        meeting.close()
        return 'passed', ''
    except Missing as e:
        return 'missing', str(e)
    except Failed as e:
        return 'failed', str(e)
    except Exception as e:  # a mistake of this program is a failure too, not the campaign's end
        return 'failed', f'{type(e).__name__}: {e}'
    finally:
        meeting.kill()


class Campaign:
    def __init__(self, options):
        self.options = options
        self.folder = os.path.join(BUILD, 'interop')
        os.makedirs(self.folder, exist_ok=True)
        self.commands = {'ours': [OURS]}
        self.faults = table.known_faults(os.path.join(HERE, 'faults.tsv'))
        self.versions, self.trouble = {}, {}
        self.lock, self.done = threading.Lock(), 0

    def prepare(self, library):
        """Installs a library and asks its peer what it is; without it the others go on."""
        try:
            print(f'# {library.name}: installing', flush=True)
            self.commands[library.name] = library.command(self.folder)
            side = Side(library.name, self.commands[library.name], os.path.join(self.folder, 'start.log'))
            try:
                self.versions[library.name] = side.do('version')
            finally:
                side.kill()
            print(f'# {library.name}: {self.versions[library.name]}', flush=True)
        except (Unbuildable, Failed, OSError) as e:
            self.trouble[library.name] = f'not run: {e}'
            self.versions[library.name] = library.name
            print(f'# {library.name}: {self.trouble[library.name]}', flush=True)

    def our_version(self):
        side = Side('ours', self.commands['ours'], os.devnull)
        try:
            return side.do('version')
        finally:
            side.kill()

    def cells(self):
        o = self.options
        for library, mechanism, pair in itertools.product(LIBRARIES, MECHANISMS, PAIRS):
            if pair.reverse and mechanism == 'NULL':
                continue  # it has no client and no server
            for (label, ours), transport, role in itertools.product(pair.columns(), TRANSPORTS, ROLES):
                cell = Cell(library, pair, label, ours, mechanism, transport, role)
                if o.only in f'{library.name} {cell.name()}' and (not o.library or library.name in o.library):
                    yield cell

    def work(self, waiting, total, number):
        log = os.path.join(self.folder, f'worker-{number}.log')
        programs, last = Programs(self.commands, log), None
        with tempfile.TemporaryDirectory() as folder:
            while True:
                try:
                    cell = waiting.get_nowait()
                except queue.Empty:
                    break
                if last not in (None, cell.library.name):
                    programs.end()
                    programs.idle.clear()
                last = cell.library.name
                if last in self.trouble:
                    cell.result, cell.reason = 'failed', self.trouble[last]
                else:
                    self.hold(cell, programs, folder)
                self.tell(cell, total)
            programs.end()

    def hold(self, cell, programs, folder):
        started = time.monotonic()
        fault = None
        for cell.attempts in range(1, ATTEMPTS + 1):
            cell.result, cell.reason = converse(cell, programs, folder)
            fault = table.find_fault(cell.as_json(''), self.faults)
            if not fault or fault.when != 'sometimes':
                break
            cell.earlier.append(cell.reason)
        cell.seconds = time.monotonic() - started
        # For whoever judges a failure: how we fare without empty parts, and how others in our place.
        if cell.result == 'failed' and (not fault or fault.when == 'empties'):
            cell.sparing, _ = converse(cell, programs, folder, empties=False)
        for name in REFERENCES if cell.result == 'failed' and not fault else []:
            result, why = converse(cell, programs, folder, name) if name in self.commands else ('missing', '')
            if result != 'missing':
                cell.reference = f'{name} in our place: {result}{": " if why else ""}{why}'
                break

    def tell(self, cell, total):
        with self.lock:
            self.done += 1
            result = table.judge(cell.as_json(''), self.faults)['result']
            if result == 'failed' or self.options.verbose:
                after = f'; without empty parts {cell.sparing}; {cell.reference}' if cell.sparing else ''
                print(f'{result} - {cell.library.name} {cell.name()}: {cell.reason} '
                      f'({cell.seconds:.1f} s){after}', flush=True)
            if self.done % 100 == 0:
                print(f'# {self.done} of {total}', flush=True)

    def run(self):
        cells = list(self.cells())
        for library in LIBRARIES:
            if library.name in REFERENCES or any(cell.library is library for cell in cells):
                self.prepare(library)
        waiting = queue.Queue()
        for cell in cells:
            waiting.put(cell)
        workers = [threading.Thread(target=self.work, args=(waiting, len(cells), n))
                   for n in range(self.options.jobs)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return cells


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--library', action='append', help='only this one; may be given again')
    parser.add_argument('--only', default='', help='only cells with this in their name: "PUB/SUB CURVE tcp"')
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--json', help='writes all cells to this file')
    parser.add_argument('--markdown', help='writes the table to this file too')
    parser.add_argument('--readme', action='store_true', help='puts the table at the end of README.md')
    parser.add_argument('--verbose', action='store_true', help='tells of every cell, not only of failed ones')
    options = parser.parse_args()
    campaign = Campaign(options)
    cells = campaign.run()
    rows = [table.judge(cell.as_json(campaign.versions[cell.library.name]), campaign.faults)
            for cell in cells]
    text = table.markdown(rows)
    if options.json:
        with open(options.json, 'w', encoding='utf-8') as out:
            json.dump({'date': time.strftime('%Y-%m-%d'), 'cells': rows}, out, indent=1)
    if options.markdown:
        with open(options.markdown, 'w', encoding='utf-8') as out:
            out.write(text)
    if options.readme:
        table.keep(os.path.join(HERE, 'README.md'), f'{time.strftime("%Y-%m-%d")}, with {campaign.our_version()}.', text)
    print(text)
    counts = {word: sum(row['result'] == word for row in rows)
              for word in ('passed', 'failed', 'fault', 'missing')}
    print(f'# {counts["fault"]} conversations meet a fault of the peer, {counts["missing"]} it cannot have')
    print(f'{counts["passed"]} passed, {counts["failed"]} failed')
    return 1 if counts['failed'] or not counts['passed'] else 0


if __name__ == '__main__':
    sys.exit(main())
