// garden/page's JavaScript without a browser and without a daemon: the octets of ZWS, the sockets over a
// WebSocket that is none, and the model. Reports in TAP.
import assert from 'node:assert/strict';

import {Garden, LANES} from '../../../garden/page/garden.js';
import {Model, capturedBefore, readOutput} from '../../../garden/page/model.js';
import {beats, seen, sessionWords, told} from '../../../garden/page/words.js';
import {Dealer, Peer, Sub, ZwsError, commandDecode, commandEncode, frameDecode, frameEncode} from '../../../garden/page/zmtp-ws.js';
import {runAll, test} from './test.mjs';

const octets = (...list) => new Uint8Array(list);
const text = bytes => new TextDecoder().decode(bytes);

// ---- Octets

test('a frame is its flags and its body', () => {
    assert.deepEqual(frameEncode(octets(7, 8), 1), octets(1, 7, 8));
    assert.deepEqual(frameDecode(octets(0)), {more: false, command: false, body: octets()});
    assert.deepEqual(frameDecode(octets(1, 9)), {more: true, command: false, body: octets(9)});
    assert.deepEqual(frameDecode(octets(2, 9)), {more: false, command: true, body: octets(9)});
});

test('frames that are none are refused', () => {
    for (const wrong of [[], [3], [4, 1], [0x80]])
        assert.throws(() => frameDecode(octets(...wrong)), ZwsError, String(wrong));
});

test('a command is the size of its name, its name and its data', () => {
    const ping = commandEncode('PING', octets(0, 10));
    assert.deepEqual(ping, octets(4, 0x50, 0x49, 0x4e, 0x47, 0, 10));
    assert.deepEqual(commandDecode(ping), {name: 'PING', data: octets(0, 10)});
    for (const wrong of [[], [0], [5, 0x50]]) assert.throws(() => commandDecode(octets(...wrong)), ZwsError);
});

// ---- The peer

function peerOf(options = {})
{
    const seen = {frames: [], messages: [], ready: 0};
    const peer = new Peer({onFrame: frame => seen.frames.push(frame), onMessage: parts => seen.messages.push(parts),
                           onReady: () => seen.ready++, ...options});
    return {peer, seen};
}

test('routing ids are the handshake', () => {
    const {peer, seen} = peerOf({identity: 'me'});
    peer.begin('ZWS2.0');
    assert.deepEqual(seen.frames, [octets(0, 0x6d, 0x65)]);
    assert.equal(seen.ready, 0);
    peer.take(octets(0));
    assert.equal(seen.ready, 1);
});

test('another subprotocol is refused, and so is none', () => {
    for (const wrong of ['', 'ZWS2.0/NULL', 'chat']) assert.throws(() => peerOf().peer.begin(wrong), ZwsError);
});

test('what is no routing id before the handshake is refused', () => {
    for (const wrong of [[1, 1], [2, 4, 0x50, 0x49, 0x4e, 0x47, 0, 0]]) {
        const {peer} = peerOf();
        peer.begin('ZWS2.0');
        assert.throws(() => peer.take(octets(...wrong)), ZwsError);
    }
});

test('parts become a message when the last one is there', () => {
    const {peer, seen} = peerOf();
    peer.begin('ZWS2.0');
    peer.take(octets(0));
    peer.take(octets(1, 65));
    assert.equal(seen.messages.length, 0);
    peer.take(octets(0, 66));
    peer.take(octets(0));
    assert.deepEqual(seen.messages, [[octets(65), octets(66)], [octets()]]);
});

test('a message beyond the limits ends it', () => {
    const {peer} = peerOf({partMax: 3, partsMax: 2});
    peer.begin('ZWS2.0');
    peer.take(octets(0));
    assert.throws(() => peer.take(octets(0, 1, 2, 3, 4)), /part of 4 octets/);
    const many = peerOf({partsMax: 2});
    many.peer.begin('ZWS2.0');
    many.peer.take(octets(0));
    many.peer.take(octets(1));
    many.peer.take(octets(1));
    assert.throws(() => many.peer.take(octets(0)), /limits/);
});

test('a PING is answered with its context and another command passed over', () => {
    const {peer, seen} = peerOf();
    peer.begin('ZWS2.0');
    peer.take(octets(0));
    peer.take(frameEncode(commandEncode('PING', octets(0, 10, 1, 2)), 2));
    assert.deepEqual(seen.frames[1], frameEncode(commandEncode('PONG', octets(1, 2)), 2));
    peer.take(frameEncode(commandEncode('FUTURE', octets(1)), 2));
    assert.throws(() => peer.take(frameEncode(commandEncode('PING', octets(0)), 2)), ZwsError);
});

// ---- Sockets over a WebSocket of ours

class Fake {
    static all = [];
    constructor(url, protocols)
    {
        Object.assign(this, {url, protocols, sent: [], closed: false, bufferedAmount: 0});
        Fake.all.push(this);
    }
    send(frame)
    {
        this.sent.push(frame);
    }
    close()
    {
        this.closed = true;
    }
    open(protocol = 'ZWS2.0')
    {
        this.protocol = protocol;
        this.onopen();
        this.say(octets(0));
    }
    say(bytes)
    {
        this.onmessage({data: bytes.slice().buffer});
    }
}

const later = milliseconds => new Promise(done => setTimeout(done, milliseconds));

async function until(what, condition)
{
    for (const end = Date.now() + 20000; !condition(); await later(5)) assert.ok(Date.now() < end, what);
}

test('what is sent before the connection is there waits for it', () => {
    Fake.all = [];
    const dealer = new Dealer('ws://x', {WebSocket: Fake, waitingMax: 2});
    assert.deepEqual(Fake.all[0].protocols, ['ZWS2.0']);
    assert.equal(dealer.send(['a', octets(1)]), true);
    assert.equal(dealer.send(['b']), true);
    assert.equal(dealer.send(['c']), false, 'more than may wait');
    Fake.all[0].open();
    assert.deepEqual(Fake.all[0].sent, [octets(0), octets(1, 97), octets(0, 1), octets(0, 98)]);
    assert.deepEqual(dealer.counters.dropped, 1);
    dealer.close();
    assert.equal(Fake.all[0].closed, true);
});

test('a lost connection is dialled again with pauses that grow', async () => {
    Fake.all = [];
    const states = [];
    const dealer = new Dealer('ws://x', {WebSocket: Fake, retryMs: 8, retryMaxMs: 40, onState: (state, why) => states.push(`${state} ${why}`)});
    const times = [Date.now()];
    for (let i = 1; i <= 5; i++) {
        Fake.all[i - 1].onclose({reason: '', code: 1006});
        await until('it dials again', () => Fake.all.length > i);
        times.push(Date.now());
    }
    assert.ok(times[5] - times[4] >= 19, 'the fifth pause is 20 ms at least');
    assert.ok(states.includes('waiting nothing answers there any more, or yet'), states);
    Fake.all[5].open();
    assert.equal(dealer.failures, 0, 'after success it begins with the shortest again');
    Fake.all[0].onclose({reason: 'old', code: 1000});
    assert.equal(dealer.state, 'ready', 'what an old connection says is nothing to us');
    dealer.close();
});

test('a subscription is told once and again with each connection', async () => {
    Fake.all = [];
    const sub = new Sub('ws://x', {WebSocket: Fake, retryMs: 1});
    sub.subscribe('ab');
    sub.subscribe('ab');
    Fake.all[0].open();
    assert.deepEqual(Fake.all[0].sent[1], octets(0, 1, 97, 98));
    assert.equal(Fake.all[0].sent.length, 2);
    sub.subscribe('');
    assert.deepEqual(Fake.all[0].sent[2], octets(0, 1));
    sub.unsubscribe('ab');
    assert.equal(Fake.all[0].sent.length, 3, 'one of two is left');
    sub.unsubscribe('ab');
    assert.deepEqual(Fake.all[0].sent[3], octets(0, 0, 97, 98));
    Fake.all[0].onclose({reason: '', code: 1006});
    await until('it dials again', () => Fake.all.length > 1);
    Fake.all[1].open();
    assert.deepEqual(Fake.all[1].sent, [octets(0), octets(0, 1)]);
    sub.close();
});

test('a peer that says nothing is asked and then left', async () => {
    Fake.all = [];
    const sub = new Sub('ws://x', {WebSocket: Fake, heartbeatMs: 10, heartbeatTimeoutMs: 60, retryMs: 1});
    Fake.all[0].open();
    await until('a PING', () => Fake.all[0].sent.length > 1);
    assert.equal(commandDecode(frameDecode(Fake.all[0].sent[1]).body).name, 'PING');
    await until('another connection', () => Fake.all.length > 1);
    assert.equal(Fake.all[0].closed, true);
    sub.close();
});

test('a wall clock that jumps ends no connection and saves none', async () => {
    Fake.all = [];
    const real = Date.now;
    const sub = new Sub('ws://x', {WebSocket: Fake, heartbeatMs: 10, heartbeatTimeoutMs: 20000, retryMs: 1});
    try {
        Fake.all[0].open();
        Date.now = () => real() + 3600e3;
        await until('a PING', () => Fake.all[0].sent.length > 2);
        assert.equal(Fake.all.length, 1);
        Fake.all[0].onclose({reason: '', code: 1006});
        await until('another connection', () => Fake.all.length > 1);
        sub.options.heartbeatTimeoutMs = 30;
        Date.now = () => real() - 3600e3;
        Fake.all[1].open();
        await until('another connection, as nothing is heard', () => Fake.all.length > 2);
    } finally {
        Date.now = real;
        sub.close();
    }
});

test('what breaks the rules ends the connection and is dialled again', async () => {
    Fake.all = [];
    let why;
    const sub = new Sub('ws://x', {WebSocket: Fake, retryMs: 1, onState: (state, words) => why = words || why});
    Fake.all[0].open();
    Fake.all[0].say(octets(0xff));
    assert.match(why, /unknown flags 255/);
    await until('another connection', () => Fake.all.length > 1);
    Fake.all[1].open();
    Fake.all[1].onmessage({data: 'text'});
    assert.match(why, /text/);
    sub.close();
});

// ---- The model

const head = (offered, more = {}) => ({seq: undefined, at: '', name: 'StreamHeadPosition', content: {stream_uri: 's', sample_position: offered},
    metadata: {totals: {offered, captured: offered, overrun: 0, bytes: offered * 8, chunks: 0}, path: 'x.0', standby: true, ...more}});

test('a jump of the numbers is counted and makes it ask anew', () => {
    const model = new Model();
    model.event({name: 'Welcome', at: '', metadata: {}, content: {session: 'a', next_seq: 5, state: null}}, 0);
    assert.equal(model.event({seq: 5, name: 'Warning', at: '', content: {}, metadata: {}}, 0), false);
    assert.equal(model.event({seq: 9, name: 'Warning', at: '', content: {}, metadata: {}}, 0), true);
    assert.equal(model.counts.missed, 3);
    assert.equal(model.event({seq: 9, name: 'Warning', at: '', content: {}, metadata: {}}, 0), false, 'twice');
    assert.equal(model.log.filter(({name}) => name === 'Warning').length, 2);
});

test('a daemon of another session is known nothing of', () => {
    const model = new Model();
    model.event({name: 'Welcome', at: '', metadata: {}, content: {session: 'a', next_seq: 50, state: null}}, 0);
    model.event(head(10), 0);
    model.event({name: 'Welcome', at: '', metadata: {}, content: {session: 'b', next_seq: 0, state: null}}, 0);
    assert.equal(model.streams.size, 0);
    assert.equal(model.counts.missed, 0);
    assert.equal(model.log.at(-1).name, 'started anew');
});

test('the playhead goes on by the tempo and no further than was told', () => {
    const model = new Model();
    assert.equal(model.position(0), null);
    model.setTransport({playing: true, position: 8, tempo: 120}, 1000);
    assert.equal(model.position(1500), 9);
    assert.equal(model.position(60000), 10, 'a second, and then it waits for news');
    model.event({seq: 0, name: 'PlaybackStopped', at: '', content: {}, metadata: {}}, 1500);
    assert.equal(model.position(9000), 9);
});

test('chunks fill and get full and are sealed', () => {
    const model = new Model();
    model.event(head(100), 0);
    const stream = model.streams.get('s');
    assert.deepEqual(model.filling(stream), {number: 0, first: 0, frames: 100, bytes: 800, state: 'filling', hash: null});
    model.event({name: 'StreamChunkFull', at: '', content: {stream_uri: 's'}, metadata: {chunk: {number: 0, first_sample: 0, sample_count: 150, byte_count: 1200}}}, 0);
    model.event(head(170), 0);
    assert.equal(stream.chunks.get(0).state, 'full');
    assert.equal(model.filling(stream).frames, 20);
    model.event({name: 'StreamError', at: '', content: {stream_uri: 's', error: 'overrun'}, metadata: {gap: [160, 5]}}, 0);
    assert.equal(model.filling(stream).frames, 15, 'what was overrun is in no chunk');
    model.setCaptures([{id: 1, uri: 's', state: 'running', output: 'chunk 0 sealed: 150 frames from 0, 0123456789abcdef...\n'}]);
    assert.deepEqual([stream.chunks.get(0).state, stream.chunks.get(0).hash], ['sealed', '0123456789abcdef']);
});

test('a stream of the same name that begins anew is another one', () => {
    const model = new Model();
    model.event(head(1000), 0);
    model.event({name: 'StreamChunkFull', at: '', content: {stream_uri: 's'}, metadata: {chunk: {number: 0, first_sample: 0, sample_count: 900, byte_count: 7200}}}, 0);
    assert.equal(model.event(head(10), 0), true);
    assert.equal(model.streams.get('s').chunks.size, 0);
});

test('a waveform has a hole where nothing was told and an end', () => {
    const model = new Model();
    const levels = (first, ...values) => ({first, step: 10, least: values.map(value => -value), greatest: values, peaks: [7]});
    model.event(head(20, {levels: levels(0, 1, 2)}), 0);
    model.event(head(60, {levels: levels(40, 5, 6)}), 0);
    const {peaks} = model.streams.get('s');
    assert.deepEqual(peaks.greatest, [1, 2, null, null, 5, 6]);
    model.event(head(100000, {levels: levels(1000000, 9)}), 0);
    assert.deepEqual([peaks.first, peaks.greatest], [1000000, [9]]);
    for (let i = 1; i < 3000; i++) model.event(head(100000 + i, {levels: levels(1000000 + i * 10, 9)}), 0);
    assert.equal(peaks.least.length, 1500);
    assert.equal(peaks.first, 1000000 + 1500 * 10);
});

test('levels are placed where they belong, in whatever order they come and however long their steps are', () => {
    const model = new Model();
    const levels = (first, step, frames, ...values) => ({first, step, frames, least: values.map(value => -value), greatest: values, peaks: [7]});
    model.event(head(60, {levels: levels(40, 10, 20, 5, 6)}), 0);
    model.event(head(130, {levels: levels(60, 40, 70, 7, 8)}), 0); // the last step has 30 frames
    model.event(head(140, {levels: levels(130, 10, 10, 9)}), 0);
    const {peaks} = model.streams.get('s');
    assert.deepEqual(peaks.greatest, [5, 6, 7, 7, 7, 7, 8, 8, 8, 9]);
    model.history([{seq: 1, name: 'StreamHeadPosition', at: '', content: {stream_uri: 's', sample_position: 900}, metadata: {levels: levels(880, 10, 20, 1, 1)}},
                   {seq: 2, name: 'StreamHeadPosition', at: '', content: {stream_uri: 's', sample_position: 20}, metadata: {levels: levels(0, 10, 20, 1, 2)}}]);
    assert.deepEqual([peaks.first, peaks.greatest], [0, [1, 2, null, null, 5, 6, 7, 7, 7, 7, 8, 8, 8, 9]]);
    const coarse = new Model();
    coarse.event(head(80, {levels: levels(0, 40, 80, 1, 2)}), 0);
    coarse.event(head(90, {levels: levels(80, 10, 10, 3)}), 0);
    assert.deepEqual(coarse.streams.get('s').peaks.greatest, [1, 1, 1, 1, 2, 2, 2, 2, 3]);
});

test('a query that is newer than the events begins no stream anew', () => {
    const model = new Model();
    const levels = first => ({first, step: 10, frames: 10, least: [0], greatest: [first], peaks: [7]});
    model.event(head(10, {levels: levels(0)}), 0);
    model.setStreams([{uri: 's', source: 'x', state: 'recording', sample_rate: 1, channels: 1, sample_format: 'f32_le', chunk_size_bytes: 1,
                       started_at: 'now', offered: 40, captured: 30, overrun: 10, bytes: 1, number: [], gap_first: [25], gap_count: [10]}]);
    assert.equal(model.event(head(20, {levels: levels(10)}), 0), false);
    const stream = model.streams.get('s');
    assert.deepEqual([stream.peaks.greatest, stream.offered], [[0, 10], 40]);
    assert.deepEqual([20, 25, 30, 35, 40].map(position => capturedBefore(stream, position)), [20, 25, 25, 25, 30]);
});

test('of progress that was told it is known whose', () => {
    const model = new Model();
    const progress = (id, part) => model.event({name: 'LatentProgress', at: '', content: {region_id: id, progress: part}, metadata: {}}, 0);
    model.regions = [{id: 'a', latent_progress: 0}, {id: 'b', latent_progress: 0}];
    assert.equal(progress('b', .5), false);
    assert.equal(progress('c', .5), true, 'one that is not known is asked about');
    assert.deepEqual([[...model.takeProgressed()], [...model.takeProgressed()], model.region('b').latent_progress], [['b'], [], .5]);
});

test('events that were missed are put where they belong when the daemon has them still', () => {
    const model = new Model();
    const at = (seq, first) => ({...head(first + 10, {levels: {first, step: 10, frames: 10, least: [0], greatest: [seq], peaks: [7]}}), seq});
    model.event({name: 'Welcome', at: '', metadata: {}, content: {session: 'a', next_seq: 1, state: null}}, 0);
    model.event(at(1, 0), 0);
    assert.equal(model.event(at(4, 30), 0), true);
    assert.deepEqual([model.counts.missed, model.streams.get('s').peaks.greatest], [2, [1, null, null, 4]]);
    const [gap] = model.gaps;
    assert.deepEqual([gap.from, gap.to], [2, 4]);
    model.recover(gap, [at(3, 20)]); // the other one was too old
    assert.deepEqual([model.counts.missed, model.gaps.length, model.streams.get('s').peaks.greatest], [1, 0, [1, null, 3, 4]]);
    assert.deepEqual(model.log.map(({seq, content}) => seq ?? content.count).slice(1), [1, 3, 1, 4]);
});

test('what there was before is in the list and changes nothing', () => {
    const model = new Model();
    model.event({name: 'Welcome', at: '', metadata: {}, content: {session: 'a', next_seq: 5, state: {transport: {playing: false, position: 1, tempo: 60}}}}, 0);
    model.history([{seq: 3, name: 'PlaybackStarted', at: '', content: {}, metadata: {}}]);
    assert.deepEqual(model.log.map(({name}) => name), ['PlaybackStarted', 'welcome']);
    assert.equal(model.transport.playing, false);
    assert.equal(model.counts.events, 0);
});

test('what was missed before a silence is counted', () => {
    const model = new Model();
    model.event({name: 'Welcome', at: '', metadata: {}, content: {session: 'a', next_seq: 5, state: null}}, 0);
    model.missUpTo(9);
    model.missUpTo(7);
    assert.deepEqual([model.counts.missed, model.nextSeq], [4, 9]);
});

test('the log is bounded', () => {
    const model = new Model();
    for (let seq = 0; seq < 10000; seq++) model.event({seq, name: 'Warning', at: '', content: {}, metadata: {}}, 0);
    assert.ok(model.log.length <= 2500);
    assert.equal(model.log.at(-1).seq, 9999);
    assert.equal(model.counts.events, 10000);
});

test('what gardenctl capture prints is read', () => {
    const read = readOutput('chunk 0 sealed: 10 frames from 0, 0123456789abcdef...\ncaptured 10 of 10\nmanifest ' + 'a'.repeat(64) + '\n');
    assert.deepEqual(read.sealed, [{number: 0, frames: 10, first: 0, hash: '0123456789abcdef'}]);
    assert.equal(read.manifest, 'a'.repeat(64));
});

// ---- Words

test('a name of others shows all that is in it and turns nothing around', () => {
    assert.equal(told('choir'), 'choir');
    assert.equal(told(''), '(no name)');
    assert.equal(told(null), '(no name)');
    assert.equal(told('a\u202eb\u0000\u009b\n'), 'a\\u202eb\\u0000\\u009b\\u000a');
    assert.equal(told('\u05e9\u05dc'), '\u2068\u05e9\u05dc\u2069');
    assert.equal(told('\u05e9\u2069\u2067'), '\u2068\u05e9\\u2069\\u2067\u2069', 'no name ends what holds it');
    assert.equal(told('x'.repeat(5000)), `${'x'.repeat(120)}…`);
    assert.equal(told('\u{1f600}'.repeat(200), 3), '\u2068\u{1f600}\u{1f600}\u{1f600}…\u2069', 'no half of a character');
    assert.equal(seen(`e${'\u0301'.repeat(100)}`), `e${'\u0301'.repeat(4)}…`);
});

test('beats have no tail of zeros', () => {
    assert.deepEqual([0, .1 + .2, 12.5, 1 / 3, 1e300].map(beats), ['0', '0.3', '12.5', '0.333333333', '1e+300']);
});

// ---- The daemon as the page reaches it

test('that it is denied stays said while lanes come and go', async () => {
    const states = [];
    class Web {
        constructor() { this.readyState = 0; }
        close() {}
    }
    let status = 200;
    const garden = new Garden({onState: state => states.push(state), onEvent() {}, onMoved() {}},
                              {WebSocket: Web, fetch: async () => ({ok: status === 200, status, text: async () => 'a token, please', json: async () => ({
                                  endpoints: Object.fromEntries(LANES.map(lane => [lane, `ws://x/${lane}`]))})})});
    try {
        await until('it dials', () => Object.keys(garden.sockets).length === 5);
        status = 401;
        garden.look();
        await until('it is denied', () => states.at(-1) === 'denied');
        garden.onLane('shell', 'connecting', '');
        assert.equal(states.at(-1), 'denied');
    } finally {
        garden.close();
    }
});

// A page takes its time to load itself anew; the connections to the old lanes end meanwhile.
test('a garden whose lanes have moved opens none of the new ones', async () => {
    const dialled = [];
    class Web {
        constructor(url)
        {
            dialled.push(url);
            this.readyState = 0;
        }

        close() {}
    }
    const endpoints = place => Object.fromEntries(LANES.map(lane => [lane, `ws://${place}/${lane}`]));
    let place = 'old', moved = 0;
    const garden = new Garden({onState() {}, onEvent() {}, onMoved: () => moved++},
                              {WebSocket: Web, fetch: async () => ({ok: true, status: 200, json: async () => ({endpoints: endpoints(place)})})});
    try {
        for (const end = Date.now() + 10000; dialled.length < 5 && Date.now() < end;) await new Promise(done => setTimeout(done, 1));
        assert.deepEqual(dialled.map(url => url.split('/')[2]), Array(5).fill('old'));
        place = 'new';
        await garden.look();
        assert.equal(moved, 1);
        await garden.look();
        garden.onLane('shell', 'waiting', 'the connection was lost');
        await new Promise(done => setTimeout(done, 300)); // past the pause before it looks again
        assert.deepEqual([dialled.length, moved], [5, 1]);
    } finally {
        garden.close();
    }
});

test('the head of the page tells what is known of the daemon and no more', () => {
    const session = '12345678-9abc-4def-8123-456789abcdef';
    assert.equal(sessionWords({session: null, status: null}), '');
    assert.equal(sessionWords({session, status: null}), 'session 12345678');
    assert.equal(sessionWords({session, status: ''}), 'session 12345678');
    assert.equal(sessionWords({session, status: 'Idle'}), 'session 12345678, Idle');
});

await runAll();
