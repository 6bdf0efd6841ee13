// The page: what the model knows, drawn once a frame, and what the user wants, asked of the daemon. Everything
// that comes waits in a queue; a frame reads of it for some milliseconds and no longer, so that a flood costs
// events in the list, which are counted, and never the page.
import {Garden, LANES, Refused, pastEvent, readEvent, uuid} from './garden.js';
import {Model, capturedBefore} from './model.js';

const FRAME_MS = 6;         // of reading events in one frame
const BACKLOG_MAX = 30000;  // events that wait to be read; beyond, the oldest are passed over
const LOG_MS = 100;         // between two drawings of the list of events
const ROWS = 150;           // events that are shown
const REGIONS_MAX = 400;
const POLL_MS = 2000;

const $ = id => document.getElementById(id);
const model = new Model();
let backlog = [];
let dirty = {all: true};
let paused = false, pausedLog = [];
let stats = null;

// ---- Small things

function make(tag, className, text)
{
    const out = document.createElement(tag);
    if (className) out.className = className;
    if (text !== undefined) out.textContent = text;
    return out;
}

// Touches the document only where something is different.
function put(element, text)
{
    if (element.textContent !== text) element.textContent = text;
}

function attr(element, name, value)
{
    if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

// One child for each of |items|, kept by key, in their order.
function list(parent, items, keyOf, create, update)
{
    const old = new Map([...parent.children].map(child => [child.dataset.key, child]));
    items.forEach((item, i) => {
        const key = String(keyOf(item));
        let child = old.get(key);
        if (!child) {
            child = create(item);
            child.dataset.key = key;
        }
        old.delete(key);
        update(child, item);
        if (parent.children[i] !== child) parent.insertBefore(child, parent.children[i] ?? null);
    });
    for (const child of old.values()) child.remove();
}

const count = new Intl.NumberFormat('en');
const fixed = (value, digits) => value === null || value === undefined ? '–' : value.toFixed(digits);
const ms = value => value === undefined ? '–' : value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;

function bytes(size)
{
    for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
        if (size < 1024 || unit === 'GiB') return `${unit === 'B' ? size : size.toFixed(1)} ${unit}`;
        size /= 1024;
    }
}

let noticeTimer;
function notice(text)
{
    clearTimeout(noticeTimer);
    $('notice').hidden = !text;
    put($('notice'), text);
    if (text) noticeTimer = setTimeout(() => notice(''), 12000);
}

// Does what is asked for, and says what was wrong with it.
async function attempt(what, work)
{
    try {
        const result = await work();
        notice('');
        return result;
    } catch (error) {
        if (!(error instanceof Refused) && error.name !== 'TimeoutError' && !(error instanceof TypeError)) throw error;
        notice(`${what}: ${error.message}`);
        return null;
    }
}

// ---- The daemon

const ME = (() => {
    const kept = localStorage.getItem('garden.me') ?? uuid();
    localStorage.setItem('garden.me', kept);
    return kept;
})();

const garden = new Garden({
    onState(state, why, since) {
        const words = {live: 'live', connecting: 'connecting', waiting: `waiting: ${why}, since ${since?.toLocaleTimeString('en-GB')}`, denied: why};
        put($('state'), words[state]);
        attr($('state'), 'data-state', state);
        attr(document.querySelector('main'), 'data-stale', state === 'waiting' || state === 'denied' ? 'yes' : 'no');
        dirty.all = true;
        if (state === 'live') refresh(0);
    },
    onEvent(octets) {
        backlog.push(octets);
        if (backlog.length > BACKLOG_MAX + 5000) model.skip(backlog.splice(0, backlog.length - BACKLOG_MAX).length);
    },
    onMoved: () => location.reload(), // the policy of this page names the old ports
});

const live = () => garden.state === 'live';
const shell = content => garden.request('shell', content);

async function readTransport()
{
    const {TransportState} = await shell('GetTransportState');
    model.setTransport(TransportState, performance.now());
    dirty.transport = true;
}

async function readRegions()
{
    const rows = await garden.query(`{ Region { id @output position @output duration @output behavior_type @output
        latent_status @output latent_progress @output job_id @output artifact_id @output content_hash @output
        decided_by @output reason @output error @output parameter @output event_type @output } }`);
    model.regions = rows;
    dirty.regions = true;
}

async function readParticipants()
{
    model.participants = await garden.query('{ Participant { id @output name @output capabilities @output online @output } }');
    dirty.participants = true;
}

async function readStreams()
{
    model.setStreams(await garden.query(`{ Stream { uri @output source @output state @output sample_rate @output channels @output
        sample_format @output chunk_size_bytes @output started_at @output offered @output captured @output overrun @output
        bytes @output gaps @fold { gap_first: first_sample @output gap_count: sample_count @output } chunks @fold { number @output first_sample @output sample_count @output byte_count @output } } }`));
    dirty.streams = true;
}

async function readSources()
{
    const {DebugDump} = await garden.request('control', 'DebugDump');
    model.sources = DebugDump.state.sources;
    dirty.sources = true;
}

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
        dirty.log = dirty.streams = true;
    }
    for (let i = 0; i < CATCH_UP_MAX && backlog.length === 0 && model.nextSeq !== null; i++) {
        const {Events} = await shell({GetEvents: {from_seq: model.nextSeq}});
        if (backlog.length > 0 || Events.session !== model.session || Events.next_seq <= model.nextSeq) return;
        const last = i + 1 === CATCH_UP_MAX || Events.events.length === 0;
        for (const past of Events.events) model.event(pastEvent(past), performance.now());
        if (last) model.missUpTo(Events.next_seq);
        dirty.log = dirty.streams = true;
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
    dirty.log = dirty.streams = true;
}

async function readCaptures()
{
    model.setCaptures(await garden.http('captures.json'));
    dirty.streams = true;
}

async function readStats()
{
    stats = await garden.http('stats.json');
    dirty.stats = true;
}

// Asks for all that no event tells; at most once at a time, and never without a pause behind it that is
// longer than what the asking took.
// What a capture has sealed is shown soon after it is.
setInterval(() => {
    if (live() && !document.hidden && model.captures.some(({state}) => state === 'running' || state === 'stopping')) readCaptures().catch(() => {});
}, 500);

let refreshing = false, refreshTimer, again = false;
function refresh(afterMs)
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
        const streams = readStreams();
        const done = await Promise.allSettled([readTransport(), readRegions(), readParticipants(), streams.then(readCaptures),
                                               readSources(), readStats(), streams.then(readHistory).then(readMissed)]);
        for (const {reason} of done)
            if (reason && !(reason instanceof Refused) && reason.name !== 'TimeoutError' && !(reason instanceof TypeError)) console.error(reason);
        refreshing = false;
        const took = performance.now() - begun;
        refresh(again ? Math.max(150, took * 4) : Math.max(POLL_MS, took * 10));
    }, afterMs);
}

// ---- Frames

function drain(now)
{
    const until = now + FRAME_MS;
    let at = 0, stale = false;
    while (at < backlog.length && performance.now() < until)
        for (const end = Math.min(at + 50, backlog.length); at < end; at++) {
            const event = readEvent(backlog[at]);
            if (!event || !event.name) continue;
            stale = model.event(event, now) || stale;
            if (event.name.startsWith('Stream')) dirty.streams = true;
            if (event.name === 'LatentProgress') dirty.regions = true;
        }
    if (at > 0) {
        backlog = at === backlog.length ? [] : backlog.slice(at);
        dirty.log = dirty.transport = true;
    }
    if (stale) refresh(50);
}

let frames = 0, loggedAt = 0;
function frame()
{
    const now = performance.now();
    frames++;
    drain(now);
    const was = dirty;
    dirty = {};
    drawPlayhead(now);
    if (was.all || was.transport) drawTransport();
    if (was.all || was.regions) drawRegions();
    if (was.all || was.participants) drawParticipants();
    if (was.all || was.sources) drawSources();
    if (was.all || was.streams) drawStreams(now);
    if (was.all || was.stats) drawStats();
    // Nobody reads faster than that, and laying the rows out costs more than all the rest.
    if (was.log && now - loggedAt < LOG_MS) {
        dirty.log = true;
    } else if (was.all || was.log) {
        loggedAt = now;
        if (!paused) drawLog();
        drawCounts();
    }
    drawMeters(now);
}

// ---- Transport and timeline

// What the regions and the playhead need, and four bars at least, in whole marks.
function span()
{
    let end = 16;
    for (const region of model.regions) end = Math.max(end, region.position + region.duration);
    end = Math.max(end, (model.position(performance.now()) ?? 0) + 4);
    tick = 2 ** Math.max(1, Math.ceil(Math.log2(end / 12)));
    return Math.ceil(end / tick) * tick;
}
let shownSpan = 0, tick = 2; // beats between two marks

function drawPlayhead(now)
{
    const beat = model.position(now);
    const {tempo} = model.transport;
    put($('beat'), fixed(beat, 2));
    put($('second'), beat === null || !tempo ? '–' : `${fixed(beat / tempo * 60, 2)} s`);
    $('playhead').hidden = beat === null;
    if (beat === null) return;
    if (beat > shownSpan) dirty.regions = true;
    const x = beat / (shownSpan || 16) * $('timeline').clientWidth;
    $('playhead').style.transform = `translateX(${x.toFixed(1)}px)`;
    attr($('timeline'), 'aria-valuenow', Math.floor(beat));
    attr($('timeline'), 'aria-valuetext', `beat ${Math.floor(beat)}`);
}

function drawTransport()
{
    const {playing, tempo} = model.transport;
    put($('play'), playing ? 'Pause' : 'Play');
    for (const id of ['play', 'stop', 'panic']) $(id).disabled = !live();
    for (const form of document.forms) for (const element of form.elements) element.disabled = !live();
    if (document.activeElement !== $('tempo') && tempo && !$('tempo').dataset.edited) $('tempo').value = Math.round(tempo * 1000) / 1000;
    put($('session'), model.session ? `session ${model.session.slice(0, 8)}, ${model.status ?? ''}` : '');
    dirty.sources = true;
}

const status = region => region.behavior_type === 'latent' ? region.latent_status : region.behavior_type;
const called = region => region.artifact_id ?? region.job_id ?? region.parameter ?? region.event_type ?? region.id.slice(0, 8);

// Regions that overlap lie below each other.
function rowsOf(regions)
{
    const ends = [];
    return [...regions].sort((a, b) => a.position - b.position).map(region => {
        let row = ends.findIndex(end => end <= region.position);
        if (row < 0) row = ends.length;
        ends[row] = region.position + region.duration;
        return {region, row};
    });
}

function drawRegions()
{
    shownSpan = span();
    const placed = rowsOf(model.regions.slice(0, REGIONS_MAX));
    const rows = placed.reduce((most, {row}) => Math.max(most, row + 1), 1);
    $('regions').style.height = `${rows * 2.3 + .6}rem`;
    attr($('timeline'), 'aria-valuemax', shownSpan);
    list($('ruler'), [...Array(shownSpan / tick).keys()].map(i => i * tick), beat => beat, () => make('span'), (element, beat) => {
        put(element, String(beat));
        element.style.left = `${beat / shownSpan * 100}%`;
    });
    list($('regions'), placed, ({region}) => region.id, () => {
        const out = make('div', 'region');
        out.append(make('span'), make('i', 'done'));
        return out;
    }, (element, {region, row}) => {
        attr(element, 'data-status', status(region) ?? '');
        put(element.firstChild, region.behavior_type === 'latent' ? `${called(region)} · ${region.latent_status}` : called(region));
        attr(element, 'title', `${called(region)}, beats ${region.position} to ${region.position + region.duration}`);
        element.style.left = `${region.position / shownSpan * 100}%`;
        element.style.width = `${region.duration / shownSpan * 100}%`;
        element.style.top = `${.3 + row * 2.3}rem`;
        element.lastChild.style.width = region.latent_status === 'running' ? `${(region.latent_progress ?? 0) * 100}%` : '0';
    });
    drawLatents();
}

function drawLatents()
{
    const order = {resolved: 0, running: 1, pending: 2, failed: 3, rejected: 4, approved: 5};
    const latents = model.regions.filter(region => region.behavior_type === 'latent')
        .sort((a, b) => order[a.latent_status] - order[b.latent_status] || a.position - b.position);
    put($('latent-count'), String(latents.length));
    list($('latents'), latents.slice(0, 50), region => region.id, createLatent, updateLatent);
}

function createLatent(region)
{
    const out = make('li');
    const approve = make('button', 'small primary', 'Approve'), reject = make('button', 'small', 'Reject');
    approve.onclick = () => decide('ApproveLatent', region.id);
    reject.onclick = () => decide('RejectLatent', region.id);
    out.append(make('span', 'tag'), make('span', 'what'), approve, reject);
    return out;
}

function updateLatent(element, region)
{
    const [tag, what, approve, reject] = element.children;
    attr(tag, 'data-status', region.latent_status);
    const percent = region.latent_status === 'running' ? ` ${Math.round((region.latent_progress ?? 0) * 100)} %` : '';
    put(tag, region.latent_status + percent);
    const more = region.error ?? region.reason;
    put(what, `${called(region)}, beats ${region.position} to ${region.position + region.duration}${more ? `: ${more}` : ''}`);
    const waits = region.latent_status === 'resolved';
    for (const button of [approve, reject]) {
        button.hidden = !waits;
        button.disabled = !live();
        attr(button, 'aria-label', `${button.textContent} ${called(region)}`);
    }
}

async function decide(verb, id)
{
    const content = {region_id: id, decided_by: ME};
    if (verb === 'RejectLatent') content.reason = null;
    await attempt(verb, () => shell({[verb]: content}));
    refresh(0);
}

async function transport(what, content)
{
    await attempt(what, () => shell(content));
    await readTransport().catch(() => {});
}

const togglePlay = () => transport('Play', model.transport.playing ? 'Pause' : 'Play');
const seek = beat => transport('Seek', {Seek: {beat: Math.max(0, beat)}});
$('play').onclick = togglePlay;
$('stop').onclick = () => transport('Stop', 'Stop');
$('panic').onclick = async () => {
    await attempt('Pause', () => garden.request('control', 'Pause'));
    await readTransport().catch(() => {});
};
$('seek-form').onsubmit = event => {
    event.preventDefault();
    seek($('seek').valueAsNumber);
};
$('tempo').oninput = () => $('tempo').dataset.edited = 'yes';
$('tempo-form').onsubmit = async event => {
    event.preventDefault();
    delete $('tempo').dataset.edited;
    await transport('Tempo', {SetTempo: {bpm: $('tempo').valueAsNumber}});
};
$('timeline').onclick = event => {
    const box = $('timeline').getBoundingClientRect();
    if (live()) seek((event.clientX - box.left) / box.width * shownSpan);
};
$('timeline').onkeydown = event => {
    const beat = model.position(performance.now()) ?? 0;
    const to = {ArrowLeft: beat - 1, ArrowDown: beat - 1, ArrowRight: beat + 1, ArrowUp: beat + 1,
                PageUp: beat + 4, PageDown: beat - 4, Home: 0}[event.key];
    if (to === undefined || !live()) return;
    event.preventDefault();
    seek(to);
};
document.addEventListener('keydown', event => {
    const typing = event.target.closest('button, input, select, textarea, a');
    if (event.key !== ' ' || typing || event.ctrlKey || event.metaKey || event.altKey || !live()) return;
    event.preventDefault();
    if (!event.repeat) togglePlay();
});

// ---- Streams and captures

function drawSources()
{
    const sources = model.sources ?? [];
    const select = $('device');
    if (select.dataset.names !== sources.map(({name}) => name).join('\n')) {
        select.dataset.names = sources.map(({name}) => name).join('\n');
        select.replaceChildren(...sources.map(({name, kind, sample_rate: rate, channels}) => {
            const option = make('option', '', kind === 'audio' ? `${name}: ${rate} Hz, ${channels} channels` : `${name}: MIDI`);
            option.value = name;
            return option;
        }));
        nameStream();
    }
    const store = garden.lanes?.store;
    const able = live() && store && sources.length > 0;
    for (const id of ['device', 'uri', 'capture']) $(id).disabled = !able;
    put($('capture-note'), store === false ? 'This daemon\'s staging folder is no store\'s, so nothing can be captured from here: start gardend with --staging STORE/staging.'
        : model.sources && sources.length === 0 ? 'This daemon has no source.' : '');
}

const nameStream = () => $('uri').value = $('device').value ? `stream://${$('device').value}/main` : '';
$('device').onchange = nameStream;
$('capture-form').onsubmit = async event => {
    event.preventDefault();
    const words = new URLSearchParams({device: $('device').value, uri: $('uri').value});
    await attempt('Capture', () => garden.http(`captures?${words}`, 'POST'));
    refresh(100);
};

function captureOf(uri)
{
    return model.captures.filter(capture => capture.uri === uri).pop();
}

function drawStreams(now)
{
    const streams = [...model.streams.values()];
    // A capture that failed before there was a stream is shown as well.
    for (const capture of model.captures)
        if (capture.state === 'failed' && !model.streams.has(capture.uri) && captureOf(capture.uri) === capture)
            streams.push({uri: capture.uri, state: 'failed', chunks: new Map(), troubles: [], peaks: null, levels: null, lost: [], offered: 0, captured: 0, overrun: 0, bytes: 0});
    $('no-streams').hidden = streams.length > 0;
    list($('streams'), streams, stream => stream.uri, createStream, (element, stream) => updateStream(element, stream, now));
}

function figure(name)
{
    const out = make('div');
    out.append(make('dt', '', name), make('dd'));
    return out;
}

function createStream({uri})
{
    const out = make('article', 'stream');
    const head = make('header');
    const stop = make('button', 'small', 'Stop');
    attr(stop, 'aria-label', `Stop ${uri}`);
    stop.onclick = async () => {
        const capture = captureOf(uri);
        if (!capture) return;
        await attempt('Stop', () => garden.http(`captures/stop?id=${capture.id}`, 'POST'));
        refresh(0);
    };
    head.append(make('h3', '', uri), make('span', 'tag'), make('span', 'quiet'), stop);
    const sound = make('div', 'sound');
    const wave = make('canvas', 'wave');
    attr(wave, 'role', 'img');
    attr(wave, 'aria-label', `Waveform of ${uri}`);
    sound.append(wave, make('div', 'meters'));
    const figures = make('dl', 'figures');
    figures.append(...['head', 'captured', 'overrun', 'on disk', 'standby chunk', 'full chunks'].map(figure));
    out.append(head, sound, make('p', 'quiet legend'), figures, make('ol', 'chunks'), make('p', 'troubles'), make('p', 'quiet mono'));
    return out;
}

function updateStream(element, stream, now)
{
    const [head, sound, legend, figures, chunks, troubles, note] = element.children;
    const [, tag, what, stop] = head.children;
    const capture = captureOf(stream.uri);
    tag.className = `tag ${stream.state}`;
    put(tag, stream.ended && stream.state === 'recording' ? 'source ended' : stream.state);
    put(what, stream.rate ? `${stream.source}, ${stream.rate} Hz, ${stream.channels} channels, ${stream.format}` : stream.source ?? '');
    stop.hidden = capture?.state !== 'running';
    stop.disabled = !live();
    const time = frames => stream.rate ? ` (${(frames / stream.rate).toFixed(2)} s)` : '';
    const values = [count.format(stream.offered) + time(stream.offered), count.format(stream.captured), count.format(stream.overrun),
                    bytes(stream.bytes), stream.standby === null || stream.state === 'stopped' ? '–' : stream.standby ? 'ready' : 'wanted',
                    String(stream.chunks.size)];
    values.forEach((value, i) => put(figures.children[i].lastChild, value));
    figures.children[2].lastChild.className = stream.overrun > 0 ? 'lost' : '';
    sound.hidden = !stream.peaks;
    if (stream.peaks) drawWave(sound.firstChild, legend, stream);
    else legend.hidden = true;
    drawChunks(chunks, stream);
    const last = stream.troubles[stream.troubles.length - 1];
    put(troubles, last ? last.error : '');
    troubles.hidden = !last;
    put(note, capture?.manifest ? `manifest ${capture.manifest}` : capture?.state === 'failed' ? capture.last : '');
    note.hidden = !note.textContent;
    list(sound.lastChild, (stream.levels ?? []).map((peak, i) => i), i => i, i => {
        const out = make('div', 'meter');
        attr(out, 'role', 'meter');
        attr(out, 'aria-label', `Level of channel ${i + 1}`);
        attr(out, 'aria-valuemin', -60);
        attr(out, 'aria-valuemax', 0);
        const bar = make('span', 'level');
        bar.append(make('i'));
        out.append(bar, make('b'));
        return out;
    }, () => {});
}

function drawChunks(element, stream)
{
    const chunks = [...stream.chunks.values()].sort((a, b) => a.number - b.number);
    const filling = stream.state === 'recording' && stream.rate ? model.filling(stream) : null;
    if (filling) chunks.push(filling);
    list(element, chunks.slice(-12), chunk => chunk.number, () => {
        const out = make('li');
        out.append(make('span', 'name'), make('span'));
        return out;
    }, (item, chunk) => {
        attr(item, 'data-state', chunk.state);
        const part = stream.chunkSize ? Math.min(1, chunk.bytes / stream.chunkSize) : 0;
        item.style.setProperty('--full', `${(part * 100).toFixed(1)}%`);
        put(item.firstChild, `${chunk.number} ${chunk.state === 'filling' ? `${Math.round(part * 100)} %` : chunk.state}`);
        put(item.lastChild, chunk.hash ? `${chunk.hash.slice(0, 8)}…` : `${count.format(chunk.frames)} frames`);
    });
}

const PIXELS_A_STEP = 2;
function drawWave(canvas, legend, stream)
{
    const {peaks} = stream;
    const ratio = devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
    if (width === 0) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, {width, height});
    const key = `${peaks.first}/${peaks.least.length}/${peaks.told}/${stream.lost.length}/${width}/${wave.scheme}`;
    if (canvas.dataset.drawn === key) return;
    canvas.dataset.drawn = key;
    const style = getComputedStyle(document.documentElement);
    const paint = canvas.getContext('2d');
    const color = name => paint.fillStyle = style.getPropertyValue(name);
    paint.clearRect(0, 0, width, height);
    color('--line');
    paint.fillRect(0, Math.round(height / 2), width, 1);
    const step = Math.max(1, Math.round(PIXELS_A_STEP * ratio));
    const shown = Math.min(peaks.least.length, Math.floor(width / step));
    const from = peaks.least.length - shown;
    let untold = false;
    for (let i = 0; i < shown; i++) {
        const least = peaks.least[from + i], greatest = peaks.greatest[from + i];
        if (least === null) {
            // Nothing was told: dots from top to bottom, as no sound looks.
            untold = true;
            color('--quiet');
            for (let y = (from + i) % 2 * 4 * ratio; y < height; y += 8 * ratio)
                paint.fillRect(width - (shown - i) * step, Math.round(y), ratio, ratio);
            continue;
        }
        color('--wave');
        const top = (1 - Math.min(1000, greatest) / 1000) * height / 2, bottom = (1 - Math.max(-1000, least) / 1000) * height / 2;
        paint.fillRect(width - (shown - i) * step, top, step, Math.max(ratio, bottom - top));
    }
    const mark = (position, thickness) => {
        const at = (capturedBefore(stream, position) - peaks.first) / peaks.step - from;
        const seen = at > 0 && at < shown;
        if (seen) paint.fillRect(Math.round(width - (shown - at) * step), 0, thickness, height);
        return seen;
    };
    // Where a chunk ends.
    color('--quiet');
    for (const chunk of stream.chunks.values()) mark(chunk.first + chunk.frames, Math.max(1, ratio));
    // Frames that were lost take no room, as there are no levels of them.
    color('--bad');
    const lost = stream.lost.filter(([first]) => mark(first, 2 * Math.max(1, ratio)));
    const words = [untold && 'dotted: captured, but its level was not told to this page',
                   lost.length > 0 && `red: ${count.format(lost.reduce((all, [, frames]) => all + frames, 0))} frames were lost here`].filter(Boolean).join(' · ');
    put(legend, words);
    legend.hidden = !words;
    attr(canvas, 'aria-label', `Waveform of ${stream.uri}${words && `; ${words}`}`);
}
const wave = {scheme: 'light'};
const scheme = matchMedia('(prefers-color-scheme: dark)');
const onScheme = () => {
    wave.scheme = scheme.matches ? 'dark' : 'light';
    dirty.streams = true;
};
scheme.addEventListener('change', onScheme);
onScheme();
addEventListener('resize', () => dirty.streams = dirty.regions = true);

// A level falls by itself when nothing new is told.
function drawMeters(now)
{
    for (const element of $('streams').children) {
        const stream = model.streams.get(element.dataset.key);
        if (!stream?.levels) continue;
        const old = stream.state !== 'recording' || now - stream.levelsAt > 500;
        [...element.children[1].lastChild.children].forEach((meter, i) => {
            const db = old || !stream.levels[i] ? -60 : Math.max(-60, 20 * Math.log10(stream.levels[i] / 1000));
            const words = db <= -60 ? '−∞ dB' : `${db.toFixed(1).replace('-', '−')} dB`;
            if (meter.lastChild.textContent === words) return;
            meter.firstChild.firstChild.style.clipPath = `inset(0 ${Math.max(0, Math.min(100, -db / .6)).toFixed(1)}% 0 0)`;
            put(meter.lastChild, words);
            attr(meter, 'aria-valuenow', db.toFixed(1));
        });
    }
}

// ---- Participants, lanes, peers

function drawParticipants()
{
    put($('participant-count'), String(model.participants.length));
    list($('participants'), model.participants.slice(0, 200), one => one.id, () => {
        const out = make('li');
        out.append(make('span'), make('span', 'quiet'));
        return out;
    }, (element, one) => {
        attr(element, 'data-online', one.online);
        put(element.firstChild, one.name);
        put(element.lastChild, `${one.online ? 'online' : 'offline'}${one.capabilities.length ? ` · ${one.capabilities.join(', ')}` : ''}`);
    });
}

const sum = object => Object.values(object ?? {}).reduce((all, one) => all + one, 0);
// What nobody has asked for is not lost.
const lost = dropped => sum({...dropped, 'no-match': 0});

function drawStats()
{
    const rows = LANES.map(lane => {
        const took = [...garden.took[lane]].sort((a, b) => a - b);
        const doors = stats?.[lane] ? Object.values(stats[lane]).filter(Boolean) : [];
        return {lane, median: took[took.length >> 1], worst: took[took.length - 1],
                queued: doors.reduce((all, {queued, waiting}) => all + queued + waiting, 0),
                dropped: doors.reduce((all, {dropped}) => all + lost(dropped), 0), known: doors.length > 0};
    });
    list($('lanes'), rows, row => row.lane, () => {
        const out = make('tr');
        const name = make('th');
        attr(name, 'scope', 'row');
        out.append(name, ...Array.from({length: 4}, () => make('td', 'number')));
        return out;
    }, (element, row) => {
        const values = [row.lane, row.lane === 'iopub' ? '–' : ms(row.median), row.lane === 'iopub' ? '–' : ms(row.worst),
                        row.known ? count.format(row.queued) : '–', row.known ? count.format(row.dropped) : '–'];
        values.forEach((value, i) => put(element.children[i], value));
    });
    drawPeers();
}

function drawPeers()
{
    const peers = LANES.flatMap(lane => Object.entries(stats?.[lane] ?? {}).flatMap(
        ([door, told]) => (told?.peers ?? []).map(peer => ({lane, door, peer}))));
    put($('peer-count'), String(peers.length));
    list($('peers'), peers.slice(0, 100), ({peer}) => peer.number, () => {
        const out = make('tr');
        out.append(...Array.from({length: 7}, (_, i) => make('td', i > 2 ? 'number' : '')));
        return out;
    }, (element, {lane, door, peer}) => {
        const values = [lane, peer.remote || peer.endpoint, peer.type ?? (door === 'page' ? 'page' : peer.state),
                        count.format(peer.messages_out), count.format(peer.messages_in),
                        count.format(peer.queued_in + peer.queued_out), count.format(peer.lost + peer.discarded)];
        values.forEach((value, i) => put(element.children[i], value));
    });
}

// ---- Events

const POSITIONS = new Set(['PlaybackPosition', 'StreamHeadPosition']);

function drawLog()
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
    while (body.children.length < shown.length) {
        const row = make('tr');
        row.append(make('td'), make('td'), make('td'), make('td'));
        body.append(row);
    }
    shown.forEach((event, i) => {
        const row = body.children[i];
        if (row.event === event) return;
        row.event = event;
        const odd = event.name === 'missed' || event.name === 'Error' || event.name === 'StreamError' || event.name === 'Warning';
        row.className = odd ? 'odd' : '';
        put(row.children[0], event.seq === null || event.seq === undefined ? '' : String(event.seq));
        put(row.children[1], (event.at ?? '').slice(11, 23));
        put(row.children[2], event.name);
        put(row.children[3], event.line.length > 400 ? `${event.line.slice(0, 400)}…` : event.line === '{}' ? '' : event.line);
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
    drawLog();
    drawCounts();
};
$('filter').oninput = $('hide').onchange = drawLog;

// What a test asks the page about.
globalThis.gardenPage = {model, garden, frames: () => frames, backlog: () => backlog.length};

(function loop() {
    frame();
    requestAnimationFrame(loop);
})();
// A page that nobody sees gets no frames, and must not fill up meanwhile.
setInterval(() => document.hidden && drain(performance.now()), 1000);
