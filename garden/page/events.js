// The list of events: filtered, paused, and cut to what somebody can look at.
import {$, attr, put, row} from './dom.js';
import {model} from './state.js';
import {count, told} from './words.js';

const ROWS = 150;     // events that are shown
const LINE_MAX = 400; // characters of each
let paused = false, pausedLog = [];

const POSITIONS = new Set(['PlaybackPosition', 'StreamHeadPosition']);

export function drawLog()
{
    if (!paused) drawRows();
    drawCounts();
}

function drawRows()
{
    const wanted = $('filter').value.trim().toLowerCase();
    const hide = $('hide').checked;
    const from = paused ? pausedLog : model.log;
    const shown = [];
    for (let i = from.length - 1; i >= 0 && shown.length < ROWS; i--) {
        const event = from[i];
        if (hide && POSITIONS.has(event.name)) continue;
        event.line ??= JSON.stringify(event.content);
        if (wanted && !`${event.name} ${event.line}`.toLowerCase().includes(wanted)) continue;
        shown.push(event);
    }
    // Rows are used again: what changes is their text.
    const body = $('events');
    while (body.children.length > shown.length) body.lastChild.remove();
    while (body.children.length < shown.length) body.append(row(4, 4));
    shown.forEach((event, i) => {
        const line = body.children[i];
        if (line.event === event && line.told === event.line) return;
        line.event = event;
        line.told = event.line;
        const odd = event.name === 'missed' || event.name === 'Error' || event.name === 'StreamError' || event.name === 'Warning';
        attr(line, 'class', odd ? 'odd' : '');
        put(line.children[0], event.seq === null || event.seq === undefined ? '' : String(event.seq));
        put(line.children[1], (event.at ?? '').slice(11, 23));
        put(line.children[2], told(event.name));
        put(line.children[3], event.line === '{}' ? '' : told(event.line, LINE_MAX));
    });
}

function drawCounts()
{
    const {events, missed, unread} = model.counts;
    put($('event-count'), count.format(events));
    put($('log-note'), [missed && `${count.format(missed)} missed`, unread && `${count.format(unread)} came too fast to be read`,
                        paused && 'paused: events go on behind the list'].filter(Boolean).join(' · '));
}

$('pause').onclick = () => {
    paused = !paused;
    pausedLog = paused ? [...model.log] : [];
    attr($('pause'), 'aria-pressed', paused);
    put($('pause'), paused ? 'Go on' : 'Pause');
    drawRows();
    drawCounts();
};
$('filter').oninput = $('hide').onchange = drawRows;
