#!/usr/bin/python3
"""Tables and plots of what run.py kept; the same file gives the same octets.

A ratio compares round by round: each round gives one ratio of two contestants that ran in it within seconds of
each other, and what is told is the median of the rounds' ratios. Its interval is a bootstrap: the rounds are
drawn with replacement as often as there are rounds, 2000 times from a fixed seed, and the interval holds the
middle 95 % of the medians of those draws. With few rounds it is little less than from the lowest to the highest.
"""
import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys

import contestants
import scenarios

DRAWS = 2000
OURS = ('zmtp', 'dropin')
OTHERS = [c.name for c in contestants.CONTESTANTS if not c.ours and c.name not in ('uv', 'raw')]
BARS = ('zmtp', 'libzmq')  # of which the lowest and the highest are drawn
BEGIN, END = '<!-- figures: made by make bench-plots -->', '<!-- end of figures -->'
COLOURS = {'zmtp': '#d1242f', 'dropin': '#e8853a', 'spin': '#8c1a22', 'dropin-spin': '#a85a1e', 'libzmq': '#1f5fbf', 'current': '#6ba6e8', 'nng': '#8250df',
           'zeromq': '#a0522d', 'rzmq': '#2a9d8f', 'omq': '#3f7d20', 'monocoque': '#b5a000', 'uv': '#8c959f',
           'raw': '#24292f'}


def write(kept, file):
    """JSON with a line a contestant, so that a diff can be read."""
    rows = kept['rows']
    head = json.dumps({key: value for key, value in kept.items() if key != 'rows'}, indent=1)
    file.write(head[:-2] + ',\n "rows": [\n')
    for index, row in enumerate(rows):
        named = ',\n'.join(f'   "{name}": {json.dumps(part)}' for name, part in row['contestants'].items())
        rest = {key: value for key, value in row.items() if key != 'contestants'}
        file.write(f'  {json.dumps(rest)[:-1]}, "contestants": {{\n{named}}}}}{"," if index < len(rows) - 1 else ""}\n')
    file.write(' ]\n}\n')


def ratios(row, figure, ours, theirs):
    """How many times better |ours| was in each round, by more messages or by less time."""
    pairs = zip(row['contestants'][ours][figure.key], row['contestants'][theirs][figure.key])
    return [quotient(*(pair if figure.more else pair[::-1])) for pair in pairs]


def quotient(one, other):
    """Where nothing could be measured of both they are equal."""
    return one / other if other else 1.0 if not one else float('inf')


def interval(values):
    """The median, and the bounds of what holds it with 95 % confidence."""
    draw = random.Random(1)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(DRAWS))
    return statistics.median(values), medians[DRAWS * 25 // 1000], medians[DRAWS * 975 // 1000 - 1]


def times(value):
    return f'{value:.2f}' if value < 10 else f'{value:.1f}' if value < 100 else f'{value:.0f}'


def ratio_text(row, figure, ours, theirs):
    if ours not in row['contestants'] or ours == theirs:
        return '-'
    middle, low, high = interval(ratios(row, figure, ours, theirs))
    return f'{times(middle)} x ({times(low)} .. {times(high)})'


def number(value, figure):
    if figure.key != 'rate':
        return f'{value:.1f}'
    for unit, factor in (('M', 1e6), ('k', 1e3)):
        if value >= factor:
            return f'{value / factor:.2f} {unit}' if value < 100 * factor else f'{value / factor:.0f} {unit}'
    return f'{value:.0f}'


def median(part, key):
    return statistics.median(part[key])


def costs(part):
    calls = f'{part["calls"]:.3g}' if 'calls' in part else '-'
    return f'{median(part, "cpu_us"):.3f} | {calls} | {median(part, "peak_kb") / 1024:.1f}'


def scenario_of(row):
    return scenarios.BY_NAME[row['scenario']]


def figures_of(row):
    """The scenario's figures that the row has: an older file may lack one that came later."""
    return [figure for figure in scenario_of(row).figures
            if all(figure.key in part for part in row['contestants'].values())]


def title(name):
    return contestants.BY_NAME[name].title


def present(rows):
    """Contestants of any of the rows, in the tables' order."""
    return [c.name for c in contestants.CONTESTANTS if any(c.name in row['contestants'] for row in rows)]


def long_table(kept):
    """Everything, one contestant a row."""
    yield ('| what | transport | size | who | median | lowest .. highest | libzmtp better by (95 %) '
           '| drop-in better by (95 %) | CPU us a message | calls a message | peak MB |')
    yield '|---|---|---|---|---|---|---|---|---|---|---|'
    for row in kept['rows']:
        for figure in figures_of(row):
            for name in present([row]):
                part = row['contestants'][name]
                values = part[figure.key]
                yield (f'| {figure.unit} | {row["transport"]} | {scenarios.name_of(row["size"])} | {title(name)} '
                       f'| {number(statistics.median(values), figure)} '
                       f'| {number(min(values), figure)} .. {number(max(values), figure)} '
                       f'| {ratio_text(row, figure, "zmtp", name)} | {ratio_text(row, figure, "dropin", name)} '
                       f'| {costs(part)} |')


def groups(kept):
    """Rows of one scenario and transport, in order."""
    found = {}
    for row in kept['rows']:
        found.setdefault((row['scenario'], row['transport']), []).append(row)
    return found


def medians_table(rows, figure, who, label=scenarios.name_of):
    yield from ['| size | ' + ' | '.join(map(title, who)) + ' |', '|---' * (len(who) + 1) + '|']
    for row in rows:
        cells = [number(median(row['contestants'][name], figure.key), figure) if name in row['contestants'] else '-'
                 for name in who]
        yield f'| {label(row["size"])} | ' + ' | '.join(cells) + ' |'


def ratios_table(rows, figure, who):
    """libzmtp to each other, and the drop-in, and those that spin, to libzmq."""
    pairs = [('zmtp', name) for name in who if name != 'zmtp']
    heads = [f'to {title(name)}' for _, name in pairs]
    for name in ('dropin', 'spin', 'dropin-spin'):
        if name in who and 'libzmq' in who:
            pairs.append((name, 'libzmq'))
            heads.append(f'{title(name)} to libzmq')
    yield from ['| size | ' + ' | '.join(heads) + ' |', '|---' * (len(pairs) + 1) + '|']
    for row in rows:
        cells = [ratio_text(row, figure, *pair) if pair[1] in row['contestants'] else '-' for pair in pairs]
        yield f'| {scenarios.name_of(row["size"])} | ' + ' | '.join(cells) + ' |'


def short_tables(kept):
    """For each scenario and transport the first figure: medians, and how much better libzmtp is."""
    families = counted(kept)
    for (name, transport), rows in groups(kept).items():
        if name.rpartition('-')[0] in families:
            continue  # they have a table of their own
        who, figure = present(rows), scenarios.BY_NAME[name].figures[0]
        yield from ['', f'**{figure.unit}, {transport}**: medians', '', *medians_table(rows, figure, who)]
        yield from ['', f'{figure.unit}, {transport}: libzmtp is better by (95 %)', '',
                    *ratios_table(rows, figure, who)]


def cost_table(kept, size=64):
    """Processor time, system calls and memory of one size."""
    yield '| what | transport | who | CPU us a message | calls a message | peak MB |'
    yield '|---|---|---|---|---|---|'
    for row in kept['rows']:
        if row['size'] == size:
            for name in present([row]):
                yield (f'| {scenario_of(row).title} | {row["transport"]} | {title(name)} '
                       f'| {costs(row["contestants"][name])} |')


def figure_text(row, figure, name):
    value = median(row['contestants'][name], figure.key)
    return number(value, figure) if figure.key == 'rate' or value >= 100 else f'{value:.3g}'


def better_than(row, figure, ours):
    """The other libraries that do better than |ours| by the median: how many times better ours is, does the interval
    hold 1, and all of it in words."""
    for theirs in present([row]) if ours in row['contestants'] else ():
        if theirs in OTHERS:
            middle, low, high = interval(ratios(row, figure, ours, theirs))
            if middle < 1:
                yield middle, high >= 1, (f'{title(theirs)} {figure_text(row, figure, theirs)}: '
                                          f'{times(middle)} x ({times(low)} .. {times(high)})')


def judged(kept, ours, key=None):
    """Where |ours| is worse than another library, one line a case, the worst first: surely, and by the median but with
    an interval that holds 1. With |key| by that, less being better, instead of by the scenario's figures."""
    lines = ([], [])
    for row in kept['rows']:
        figures = figures_of(row) if key is None else (scenarios.Figure(key, scenario_of(row).title),)
        for figure in figures:
            better = list(better_than(row, figure, ours))
            for is_open in (False, True):
                found = sorted((middle, text) for middle, open_, text in better if open_ == is_open)
                if found:
                    lines[is_open].append((found[0][0], (
                        f'| {figure.unit} | {row["transport"]} | {scenarios.name_of(row["size"])} '
                        f'| {figure_text(row, figure, ours)} | {", ".join(text for _, text in found)} |')))
    return [[text for _, text in sorted(of, key=lambda line: line[0])] for of in lines]


def verdict(kept):
    for ours in OURS:
        if ours not in present(kept['rows']):
            continue
        for what, key in (('loses', None), ('costs more processor time', 'cpu_us')):
            lost, open_ = judged(kept, ours, key)
            also = f'; in {len(open_)} more the median says so, but the interval holds 1' if open_ else ''
            yield from [f'Where {title(ours)} {what}, the whole interval below 1: {len(lost) or "no"} '
                        f'case{"" if len(lost) == 1 else "s"}{also}.', '']
            if lost:
                yield from [f'| what | transport | size | {title(ours)} | who is better: {title(ours)} better by (95 %) |',
                            '|---|---|---|---|---|', *lost, '']


def heading(kept):
    load = kept['load']
    yield (f'Of {kept["date"]}, revision {kept["revision"]}: {kept["processors"]} processors '
           f'({kept["processor"]}), {kept["machine"]}, Linux {kept["linux"]}; {kept["rounds"]} rounds of '
           f'{kept["milliseconds"]} ms, {kept["seconds"]} s in all. The load was {min(load)} to {max(load)} '
           f'(at the beginning {load[0]}), the contestants\' own included. System calls: {kept["calls"]}.')
    for text in filter(None, (kept.get('heavy'), kept.get('note'))):
        yield text
    yield ''
    here = [f'{title(name)}: {"as " if name.startswith("dropin") else ""}{who["library"]}'
            for name, who in kept['contestants'].items() if 'library' in who]
    yield f'- Here: {"; ".join(here)}.'
    for name, who in kept['contestants'].items():
        if 'absent' in who:
            yield f'- {title(name)} is in no row: {who["absent"]}.'
    for name, who in kept['contestants'].items():
        for scenario, why in contestants.BY_NAME[name].limits.items():
            if 'library' in who:
                yield f'- {title(name)} is not in {scenario}: {why}.'
    for row in kept['rows']:
        for name, why in row.get('failed', {}).items():
            yield f'- {name} failed in {row["scenario"]} {row["transport"]} {scenarios.name_of(row["size"])}: {why}.'


def whole(kept):
    yield from [*heading(kept), '', *long_table(kept), '', *verdict(kept)]


def curve(rows, figure, names):
    """A block of gnuplot's data for each name: size, median, lowest, highest."""
    for index, name in enumerate(names):
        yield f'$d{index} << EOD'
        for row in rows:
            if name in row['contestants']:
                values = row['contestants'][name][figure.key]
                yield f'{row["size"]} {statistics.median(values):.6g} {min(values):.6g} {max(values):.6g}'
        yield 'EOD'


def plot(rows, figure, text, path, label=scenarios.name_of):
    """By size, or what is taken for it, on logarithmic axes. The background is opaque, so that it is read in the dark as well."""
    names = [name for name in present(rows) if sum(name in row['contestants'] for row in rows) > 1]
    values = [value for row in rows for part in row['contestants'].values() for value in part[figure.key]]
    ticks = ', '.join(f'"{label(row["size"])}" {row["size"]}' for row in rows)
    lines = [
        'set terminal svg size 900,540 font "sans-serif,14" background "#ffffff"', f'set output "{path}"',
        f'set title "{text}"', f'set ylabel "{figure.unit}"', 'set logscale xy', f'set xtics ({ticks})',
        f'set yrange [{min(values) / 1.3:.4g}:{max(values) * 1.3:.4g}]', 'set format y "%.0s %c"', 'set grid xtics ytics linecolor rgb "#d0d7de"', 'unset mxtics', 'unset mytics',
        'set border 3 linecolor rgb "#57606a"', 'set tics nomirror', 'set key outside right top', *curve(rows, figure, names)]
    drawn = []
    for index, name in enumerate(names):
        look = f'linecolor rgb "{COLOURS[name]}" linewidth {3 if name in OURS else 1.6} pointtype {index + 1} ' \
               f'pointsize 0.6{" dashtype 2" if name in ("uv", "raw") else ""}'
        drawn.append(f'$d{index} using 1:2 with linespoints {look} title "{title(name)}"')
        if name in BARS:
            drawn.append(f'$d{index} using 1:3:(0):($4-$3) with vectors nohead linecolor rgb "{COLOURS[name]}" '
                         f'linewidth 1 notitle')
    lines.append('plot ' + ', '.join(drawn))
    subprocess.run(['gnuplot'], input='\n'.join(lines) + '\n', text=True, check=True)


def plots(kept, folder):
    """Those with enough sizes to be a line: the scenario's first figure, and processor time. Returns their names."""
    made = []
    for (name, transport), rows in groups(kept).items():
        if len(rows) < 4:
            continue
        scenario = scenarios.BY_NAME[name]
        cpu = scenarios.Figure('cpu_us', f'processor us a {scenario.title}, both sides')
        for figure in (scenario.figures[0], cpu):
            file = f'{name}-{"cpu" if figure is cpu else figure.key.split("_")[0]}-{transport}.svg'
            plot(rows, figure, f'{figure.unit}, {transport}', f'{folder}/{file}')
            made.append((file, f'{figure.unit}, {transport}'))
    return made + plots_by_count(kept, folder)


def counted(kept):
    """Rows of scenarios that differ in how many there are, which ends their names and becomes their size."""
    families = {}
    for row in kept['rows']:
        family, _, count = row['scenario'].rpartition('-')
        if count.isdigit() and family == scenario_of(row).program:
            families.setdefault(family, []).append({**row, 'size': int(count)})
    return {family: sorted(rows, key=lambda row: row['size']) for family, rows in families.items() if len(rows) > 3}


def by_count(row):
    """The row's figures without how many there are, which is told otherwise."""
    return [figure._replace(unit=figure.unit.partition(': ')[2] or figure.unit) for figure in figures_of(row)]


def plots_by_count(kept, folder):
    """All figures but the rate."""
    made = []
    for family, rows in counted(kept).items():
        for figure in by_count(rows[0])[1:]:
            file = f'{family}-{figure.key}.svg'
            plot(rows, figure, f'{figure.unit}, by {family}', f'{folder}/{file}', '{:,}'.format)
            made.append((file, f'{figure.unit}, by {family}'))
    return made


def count_tables(kept):
    for family, rows in counted(kept).items():
        for figure in by_count(rows[0]):
            who = present(rows)
            yield from ['', f'**{figure.unit}**: medians, by {family}', '',
                        *medians_table(rows, figure, who, '{:,}'.format)]


def quoted(kept, made):
    """What a README quotes of one run."""
    pictures = [f'![{text}](plots/{file})' for file, text in made]
    yield from [f'### {kept["date"]}: {kept["name"]}', '', *heading(kept), '', *pictures, *short_tables(kept),
                *count_tables(kept), '']
    if any(row['size'] == 64 for row in kept['rows']):
        yield from ['What a message costs at 64 B, both sides together:', '', *cost_table(kept), '']
    yield from verdict(kept)


def readme(body, path):
    """Puts what is quoted between the two marks of a README."""
    with open(path) as file:
        before, rest = file.read().split(BEGIN)
        after = rest.split(END)[1]
    with open(path, 'w') as file:
        file.write(before + BEGIN + '\n' + '\n'.join(body).rstrip() + '\n' + END + after)


def publish(paths, folder, path_readme):
    """Plots, the whole tables beside the results, and what a README quotes of them."""
    if not shutil.which('gnuplot'):
        print('no plots: there is no gnuplot here; make bench-plots installs it and makes them')
        folder = None
    body = []
    for path in paths:
        with open(path) as file:
            kept = json.load(file)
        if folder:
            os.makedirs(folder, exist_ok=True)
        body += quoted(kept, plots(kept, folder) if folder else [])
        with open(path.removesuffix('.json') + '.md', 'w') as file:
            file.write('\n'.join(whole(kept)).rstrip() + '\n')
    readme(body, path_readme)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('results', nargs='+', help='what run.py kept')
    parser.add_argument('--plots', metavar='FOLDER', default='bench/plots', help='for the SVG files, by gnuplot')
    parser.add_argument('--readme', metavar='FILE',
                        help='puts plots and tables between its marks, and the whole tables beside the results')
    options = parser.parse_args()
    if options.readme:
        publish(options.results, options.plots, options.readme)
        return 0
    for path in options.results:
        with open(path) as file:
            print('\n'.join(whole(json.load(file))))
    return 0


if __name__ == '__main__':
    sys.exit(main())
