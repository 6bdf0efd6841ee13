"""The campaign's result as one table."""
import re

MARKS = {'passed': '🟩', 'failed': '🟥', 'fault': '🟧', 'missing': '⬜'}
PLACES = [('tcp', 'bind'), ('tcp', 'connect'), ('ipc', 'bind'), ('ipc', 'connect')]


class Fault:
    """A fault of a library that is known: what it is seen by, and what is behind it. One that is met only
    |sometimes| is no reason not to try again."""

    def __init__(self, library, cells, seen, when, text):
        self.library, self.text, self.sometimes = library, text, when == 'sometimes'
        self.cells, self.seen = re.compile(cells), re.compile(seen)

    def explains(self, row):
        name = f'{row["pair"]} {row["mechanism"]} {row["transport"]} {row["we"]}'
        return (row['result'] == 'failed' and re.fullmatch(self.library, row['library']) and
                self.cells.fullmatch(name) and self.seen.search(row['reason']))


def known_faults(path):
    with open(path, encoding='utf-8') as lines:
        return [Fault(*line.rstrip('\n').split('\t')) for line in lines
                if line.strip() and not line.startswith('#')]


def judge(row, faults):
    """A failure that is known to be the peer's own is shown as that, and never as passed."""
    for fault in faults:
        if fault.explains(row):
            return row | {'result': 'fault', 'reason': fault.text, 'seen': row['reason']}
    return row


def cell_text(rows):
    """One mark, or one for each place where the conversation was held."""
    marks = [MARKS[rows[place]['result']] for place in PLACES if place in rows]
    return marks[0] if len(set(marks)) == 1 else ''.join(marks)


def notes(rows):
    """Why cells are not green: each reason once, with the conversations that it is about."""
    out = {}
    for row in rows:
        if row['result'] != 'passed':
            spared = row['result'] != 'missing' and row['without_empty_parts'] == 'passed'
            reason = row['reason'] + (' (passes without empty parts)' if spared else '')
            about = out.setdefault((row['version'], row['result'], reason), {})
            about.setdefault(row['pair'], []).append(f'{row["mechanism"]} {row["transport"]} {row["we"]}')
    for (version, result, reason), about in out.items():
        places = sorted({place for some in about.values() for place in some})
        where = '' if len(places) > 4 else f' ({", ".join(places)})'
        yield f'- {MARKS[result]} {version}: {reason}: {", ".join(about)}{where}'


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
