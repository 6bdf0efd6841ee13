// What is asked of the daemon, and when: all that no event tells, at each event that makes it stale and every two
// seconds, and what the user wants.
import {$, attr, notice, put} from './dom.js';
import {Garden, Refused, pastEvent, uuid} from './garden.js';
import {mark, model, push, waiting} from './state.js';
import {told} from './words.js';

const POLL_MS = 2000;

// Who decides about latent regions: this browser.
export const ME = (() => {
    const kept = localStorage.getItem('garden.me') ?? uuid();
    localStorage.setItem('garden.me', kept);
    return kept;
})();

export const garden = new Garden({
    onState(state, why, since) {
        const words = {live: 'live', connecting: 'connecting', waiting: `waiting: ${why}, since ${since?.toLocaleTimeString('en-GB')}`, denied: why};
        put($('state'), words[state]);
        attr($('state'), 'data-state', state);
        attr(document.querySelector('main'), 'data-stale', state === 'waiting' || state === 'denied' ? 'yes' : 'no');
        mark('all');
        if (state === 'live') refresh(0);
    },
    onEvent: push,
    onMoved: () => location.reload(), // the policy of this page names the old ports
});

export const live = () => garden.state === 'live';
export const shell = content => garden.request('shell', content);
export let stats = null;

// An error that is the daemon's or the connection's, and none of the page's.
const expected = error => error instanceof Refused || error.name === 'TimeoutError' || error instanceof TypeError;

// Does what is asked for, and says what was wrong with it.
export async function attempt(what, work)
{
    try {
        const result = await work();
        notice('');
        return result;
    } catch (error) {
        if (!expected(error)) throw error;
        notice(`${what}: ${told(error.message, 400)}`);
        return null;
    }
}

// ---- What there is

export async function readTransport()
{
    const {TransportState} = await shell('GetTransportState');
    model.setTransport(TransportState, performance.now());
    mark('transport');
}

async function readRegions()
{
    const {rows, cut} = await garden.query(`{ Region { id @output position @output duration @output behavior_type @output
        latent_status @output latent_progress @output job_id @output artifact_id @output content_hash @output
        decided_by @output reason @output error @output parameter @output event_type @output } }`);
    model.regions = rows;
    model.regionsCut = cut;
    mark('regions');
}

async function readParticipants()
{
    model.participants = (await garden.query('{ Participant { id @output name @output capabilities @output online @output } }')).rows;
    mark('participants');
}

async function readStreams()
{
    const {rows} = await garden.query(`{ Stream { uri @output source @output state @output sample_rate @output channels @output
        sample_format @output chunk_size_bytes @output started_at @output offered @output captured @output overrun @output
        bytes @output gaps @fold { gap_first: first_sample @output gap_count: sample_count @output } chunks @fold { number @output first_sample @output sample_count @output byte_count @output } } }`);
    model.setStreams(rows);
    mark('streams');
}

async function readSources()
{
    const {DebugDump} = await garden.request('control', 'DebugDump');
    model.sources = DebugDump.state.sources;
    mark('sources');
}

async function readCaptures()
{
    model.setCaptures(await garden.http('captures.json'));
    mark('streams');
}

async function readStats()
{
    stats = await garden.http('stats.json');
    mark('stats');
}

// ---- Events that did not come

// The last events before a silence may have been dropped for us, and no number behind them tells: the daemon is
// asked for what there is beyond those that came.
const CATCH_UP_MAX = 8; // requests, of 128 events each; what is older is counted as missed
async function readMissed()
{
    for (let i = 0; i < CATCH_UP_MAX && model.gaps.length > 0; i++) {
        const gap = model.gaps[model.gaps.length - 1];
        const {Events} = await shell({GetEvents: {from_seq: gap.from}});
        if (Events.session !== model.session || !model.gaps.includes(gap)) return;
        model.recover(gap, Events.events.filter(({seq}) => seq < gap.to).map(pastEvent));
        mark('log', 'streams');
    }
    for (let i = 0; i < CATCH_UP_MAX && waiting() === 0 && model.nextSeq !== null; i++) {
        const {Events} = await shell({GetEvents: {from_seq: model.nextSeq}});
        if (waiting() > 0 || Events.session !== model.session || Events.next_seq <= model.nextSeq) return;
        const last = i + 1 === CATCH_UP_MAX || Events.events.length === 0;
        for (const past of Events.events) model.event(pastEvent(past), performance.now());
        if (last) model.missUpTo(Events.next_seq);
        mark('log', 'streams');
    }
}

// What the daemon still knows of, so that the list does not begin with nothing.
const HISTORY = 512; // events: of the last minute's waveform, and not a flood of requests
let historyOf = null;
async function readHistory()
{
    const {session, nextSeq, log} = model;
    if (session === null || session === historyOf) return;
    historyOf = session;
    const first = log.find(({seq}) => typeof seq === 'number')?.seq ?? nextSeq;
    const events = [];
    for (let from = Math.max(0, first - HISTORY); from < first;) {
        const {Events} = await shell({GetEvents: {from_seq: from}});
        if (Events.session !== model.session) return;
        events.push(...Events.events.filter(({seq}) => seq < first));
        if (Events.events.length === 0) break;
        from = Events.events[Events.events.length - 1].seq + 1;
    }
    model.history(events.map(pastEvent));
    mark('log', 'streams');
}

// ---- When

// What a capture has sealed is shown soon after it is.
setInterval(() => {
    if (live() && !document.hidden && model.captures.some(({state}) => state === 'running' || state === 'stopping')) readCaptures().catch(() => {});
}, 500);

// What could not be read, and why, as long as that is so.
function tellTroubles(troubles)
{
    $('trouble').hidden = troubles.length === 0;
    put($('trouble'), troubles.map(([what, why]) => `${what} cannot be read: ${told(why, 200)}`).join(' · '));
}

async function readAll()
{
    const streams = readStreams();
    const parts = Object.entries({
        'The transport': readTransport(), 'Regions': readRegions(), 'Participants': readParticipants(), 'Streams': streams,
        'Captures': streams.then(readCaptures), 'Sources': readSources(), 'Counters': readStats(),
        'Events': streams.then(readHistory).then(readMissed),
    });
    const done = await Promise.allSettled(parts.map(([, part]) => part));
    const troubles = new Map();
    done.forEach(({reason}, i) => {
        if (reason && !expected(reason)) console.error(reason);
        if (reason && ![...troubles.values()].includes(reason.message)) troubles.set(parts[i][0], reason.message);
    });
    tellTroubles(live() ? [...troubles] : []);
}

// Asks for all that no event tells; at most once at a time, and never without a pause behind it that is
// longer than what the asking took.
let refreshing = false, refreshTimer, again = false;
export function refresh(afterMs)
{
    if (refreshing) {
        again = again || afterMs < POLL_MS;
        return;
    }
    clearTimeout(refreshTimer);
    refreshTimer = setTimeout(async () => {
        if (!live()) return; // it begins again when it is
        refreshing = true;
        again = false;
        const begun = performance.now();
        await readAll();
        refreshing = false;
        const took = performance.now() - begun;
        refresh(again ? Math.max(150, took * 4) : Math.max(POLL_MS, took * 10));
    }, afterMs);
}
