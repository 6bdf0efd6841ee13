"""The campaign's result as one table."""
import re

MARKS = {'passed': '🟩', 'failed': '🟥', 'fault': '🟧', 'missing': '⬜'}
DIMENSIONS = 'mechanism', 'transport', 'we'


class Fault:
    """A fault of a library that is known: what it is seen by, and what is behind it. |when|: always;
    sometimes, so that it is tried again, and must go well in the end; or empties: without empty parts
    all must be well."""

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
    if not fault or fault.when == 'sometimes':
        return row
    if fault.when == 'empties' and row['without_empty_parts'] != 'passed':
        return row
    return row | {'result': 'fault', 'reason': fault.text, 'seen': row['reason']}


def plain(reason):
    """Without what is another each time, so that the same reasons come together."""
    return re.sub(r'(tcp|ipc|ws)://[^\s"]+|/tmp/[^\s"]+|\b\d+ failed', '...', reason)


def values(rows, name):
    return list(dict.fromkeys(row[name] for row in rows))


def where(rows, everywhere):
    """The mechanisms, transports and roles of |rows|, but for what is common to all rows of |everywhere|."""
    chosen = [values(rows, name) for name in DIMENSIONS]
    places = {tuple(row[name] for name in DIMENSIONS) for row in rows}
    if len(places) < len(chosen[0]) * len(chosen[1]) * len(chosen[2]):
        return ', '.join(' '.join(place) for place in sorted(places))
    return ' '.join('/'.join(some) for some, name in zip(chosen, DIMENSIONS)
                    if len(some) < len(values(everywhere, name)))


def notes(rows):
    """Why cells are not green: each reason once, with the conversations that it is about."""
    out = {}
    for row in rows:
        if row['result'] != 'passed':
            spared = row['without_empty_parts'] == 'passed'
            reason = plain(row['reason']) + (' (all is well without empty parts)' if spared else '')
            out.setdefault((row['version'], row['result'], reason), []).append(row)
    for (version, result, reason), some in out.items():
        everywhere = [row for row in rows if row['version'] == version]
        pairs, place = values(some, 'pair'), where(some, everywhere)
        all_pairs = len(pairs) > 30 and len(pairs) > len(values(everywhere, 'pair')) - 5
        yield (f'- {MARKS[result]} {version}: {reason}: {"all" if all_pairs else ", ".join(pairs)}'
               f'{" (" if place else ""}{place}{")" if place else ""}')
    for row in rows:
        if row['result'] == 'passed' and row['attempts'] > 1:
            yield (f'- {MARKS["passed"]} {row["version"]}: {row["pair"]} {row["mechanism"]} {row["transport"]} '
                   f'{row["we"]} took {row["attempts"]} attempts, for a fault that comes and goes')


def cell_text(rows):
    """One mark, or one where we bind and one where they do."""
    marks = [MARKS[row['result']] for row in rows]
    return marks[0] if len(set(marks)) == 1 else ''.join(marks)


def markdown(rows):
    pairs = values(rows, 'pair')
    grid = {}
    for row in rows:
        line = grid.setdefault((row['version'], row['mechanism']), {}).setdefault(row['transport'], {})
        line.setdefault(row['pair'], []).append(row)
    lines = ['| library | mechanism | transport | ' + ' | '.join(pair.replace('/', '/ ') for pair in pairs) + ' |',
             '|---' * (len(pairs) + 3) + '|']
    for (version, mechanism), transports in grid.items():
        same = {}  # transports over which all went alike share a line
        for transport, line in transports.items():
            cells = ' | '.join(cell_text(line[pair]) if pair in line else '' for pair in pairs)
            same.setdefault(cells, []).append(transport)
        lines.extend(f'| {version} | {mechanism} | {", ".join(some)} | {cells} |' for cells, some in same.items())
    return '\n'.join(lines + [''] + list(notes(rows))) + '\n'


def keep(path, date, text):
    """Puts the table behind the last heading of a README, in the place of an older one."""
    with open(path, encoding='utf-8') as old:
        head, heading, _ = old.read().partition('## The last result\n')
    with open(path, 'w', encoding='utf-8') as new:
        new.write(f'{head}{heading}\n{date}\n\n{text}')
