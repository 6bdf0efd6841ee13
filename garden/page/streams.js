// Streams and captures: where one is begun and stopped, and of each what is in it, its chunks, and its trouble.
import {attempt, garden, live, refresh} from './ask.js';
import {$, able, announce, attr, list, make, passFocus, put, style} from './dom.js';
import {model} from './state.js';
import {drawChannels, drawLevels, drawWave} from './wave.js';
import {bytes, count, told} from './words.js';

// ---- What can be captured

export function drawSources()
{
    // While a daemon comes back nothing is known of its sources, and what was chosen stays.
    const {sources} = model;
    const select = $('device'), chosen = select.value;
    const known = JSON.stringify(sources?.map(({name, kind, sample_rate, channels}) => [name, kind, sample_rate, channels]));
    if (sources && select.dataset.sources !== known) {
        select.dataset.sources = known;
        select.replaceChildren(...sources.map(({name, kind, sample_rate: rate, channels}) => {
            const option = make('option', '', kind === 'audio' ? `${told(name, 40)}: ${rate} Hz, ${channels} channels` : `${told(name, 40)}: MIDI`);
            option.value = name;
            return option;
        }));
        if (sources.some(({name}) => name === chosen)) select.value = chosen;
        if (select.value !== chosen || $('uri').value === '') nameStream();
    }
    const store = garden.lanes?.store;
    const may = live() && store && sources?.length > 0;
    for (const id of ['device', 'uri', 'capture']) able($(id), may);
    put($('capture-note'), store === false ? 'This daemon\'s staging folder is no store\'s, so nothing can be captured from here: start gardend with --staging STORE/staging.'
        : sources?.length === 0 ? 'This daemon has no source.' : '');
}

const nameStream = () => $('uri').value = $('device').value ? `stream://${$('device').value}/main` : '';
$('device').onchange = nameStream;
$('capture-form').onsubmit = async event => {
    event.preventDefault();
    const words = new URLSearchParams({device: $('device').value, uri: $('uri').value});
    await attempt('Capture', () => garden.http(`captures?${words}`, 'POST'));
    refresh(100);
};

// ---- What is captured

function captureOf(uri)
{
    return model.captures.filter(capture => capture.uri === uri).pop();
}

export function drawStreams()
{
    const streams = [...model.streams.values()];
    const had = document.activeElement?.closest('#streams button');
    // A capture that failed before there was a stream is shown as well.
    for (const capture of model.captures)
        if (capture.state === 'failed' && !model.streams.has(capture.uri) && captureOf(capture.uri) === capture)
            streams.push({uri: capture.uri, state: 'failed', chunks: new Map(), troubles: [], peaks: null, levels: null, lost: [], offered: 0, captured: 0, overrun: 0, bytes: 0});
    $('no-streams').hidden = streams.length > 0;
    list($('streams'), streams, stream => stream.uri, createStream, updateStream);
    passFocus(had, () => had.closest('.stream') ?? $('streams-title'));
}

export function drawMeters(now)
{
    for (const [uri, element] of $('streams').kept ?? []) {
        const stream = model.streams.get(uri);
        if (stream) drawLevels(element.children[1].lastChild, stream, now);
    }
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
    out.tabIndex = -1; // for the focus of its button, when that goes
    attr(out, 'aria-label', told(uri));
    const head = make('header');
    const stop = make('button', 'small', 'Stop');
    attr(stop, 'aria-label', `Stop ${told(uri)}`);
    stop.onclick = async () => {
        const capture = captureOf(uri);
        if (!capture) return;
        await attempt('Stop', () => garden.http(`captures/stop?id=${capture.id}`, 'POST'));
        refresh(0);
    };
    head.append(make('h3', '', told(uri)), make('span', 'tag'), make('span', 'quiet'), stop);
    const sound = make('div', 'sound');
    const wave = make('canvas', 'wave');
    attr(wave, 'role', 'img');
    attr(wave, 'aria-label', `Waveform of ${told(uri)}`);
    sound.append(wave, make('div', 'meters'));
    const figures = make('dl', 'figures');
    figures.append(...['head', 'captured', 'overrun', 'on disk', 'standby chunk', 'full chunks'].map(figure));
    out.append(head, sound, make('p', 'quiet legend'), figures, make('ol', 'chunks'), make('p', 'troubles'), make('p', 'quiet mono'));
    return out;
}

function updateStream(element, stream)
{
    const [head, sound, legend, figures, chunks, troubles, note] = element.children;
    const [, tag, what, stop] = head.children;
    const capture = captureOf(stream.uri);
    const state = stream.ended && stream.state === 'recording' ? 'source ended' : stream.state;
    attr(tag, 'class', `tag ${stream.state}`);
    if (tag.textContent && tag.textContent !== state) announce(`${told(stream.uri)}: ${state}`);
    put(tag, state);
    put(what, stream.rate ? `${told(stream.source, 40)}, ${stream.rate} Hz, ${stream.channels} channels, ${stream.format}` : stream.source ? told(stream.source, 40) : '');
    stop.hidden = capture?.state !== 'running';
    able(stop, live());
    const time = frames => stream.rate ? ` (${(frames / stream.rate).toFixed(2)} s)` : '';
    const values = [count.format(stream.offered) + time(stream.offered), count.format(stream.captured), count.format(stream.overrun),
                    bytes(stream.bytes), stream.standby === null || stream.state === 'stopped' ? '–' : stream.standby ? 'ready' : 'wanted',
                    String(stream.chunks.size)];
    values.forEach((value, i) => put(figures.children[i].lastChild, value));
    attr(figures.children[2].lastChild, 'class', stream.overrun > 0 ? 'lost' : '');
    sound.hidden = !stream.peaks;
    if (stream.peaks) drawWave(sound.firstChild, legend, stream);
    else legend.hidden = true;
    drawChunks(chunks, stream);
    const last = stream.troubles[stream.troubles.length - 1];
    put(troubles, last ? told(last.error, 400) : '');
    troubles.hidden = !last;
    put(note, capture?.manifest ? `manifest ${capture.manifest}` : capture?.state === 'failed' ? told(capture.last, 400) : '');
    note.hidden = !note.textContent;
    drawChannels(sound.lastChild, stream);
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
        style(item, '--full', `${(part * 100).toFixed(1)}%`);
        put(item.firstChild, `${chunk.number} ${chunk.state === 'filling' ? `${Math.round(part * 100)} %` : chunk.state}`);
        put(item.lastChild, chunk.hash ? `${chunk.hash.slice(0, 8)}…` : `${count.format(chunk.frames)} frames`);
    });
}
