// Transport and timeline: play, pause, seek, tempo; the regions, and the playhead that moves over them.
import {attempt, garden, live, readTransport, shell} from './ask.js';
import {$, able, attr, list, make, put, style} from './dom.js';
import {called, drawLatents, placed} from './latents.js';
import {mark, model} from './state.js';
import {beats, count, fixed, sessionWords} from './words.js';

const REGIONS_MAX = 1000; // that are drawn
const ROW_REM = 2.3;
const END_MAX = 2 ** 1000; // beats; what lies beyond is drawn there

// ---- The playhead

const still = matchMedia('(prefers-reduced-motion: reduce)');
let shownSpan = 0, tick = 2; // beats: of all that is shown, and between two marks

// Of the regions, and of four bars at least.
const lastEnd = () => model.regions.reduce((end, {position, duration}) => Math.max(end, position + duration), 16);

// What the regions and the playhead need, in whole marks.
function span()
{
    const end = Math.min(END_MAX, Math.max(lastEnd(), (model.position(performance.now()) ?? 0) + 4));
    tick = 2 ** Math.max(1, Math.ceil(Math.log2(end / 12)));
    return Math.ceil(end / tick) * tick;
}

export function drawPlayhead(now)
{
    const beat = model.position(now);
    const {tempo} = model.transport;
    put($('beat'), fixed(beat, 2));
    put($('second'), beat === null || !tempo ? '–' : `${fixed(beat / tempo * 60, 2)} s`);
    $('playhead').hidden = beat === null;
    if (beat === null) return;
    if (beat > shownSpan) mark('regions');
    // Who asks for less motion sees it step from beat to beat.
    const x = (still.matches && model.transport.playing ? Math.floor(beat) : beat) / (shownSpan || 16) * $('stage').clientWidth;
    style($('playhead'), 'transform', `translateX(${x.toFixed(1)}px)`);
    attr($('timeline'), 'aria-valuenow', Math.floor(beat));
    attr($('timeline'), 'aria-valuetext', `beat ${Math.floor(beat)}`);
}

export function drawTransport()
{
    const {playing, tempo} = model.transport;
    put($('play'), playing ? 'Pause' : 'Play');
    for (const id of ['play', 'stop', 'panic']) able($(id), live());
    for (const id of ['seek-form', 'tempo-form']) for (const element of $(id).elements) able(element, live());
    if (document.activeElement !== $('tempo') && tempo && !$('tempo').dataset.edited) $('tempo').value = Math.round(tempo * 1000) / 1000;
    put($('session'), sessionWords(model));
}

// ---- Regions

const status = region => region.behavior_type === 'latent' ? region.latent_status : region.behavior_type;

// Regions that overlap lie below each other.
function rowsOf(regions)
{
    const ends = [];
    return regions.map(region => {
        let at = ends.findIndex(end => end <= region.position);
        if (at < 0) at = ends.length;
        ends[at] = region.position + region.duration;
        return {region, at};
    });
}

const percent = part => `${Math.round(part * 1e5) / 1e3}%`;
const done = region => region.latent_status === 'running' ? percent(region.latent_progress ?? 0) : '0%';

function createRegion()
{
    const out = make('div', 'region');
    attr(out, 'role', 'listitem');
    out.append(make('span'), make('i', 'done'));
    return out;
}

function updateRegion(element, {region, at})
{
    const name = called(region);
    attr(element, 'data-status', status(region) ?? '');
    put(element.firstChild, region.behavior_type === 'latent' ? `${name} · ${region.latent_status}` : name);
    attr(element, 'title', `${name}, ${placed(region)}`);
    style(element, 'left', percent(region.position / shownSpan));
    style(element, 'width', percent(region.duration / shownSpan));
    style(element, 'top', `${.3 + at * ROW_REM}rem`);
    style(element.lastChild, 'width', done(region));
}

export function drawRegions()
{
    shownSpan = span();
    const ordered = [...model.regions].sort((a, b) => a.position - b.position);
    const rows = rowsOf(ordered.slice(0, REGIONS_MAX));
    const height = rows.reduce((most, {at}) => Math.max(most, at + 1), 1);
    style($('regions'), 'height', `${height * ROW_REM + .6}rem`);
    attr($('timeline'), 'aria-valuemax', shownSpan);
    list($('ruler'), [...Array(Math.round(shownSpan / tick)).keys()].map(i => i * tick), beat => beat, () => make('span'), (element, beat) => {
        put(element, beats(beat));
        style(element, 'left', percent(beat / shownSpan));
    });
    list($('regions'), rows, ({region}) => region.id, createRegion, updateRegion);
    const all = `${count.format(ordered.length)}${model.regionsCut ? ' and more' : ''}`;
    put($('region-note'), ordered.length > REGIONS_MAX ? `The first ${count.format(REGIONS_MAX)} of ${all} regions are drawn.` : '');
    drawLatents();
}

// Of the regions whose progress was told; nothing else moves.
export function drawProgress()
{
    for (const id of model.takeProgressed()) {
        const element = $('regions').kept?.get(id);
        if (element) style(element.lastChild, 'width', done(model.region(id)));
    }
    drawLatents();
}

// ---- What the user wants

export async function transport(what, content)
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
$('stage').onclick = event => {
    const box = $('stage').getBoundingClientRect();
    if (live()) seek((event.clientX - box.left) / $('stage').clientWidth * shownSpan);
};
$('timeline').onkeydown = event => {
    const beat = model.position(performance.now()) ?? 0;
    const to = {ArrowLeft: beat - 1, ArrowDown: beat - 1, ArrowRight: beat + 1, ArrowUp: beat + 1,
                PageUp: beat + 4, PageDown: beat - 4, Home: 0, End: lastEnd()}[event.key];
    if (to === undefined || !live() || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    seek(to);
};
document.addEventListener('keydown', event => {
    const typing = event.target.closest('button, input, select, textarea, a');
    if (event.key !== ' ' || typing || event.ctrlKey || event.metaKey || event.altKey || !live()) return;
    event.preventDefault();
    if (!event.repeat) togglePlay();
});
addEventListener('resize', () => mark('regions', 'streams'));
