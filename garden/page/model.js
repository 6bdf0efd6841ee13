// What is known of the daemon: from its welcome, its events and its answers. No DOM and no network in here, so
// that node can test it. What nothing told is null, and is shown as not known.
const LOG_MAX = 2000;     // events that are kept
const PEAKS_MAX = 1500;   // steps of a waveform: half a minute
const CHUNKS_MAX = 64;    // of a stream that are kept
const TROUBLES_MAX = 20;

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
        this.transport = {playing: null, position: null, tempo: null, known: 0};
        this.regions = [];
        this.regionsCut = false;
        this.participants = [];
        this.streams = new Map();
        this.sources = null;
        this.captures = [];
        this.status = null;
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
        this.keep({seq: null, at, name: 'missed', content: {count}, metadata: {}});
    }

    // What there was before the page came: for the list alone, as the state that followed from it is known.
    history(events)
    {
        this.log.unshift(...events);
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
                      startedAt: null, offered: 0, captured: 0, overrun: 0, bytes: 0, path: null, standby: null,
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
    const fresh = !stream || content.sample_position < stream.offered;
    if (fresh) { // or another one of that name
        model.streams.delete(content.stream_uri);
        stream = model.stream(content.stream_uri);
    }
    const {totals, path, standby, levels, ended} = metadata;
    if (totals) Object.assign(stream, {offered: totals.offered, captured: totals.captured, overrun: totals.overrun, bytes: totals.bytes});
    Object.assign(stream, {path: path ?? null, standby: standby ?? null, ended: ended ?? false, state: 'recording'});
    if (levels) takeLevels(stream, levels, now);
    return fresh;
}

function takeLevels(stream, levels, now)
{
    stream.levels = levels.peaks;
    stream.levelsAt = now;
    const {first, step, least, greatest} = levels;
    const peaks = stream.peaks ?? {step, first, least: [], greatest: []};
    const missing = Math.round((first - peaks.first) / step) - peaks.least.length;
    // What was not told stays empty.
    for (let i = 0; i < Math.min(missing, PEAKS_MAX); i++) {
        peaks.least.push(null);
        peaks.greatest.push(null);
    }
    if (missing > PEAKS_MAX || missing < 0) Object.assign(peaks, {first, least: [], greatest: []});
    peaks.least.push(...least);
    peaks.greatest.push(...greatest);
    const surplus = peaks.least.length - PEAKS_MAX;
    if (surplus > 0) {
        peaks.least.splice(0, surplus);
        peaks.greatest.splice(0, surplus);
        peaks.first += surplus * step;
    }
    stream.peaks = peaks;
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
        stream.troubles.push({error, gap: gap ?? null});
        if (stream.troubles.length > TROUBLES_MAX) stream.troubles.shift();
        return false;
    },
    LatentProgress: (model, {region_id: id, progress}) => {
        const region = model.regions.find(one => one.id === id);
        if (region) region.latent_progress = progress;
        return !region;
    },
};
for (const name of ['LatentSubmitted', 'LatentResolved', 'LatentFailed', 'LatentApproved', 'LatentRejected',
                    'ParticipantOnline', 'ParticipantOffline', 'CapabilityChanged'])
    TAKERS[name] = () => true;
