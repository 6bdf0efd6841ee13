// What the parts of the page share: the model, which of them have to be drawn anew, and the events that came and
// were not read yet. Everything that comes waits in a queue; a frame reads of it for some milliseconds and no
// longer, so that a flood costs events in the list, which are counted, and never the page.
import {readEvent} from './garden.js';
import {Model} from './model.js';

const FRAME_MS = 6;         // of reading events in one frame
const BACKLOG_MAX = 30000;  // events that wait to be read; beyond, the oldest are passed over

export const model = new Model();

// ---- Marks

let marks = new Set(['all']);

// Parts: transport, regions, progress, participants, sources, streams, stats, log; all.
export function mark(...parts)
{
    for (const part of parts) marks.add(part);
}

// What was marked, to be asked for each part; they begin anew.
export function takeMarks()
{
    const taken = marks;
    marks = new Set();
    return part => taken.has('all') || taken.has(part);
}

// ---- The queue

let backlog = [];

export const waiting = () => backlog.length;

export function push(octets)
{
    backlog.push(octets);
    if (backlog.length > BACKLOG_MAX + 5000) model.skip(backlog.splice(0, backlog.length - BACKLOG_MAX).length);
}

// Reads of what waits. True: what is known should be asked for anew.
export function drain(now)
{
    const until = now + FRAME_MS;
    let at = 0, stale = false;
    while (at < backlog.length && performance.now() < until)
        for (const end = Math.min(at + 50, backlog.length); at < end; at++) {
            const event = readEvent(backlog[at]);
            if (!event || !event.name) continue;
            stale = model.event(event, now) || stale;
            if (event.name.startsWith('Stream')) mark('streams');
            if (event.name === 'LatentProgress') mark('progress');
        }
    if (at > 0) {
        backlog = at === backlog.length ? [] : backlog.slice(at);
        mark('log', 'transport');
    }
    return stale;
}
