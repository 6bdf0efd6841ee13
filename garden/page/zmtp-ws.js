// ZMTP over WebSocket (ZWS 2.0, RFC 45) for pages and for node: SUB and DEALER.
//
//     import {Sub, Dealer} from './zmtp-ws.js';
//     const sub = new Sub('ws://127.0.0.1:7000/lanes/iopub', {onMessage: parts => ...});
//     sub.subscribe('');
//     const dealer = new Dealer('ws://...', {onMessage: parts => ...});
//     dealer.send(['hello', new Uint8Array([1, 2])]);
//
// A message is an array of parts. Parts that come are Uint8Arrays, views of what the browser delivered,
// each in a buffer that is nobody else's; parts to be sent are those or text, which goes as UTF-8.
//
// A socket dials until it is closed: after each failure it waits twice as long, with chance in it, so that a
// daemon that comes back isn't met by everybody at once. What is sent meanwhile waits, up to a limit. It
// reads as strictly as the engine does: whatever is no ZWS ends the connection, and a part or a message
// beyond a limit does as well.
//
// The subprotocol is "ZWS2.0", which is NULL without its commands. Those that name a mechanism, "ZWS2.0/NULL"
// and "ZWS2.0/PLAIN", have a slash, which is no character of a subprotocol's name (RFC 6455, section 4.1):
// no browser lets a page offer them, nor does any other WebSocket of JavaScript's that we know. A server that
// wants a secret can have it in the path of its endpoint.
//
// This file needs nothing but WebSocket, TextEncoder, performance.now() and timers. It waits by the monotonic clock:
// somebody who sets the wall's ends no connection.

// ---- Octets: pure functions, which the tests call one by one

export const FLAG_MORE = 1, FLAG_COMMAND = 2;
export const SUBPROTOCOL = 'ZWS2.0';

const utf8 = new TextEncoder();
const latin = new TextDecoder('latin1');

export class ZwsError extends Error {}

// RFC 6455, Status Codes, in words for who waits.
const ENDS = {
    1000: 'the other side ended it',
    1001: 'the other side is going away',
    1002: 'the other side found a mistake in what it got',
    1005: 'the other side ended it and did not say why',
    1006: 'nothing answers there any more, or yet',
    1009: 'the other side was sent more than it takes',
    1011: 'the other side failed',
    1012: 'the other side is starting anew',
    1013: 'the other side has too much to do',
};

const fail = why => {
    throw new ZwsError(why);
};

export function octetsOf(part)
{
    if (typeof part === 'string') return utf8.encode(part);
    if (part instanceof Uint8Array) return part;
    if (part instanceof ArrayBuffer) return new Uint8Array(part);
    return fail('a part is a text, a Uint8Array or an ArrayBuffer');
}

// One WebSocket message is one frame: a flags octet, then the body (RFC 45, Framing).
export function frameEncode(body, flags)
{
    const out = new Uint8Array(1 + body.length);
    out[0] = flags;
    out.set(body, 1);
    return out;
}

export function frameDecode(octets)
{
    if (octets.length === 0) fail('a frame without flags');
    const flags = octets[0];
    if (flags & ~(FLAG_MORE | FLAG_COMMAND)) fail(`unknown flags ${flags}`);
    if (flags === (FLAG_MORE | FLAG_COMMAND)) fail('a command with more to come');
    return {more: flags === FLAG_MORE, command: flags === FLAG_COMMAND, body: octets.subarray(1)};
}

// A command: the size of its name in one octet, the name, its data (RFC 37, Commands).
export function commandEncode(name, data = new Uint8Array())
{
    const out = new Uint8Array(1 + name.length + data.length);
    out[0] = name.length;
    out.set(utf8.encode(name), 1);
    out.set(data, 1 + name.length);
    return out;
}

export function commandDecode(body)
{
    if (body.length < 1 || body[0] === 0 || body.length < 1 + body[0]) fail('a command without a name');
    return {name: latin.decode(body.subarray(1, 1 + body[0])), data: body.subarray(1 + body[0])};
}

// ---- The handshake and what follows, without a WebSocket: octets in, octets and messages out

// |options|: identity, onFrame(octets) to send, onReady(), onMessage(parts), limits.
export class Peer {
    constructor(options)
    {
        this.options = {partMax: 16 << 20, partsMax: 1024, ...options};
        this.ready = false;
        this.parts = [];
        this.size = 0;
    }

    // The WebSocket is open, with this subprotocol. Without a mechanism each side says its routing id, which
    // may be empty, and that is the handshake (RFC 45, ZWS without a mechanism).
    begin(protocol)
    {
        if (protocol !== SUBPROTOCOL) fail(`the server chose '${protocol}'`);
        this.options.onFrame(frameEncode(octetsOf(this.options.identity ?? ''), 0));
    }

    command(name, data)
    {
        this.options.onFrame(frameEncode(commandEncode(name, data), FLAG_COMMAND));
    }

    take(octets)
    {
        const frame = frameDecode(octets);
        if (frame.body.length > this.options.partMax) fail(`a part of ${frame.body.length} octets`);
        if (frame.command) {
            this.takeCommand(commandDecode(frame.body));
        } else if (this.ready) {
            this.takePart(frame);
        } else {
            if (frame.more) fail('something else than a routing id');
            this.ready = true;
            this.options.onReady();
        }
    }

    takePart({body, more})
    {
        this.size += body.length;
        if (this.parts.length === this.options.partsMax || this.size > this.options.partMax)
            fail('a message beyond the limits');
        this.parts.push(body);
        if (more) return;
        const parts = this.parts;
        this.parts = [];
        this.size = 0;
        this.options.onMessage(parts);
    }

    takeCommand({name, data})
    {
        if (!this.ready) fail(`${name} before a routing id`);
        if (name !== 'PING') return; // a PONG; or one that we don't know, which is passed over
        // RFC 37, PING and PONG: two octets of TTL, then a context of up to 16 that comes back.
        if (data.length < 2 || data.length > 18) fail('a PING that is none');
        this.command('PONG', data.subarray(2));
    }
}

// ---- Sockets

export const DEFAULTS = {
    retryMs: 250,         // the first pause; each is twice the one before
    retryMaxMs: 5000,
    handshakeMs: 10000,   // from dialling to READY
    heartbeatMs: 5000,    // a PING when nothing came for so long
    heartbeatTimeoutMs: 15000, // and the end when nothing came for that long
    waitingMax: 1000,     // messages that wait for a connection
    bufferedMax: 8 << 20, // octets that the browser may hold
};

class Socket {
    // |options|: onMessage(parts), onState(state, why) with 'connecting', 'ready', 'waiting' and 'closed';
    // identity; WebSocket, another class for tests; and those of DEFAULTS.
    constructor(type, url, options = {})
    {
        this.type = type;
        this.url = url;
        this.options = {WebSocket: globalThis.WebSocket, ...DEFAULTS, ...options};
        this.state = 'closed';
        this.failures = 0;
        this.waiting = [];
        this.counters = {connections: 0, failures: 0, received: 0, sent: 0, dropped: 0};
        this.timers = {};
        this.dial();
    }

    say(state, why = '')
    {
        this.state = state;
        this.options.onState?.(state, why);
    }

    dial()
    {
        const {WebSocket} = this.options;
        this.say('connecting');
        let web;
        try {
            web = new WebSocket(this.url, [SUBPROTOCOL]);
        } catch (error) { // such as a port that the page may not connect to
            this.end(error.message);
            return;
        }
        this.web = web;
        web.binaryType = 'arraybuffer';
        const peer = this.peer = new Peer({
            identity: this.options.identity,
            onFrame: octets => web.send(octets),
            onReady: () => this.onReady(),
            onMessage: parts => {
                this.counters.received++;
                this.options.onMessage?.(parts);
            },
        });
        // What an old connection still tells is nobody's business.
        const guarded = what => event => {
            if (this.web !== web) return;
            try {
                what(event);
            } catch (error) {
                if (!(error instanceof ZwsError)) throw error;
                this.end(error.message);
            }
        };
        web.onopen = guarded(() => peer.begin(web.protocol));
        web.onmessage = guarded(({data}) => {
            this.heard = performance.now();
            if (!(data instanceof ArrayBuffer)) fail('a message of text');
            peer.take(new Uint8Array(data));
        });
        web.onclose = guarded(event => this.end(event.reason || ENDS[event.code] || `the other side ended it with number ${event.code}`));
        this.timers.handshake = setTimeout(() => this.end('no handshake in time'), this.options.handshakeMs);
    }

    onReady()
    {
        clearTimeout(this.timers.handshake);
        this.failures = 0;
        this.counters.connections++;
        this.heard = performance.now();
        this.timers.heartbeat = setInterval(() => this.beat(), this.options.heartbeatMs);
        this.greet?.();
        this.say('ready');
        for (const message of this.waiting.splice(0)) this.sendNow(message);
    }

    beat()
    {
        const silence = performance.now() - this.heard;
        if (silence >= this.options.heartbeatTimeoutMs) {
            this.end('nothing was heard for long');
        } else if (silence >= this.options.heartbeatMs) {
            const ttl = Math.min(65535, this.options.heartbeatTimeoutMs / 100); // tenths of a second
            this.peer.command('PING', new Uint8Array([ttl >> 8, ttl & 255]));
        }
    }

    // This connection is over; the next one comes after a pause.
    end(why)
    {
        this.drop();
        if (this.state === 'closed') return;
        this.counters.failures++;
        const most = Math.min(this.options.retryMaxMs, this.options.retryMs * 2 ** this.failures++);
        this.timers.retry = setTimeout(() => this.dial(), most / 2 + Math.random() * most / 2);
        this.say('waiting', why);
    }

    drop()
    {
        const web = this.web;
        this.web = this.peer = null;
        clearTimeout(this.timers.handshake);
        clearTimeout(this.timers.retry);
        clearInterval(this.timers.heartbeat);
        web?.close();
    }

    // Doesn't wait for the end of a pause.
    retryNow()
    {
        if (this.state !== 'waiting') return;
        this.drop();
        this.failures = 0;
        this.dial();
    }

    close()
    {
        this.state = 'closed';
        this.drop();
        this.say('closed');
    }

    sendNow(parts)
    {
        parts.forEach((part, i) => this.web.send(frameEncode(part, i + 1 < parts.length ? FLAG_MORE : 0)));
        this.counters.sent++;
    }
}

export class Sub extends Socket {
    constructor(url, options)
    {
        super('SUB', url, options);
        this.topics = new Map(); // by their octets, as text: how often
    }

    // ZMTP 3.1 has commands for these, 3.0 messages; both take a message that begins with 1 or 0.
    tell(octet, topic)
    {
        const octets = octetsOf(topic);
        this.sendNow([frameEncode(octets, octet)]);
    }

    greet()
    {
        for (const {topic} of this.topics.values()) this.tell(1, topic);
    }

    subscribe(topic)
    {
        const key = latin.decode(octetsOf(topic));
        const entry = this.topics.get(key) ?? {topic, count: 0};
        this.topics.set(key, entry);
        if (entry.count++ === 0 && this.state === 'ready') this.tell(1, topic);
    }

    unsubscribe(topic)
    {
        const key = latin.decode(octetsOf(topic));
        const entry = this.topics.get(key);
        if (!entry || --entry.count > 0) return;
        this.topics.delete(key);
        if (this.state === 'ready') this.tell(0, topic);
    }
}

export class Dealer extends Socket {
    constructor(url, options)
    {
        super('DEALER', url, options);
    }

    // False: too much waits already, and it is dropped and counted.
    send(parts)
    {
        const octets = parts.map(octetsOf);
        if (octets.length === 0) fail('a message has at least one part');
        const ready = this.state === 'ready';
        if (ready ? this.web.bufferedAmount > this.options.bufferedMax
                  : this.waiting.length >= this.options.waitingMax) {
            this.counters.dropped++;
            return false;
        }
        if (ready)
            this.sendNow(octets);
        else
            this.waiting.push(octets);
        return true;
    }

    // Takes back what has not left yet.
    forgetWaiting()
    {
        this.counters.dropped += this.waiting.length;
        this.waiting = [];
    }
}
