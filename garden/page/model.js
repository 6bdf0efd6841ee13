// What is known of the daemon: from its welcome, its events and its answers. No DOM and no network in here, so
// that node can test it. What nothing told is null, and is shown as not known.
const LOG_MAX = 2000;     // events that are kept
const PEAKS_MAX = 1500;   // steps of a waveform: half a minute
const CHUNKS_MAX = 64;    // of a stream that are kept
const TROUBLES_MAX = 20;
const GAPS_MAX = 64;      // in the events' numbers that are asked about
const LOST_MAX = 4096;    // gaps of a stream, as many as the daemon keeps

export class Model {
    constructor()
    {
        this.session = null;
        this.log = [];
        this.counts = {events: 0, missed: 0, unread: 0};
        this.clear();
    }

    // What a daemon that was started anew knows nothing of.
    clear()
    {
        this.nextSeq = null;
        this.gaps = []; // [from, to): numbers that did not come, for the page to ask about
        this.transport = {playing: null, position: null, tempo: null, known: 0};
        this.regions = [];
        this.regionsCut = false;     // there are more than the daemon tells of
        this.participants = [];
        this.streams = new Map();
        this.sources = null;
        this.captures = [];
        this.status = null;
    }

    get regions()
    {
        return this.rows;
    }

    set regions(rows)
    {
        this.rows = rows;
        this.byId = new Map(rows.map(region => [region.id, region]));
        this.progressed = new Set();
    }

    region(id)
    {
        return this.byId.get(id);
    }

    // Those whose progress was told since this was asked last.
    takeProgressed()
    {
        const taken = this.progressed;
        this.progressed = new Set();
        return taken;
    }

    // Where the playhead is now, as far as what was told last lets us say: it isn't drawn further than a
    // second beyond that.
    position(now)
    {
        const {playing, position, tempo, known} = this.transport;
        if (position === null) return null;
        if (!playing || !tempo) return position;
        return position + Math.min(1000, Math.max(0, now - known)) / 60000 * tempo;
    }

    setTransport(transport, now)
    {
        Object.assign(this.transport, transport, {known: now});
    }

    // Returns true when what is known should be asked for anew.
    event(event, now)
    {
        const {seq, name, content, metadata} = event;
        if (name === 'Welcome') return this.welcome(event, now);
        this.counts.events++;
        let stale = false;
        if (typeof seq === 'number') {
            if (this.nextSeq !== null && seq < this.nextSeq) return false; // came twice
            if (this.nextSeq !== null && seq > this.nextSeq) {
                this.miss(seq - this.nextSeq, event.at);
                stale = true;
            }
            this.nextSeq = seq + 1;
        }
        this.keep(event);
        const take = TAKERS[name];
        return (take && take(this, content, metadata, now)) || stale;
    }

    miss(count, at)
    {
        this.counts.missed += count;
        const row = {seq: null, at, name: 'missed', content: {count}, metadata: {}};
        this.gaps.push({from: this.nextSeq, to: this.nextSeq + count, row});
        if (this.gaps.length > GAPS_MAX) this.gaps.shift();
        this.keep(row);
    }

    // Events of a gap that the daemon had still; those that it hadn't stay missed. The state that followed from
    // them is known otherwise.
    recover(gap, events)
    {
        this.gaps = this.gaps.filter(one => one !== gap);
        const {row} = gap, index = this.log.indexOf(row);
        this.counts.missed -= events.length;
        this.counts.events += events.length;
        row.content.count -= events.length;
        delete row.line;
        if (index >= 0) this.log.splice(index, row.content.count === 0 ? 1 : 0, ...events);
        this.past(events);
    }

    // What there was before the page came: for the list, and for the waveforms.
    history(events)
    {
        this.log.unshift(...events);
        this.past(events);
    }

    // Levels of heads that came late, newest first: where a position is beyond the one behind it, it was told of
    // another stream with this name.
    past(events)
    {
        const limits = new Map([...this.streams].map(([uri, {head, offered}]) => [uri, head ?? offered]));
        for (const {name, content, metadata} of [...events].reverse()) {
            const stream = this.streams.get(content?.stream_uri);
            if (name === 'StreamError' && stream && metadata?.gap) addGap(stream, metadata.gap);
            if (name !== 'StreamHeadPosition' || !stream) continue;
            const beyond = content.sample_position > limits.get(stream.uri);
            limits.set(stream.uri, beyond ? -1 : content.sample_position);
            if (!beyond && metadata?.levels) placeLevels(stream, metadata.levels);
        }
    }

    // The event with this number is the next one, whatever was told.
    missUpTo(next)
    {
        if (next > this.nextSeq) this.miss(next - this.nextSeq, '');
        this.nextSeq = Math.max(this.nextSeq, next);
    }

    // Events that nobody had the time to read.
    skip(count)
    {
        this.counts.unread += count;
    }

    welcome({at, content}, now)
    {
        const again = this.session !== null && this.session !== content.session;
        if (again) this.clear();
        this.keep({seq: null, at, name: again ? 'started anew' : 'welcome', content: {next_seq: content.next_seq}, metadata: {}});
        if (this.nextSeq !== null && content.next_seq > this.nextSeq) this.miss(content.next_seq - this.nextSeq, at);
        this.session = content.session;
        this.nextSeq = content.next_seq;
        const state = content.state;
        if (state?.transport) this.setTransport(state.transport, now);
        if (state?.regions) this.regions = state.regions;
        if (state?.participants) this.participants = state.participants;
        return true;
    }

    keep(event)
    {
        this.log.push(event);
        // Not one by one: a flood would spend its time here.
        if (this.log.length > LOG_MAX + LOG_MAX / 4) this.log.splice(0, this.log.length - LOG_MAX);
    }

    stream(uri)
    {
        let stream = this.streams.get(uri);
        if (!stream) {
            stream = {uri, source: null, state: 'recording', rate: null, channels: null, format: null, chunkSize: null,
                      startedAt: null, head: null, lost: [], offered: 0, captured: 0, overrun: 0, bytes: 0, path: null, standby: null,
                      chunks: new Map(), levels: null, levelsAt: 0, peaks: null, troubles: [], ended: false};
            this.streams.set(uri, stream);
        }
        return stream;
    }

    // What a query told of all streams.
    setStreams(rows)
    {
        for (const row of rows) {
            if (this.streams.get(row.uri)?.startedAt && this.streams.get(row.uri).startedAt !== row.started_at)
                this.streams.delete(row.uri); // another one of that name
            const stream = this.stream(row.uri);
            Object.assign(stream, {source: row.source, state: row.state, rate: row.sample_rate, channels: row.channels,
                                   format: row.sample_format, chunkSize: row.chunk_size_bytes, startedAt: row.started_at});
            if (row.offered >= stream.offered) {
                stream.offered = row.offered;
                stream.captured = row.captured;
                stream.overrun = row.overrun;
                stream.bytes = row.bytes;
            }
            (row.gap_first ?? []).forEach((first, i) => addGap(stream, [first, row.gap_count[i]]));
            row.number.forEach((number, i) => {
                const chunk = this.chunk(stream, number);
                Object.assign(chunk, {first: row.first_sample[i], frames: row.sample_count[i], bytes: row.byte_count[i]});
                if (chunk.state !== 'sealed') chunk.state = 'full';
            });
        }
        const known = new Set(rows.map(row => row.uri));
        // One that began while the answer was on its way is in no answer yet.
        for (const [uri, {startedAt}] of this.streams)
            if (startedAt !== null && !known.has(uri)) this.streams.delete(uri);
        this.seal();
    }

    chunk(stream, number)
    {
        let chunk = stream.chunks.get(number);
        if (!chunk) {
            chunk = {number, first: null, frames: 0, bytes: 0, state: 'filling', hash: null};
            stream.chunks.set(number, chunk);
            if (stream.chunks.size > CHUNKS_MAX) stream.chunks.delete(Math.min(...stream.chunks.keys()));
        }
        return chunk;
    }

    // The chunk that takes frames now, which no report names: what was offered since the last full one, but for
    // what was overrun.
    filling(stream)
    {
        if (stream.state === 'stopped') return null;
        let last = null;
        for (const chunk of stream.chunks.values())
            if (!last || chunk.number > last.number) last = chunk;
        const first = last ? last.first + last.frames : 0;
        let frames = stream.offered - first;
        for (const {gap} of stream.troubles)
            if (gap && gap[0] >= first) frames -= gap[1];
        const size = stream.captured > 0 ? stream.bytes / stream.captured : 0;
        frames = Math.max(0, frames);
        return {number: last ? last.number + 1 : 0, first, frames, bytes: Math.round(frames * size), state: 'filling', hash: null};
    }

    // What the captures that the page began have sealed is what their client printed.
    setCaptures(captures)
    {
        this.captures = captures.map(capture => ({...capture, ...readOutput(capture.output)}));
        this.seal();
    }

    seal()
    {
        for (const capture of this.captures) {
            const stream = this.streams.get(capture.uri);
            if (!stream || this.captures.some(other => other.uri === capture.uri && other.id > capture.id)) continue;
            for (const {number, frames, hash} of capture.sealed) {
                const chunk = stream.chunks.get(number);
                if (chunk && (chunk.frames === frames || chunk.state === 'filling'))
                    Object.assign(chunk, {state: 'sealed', hash});
            }
        }
    }
}

// The lines of gardenctl capture.
export function readOutput(output)
{
    const sealed = [...output.matchAll(/^chunk (\d+) sealed: (\d+) frames from (\d+), ([0-9a-f]{16})\.\.\.$/mg)].map(
        ([, number, frames, first, hash]) => ({number: Number(number), frames: Number(frames), first: Number(first), hash}));
    const manifest = output.match(/^manifest ([0-9a-f]{64})$/m)?.[1] ?? null;
    const lines = output.trimEnd().split('\n');
    return {sealed, manifest, last: lines[lines.length - 1]};
}

function takeHead(model, content, metadata, now)
{
    let stream = model.streams.get(content.stream_uri);
    // Or another one of that name. What a query told may be newer than this, so that is no sign of it.
    const fresh = !stream || (stream.head !== null && content.sample_position < stream.head);
    if (fresh) {
        model.streams.delete(content.stream_uri);
        stream = model.stream(content.stream_uri);
    }
    stream.head = content.sample_position;
    const {totals, path, standby, levels, ended} = metadata;
    if (totals && totals.offered >= stream.offered)
        Object.assign(stream, {offered: totals.offered, captured: totals.captured, overrun: totals.overrun, bytes: totals.bytes});
    Object.assign(stream, {path: path ?? null, standby: standby ?? null, ended: ended ?? false, state: 'recording'});
    if (levels) {
        stream.levels = levels.peaks;
        stream.levelsAt = now;
        placeLevels(stream, levels);
    }
    return fresh;
}

function addGap(stream, gap)
{
    const {lost} = stream;
    let at = lost.length;
    while (at > 0 && lost[at - 1][0] > gap[0]) at--;
    if (at > 0 && lost[at - 1][0] === gap[0])
        lost[at - 1] = gap; // it has grown
    else
        lost.splice(at, 0, gap);
    if (lost.length > LOST_MAX) lost.shift();
}

// The frames that were captured before a position of the stream: levels are told by these.
export function capturedBefore({lost}, position)
{
    let out = position;
    for (const [first, count] of lost) {
        if (first >= position) break;
        out -= Math.min(count, position - first);
    }
    return out;
}

// Steps half as long, and so on, until they have |step| frames.
function refine(peaks, step)
{
    const times = Math.round(peaks.step / step);
    const surplus = Math.max(0, peaks.least.length * times - PEAKS_MAX);
    for (const name of ['least', 'greatest'])
        peaks[name] = peaks[name].flatMap(value => Array(times).fill(value)).slice(surplus);
    peaks.first += surplus * step;
    peaks.step = step;
}

// Puts levels where they belong, in whatever order they come; what was not told stays null.
function placeLevels(stream, {first, step, frames, least, greatest})
{
    const peaks = stream.peaks ??= {step, first, least: [], greatest: []};
    if (step < peaks.step) refine(peaks, step);
    const times = step / peaks.step; // the daemon tells in longer steps what it could not tell in time
    const count = Math.min(least.length * times, Math.ceil((frames ?? least.length * step) / peaks.step));
    let at = Math.round((first - peaks.first) / peaks.step);
    if (at > peaks.least.length + PEAKS_MAX) {
        Object.assign(peaks, {first, least: [], greatest: []});
        at = 0;
    }
    const before = Math.min(-at, PEAKS_MAX - peaks.least.length);
    if (before > 0) {
        peaks.least.unshift(...Array(before).fill(null));
        peaks.greatest.unshift(...Array(before).fill(null));
        peaks.first -= before * peaks.step;
        at += before;
    }
    while (peaks.least.length < at) {
        peaks.least.push(null);
        peaks.greatest.push(null);
    }
    for (let i = Math.max(0, -at); i < count; i++) {
        peaks.least[at + i] = least[Math.floor(i / times)];
        peaks.greatest[at + i] = greatest[Math.floor(i / times)];
    }
    peaks.told = (peaks.told ?? 0) + 1;
    const surplus = peaks.least.length - PEAKS_MAX;
    if (surplus > 0) {
        peaks.least.splice(0, surplus);
        peaks.greatest.splice(0, surplus);
        peaks.first += surplus * peaks.step;
    }
}

const TAKERS = {
    Status: (model, {execution_state: state}) => {
        model.status = state;
        return false;
    },
    PlaybackStarted: (model, content, metadata, now) => {
        model.setTransport({position: model.position(now), playing: true}, now);
        return true;
    },
    PlaybackStopped: (model, content, metadata, now) => {
        model.setTransport({position: model.position(now), playing: false}, now);
        return true;
    },
    PlaybackPosition: (model, {beat}, metadata, now) => {
        model.setTransport({position: beat}, now);
        return false;
    },
    StreamHeadPosition: takeHead,
    StreamChunkFull: (model, {stream_uri: uri}, {chunk}) => {
        if (!chunk) return true;
        const stream = model.stream(uri);
        const kept = model.chunk(stream, chunk.number);
        Object.assign(kept, {first: chunk.first_sample, frames: chunk.sample_count, bytes: chunk.byte_count});
        if (kept.state !== 'sealed') kept.state = 'full';
        model.seal();
        return false;
    },
    StreamError: (model, {stream_uri: uri, error}, {gap}) => {
        const stream = model.stream(uri);
        if (gap) addGap(stream, gap);
        stream.troubles.push({error, gap: gap ?? null});
        if (stream.troubles.length > TROUBLES_MAX) stream.troubles.shift();
        return false;
    },
    LatentProgress: (model, {region_id: id, progress}) => {
        const region = model.region(id);
        if (!region) return true;
        region.latent_progress = progress;
        model.progressed.add(id);
        return false;
    },
};
for (const name of ['LatentSubmitted', 'LatentResolved', 'LatentFailed', 'LatentApproved', 'LatentRejected',
                    'ParticipantOnline', 'ParticipantOffline', 'CapabilityChanged'])
    TAKERS[name] = () => true;
