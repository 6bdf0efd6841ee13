"""The campaign's result as one table."""
import re

MARKS = {'passed': '🟩', 'failed': '🟥', 'fault': '🟧', 'missing': '⬜'}
PLACES = [('tcp', 'bind'), ('tcp', 'connect'), ('ipc', 'bind'), ('ipc', 'connect')]


class Fault:
    """A fault of a library that is known: what it is seen by, and what is behind it. |when|: always;
    sometimes, so that it is worth to try again; or empties: without empty parts all must be well."""

    def __init__(self, library, cells, seen, when, text):
        self.library, self.when, self.text = library, when, text
        self.cells, self.seen = re.compile(cells), re.compile(seen)

    def matches(self, row):
        name = f'{row["pair"]} {row["mechanism"]} {row["transport"]} {row["we"]}'
        return (row['result'] == 'failed' and re.fullmatch(self.library, row['library']) and
                self.cells.fullmatch(name) and self.seen.search(row['reason']))


def known_faults(path):
    with open(path, encoding='utf-8') as lines:
        return [Fault(*line.rstrip('\n').split('\t')) for line in lines
                if line.strip() and not line.startswith('#')]


def find_fault(row, faults):
    """The first fault that may be behind a failure; the more special ones come first in the file."""
    return next((fault for fault in faults if fault.matches(row)), None)


def judge(row, faults):
    """A failure that is known to be the peer's own is shown as that, and never as passed."""
    fault = find_fault(row, faults)
    if not fault or (fault.when == 'empties' and row['without_empty_parts'] != 'passed'):
        return row
    return row | {'result': 'fault', 'reason': fault.text, 'seen': row['reason']}


def cell_text(rows):
    """One mark, or one for each place where the conversation was held."""
    marks = [MARKS[rows[place]['result']] for place in PLACES if place in rows]
    return marks[0] if len(set(marks)) == 1 else ''.join(marks)


def plain(reason):
    """Without what is another each time, so that the same reasons come together."""
    return re.sub(r'(tcp|ipc)://[^\s"]+|/tmp/[^\s"]+|\b\d+ failed', '...', reason)


def notes(rows):
    """Why cells are not green: each reason once, with the conversations that it is about."""
    out = {}
    for row in rows:
        if row['result'] != 'passed':
            spared = row['without_empty_parts'] == 'passed'
            reason = plain(row['reason']) + (' (all is well without empty parts)' if spared else '')
            about = out.setdefault((row['version'], row['result'], reason), {})
            about.setdefault(row['pair'], []).append(f'{row["mechanism"]} {row["transport"]} {row["we"]}')
    everything = {}
    for row in rows:
        everything.setdefault((row['version'], row['mechanism'], row['transport']), set()).add(row['pair'])
    for (version, result, reason), about in out.items():
        places = sorted({place for some in about.values() for place in some})
        where = f' ({", ".join(places)})' if len(places) <= 4 else ''
        whole = any(key[0] == version and pairs <= set(about) for key, pairs in everything.items())
        yield f'- {MARKS[result]} {version}: {reason}: {"all" if whole else ", ".join(about)}{where}'


def markdown(rows):
    pairs = list(dict.fromkeys(row['pair'] for row in rows))
    grid = {}
    for row in rows:
        line = grid.setdefault((row['version'], row['mechanism']), {})
        line.setdefault(row['pair'], {})[row['transport'], row['we']] = row
    lines = ['| library | mechanism | ' + ' | '.join(pair.replace('/', '/ ') for pair in pairs) + ' |',
             '|---' * (len(pairs) + 2) + '|']
    for (version, mechanism), line in grid.items():
        lines.append(f'| {version} | {mechanism} | ' + ' | '.join(
            cell_text(line[pair]) if pair in line else '' for pair in pairs) + ' |')
    return '\n'.join(lines + [''] + list(notes(rows))) + '\n'
