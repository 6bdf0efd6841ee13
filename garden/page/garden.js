// A garden's daemon, as a page reaches it: where its lanes are, requests that are answered, events, and how
// long each lane takes. It comes back by itself when the daemon does. Knows nothing of what is shown.
import {Dealer, Sub} from './zmtp-ws.js';

export const LANES = ['control', 'shell', 'iopub', 'hb', 'query'];
const FAMILIES = {control: 'control_request', shell: 'shell_request', query: 'query_request'};
const KEPT = 64; // of how long requests took

const HOST = globalThis.location?.host ?? 'its place';
const text = new TextDecoder();

// Not on https or localhost there's no randomUUID.
export function uuid()
{
    const octets = crypto.getRandomValues(new Uint8Array(16));
    octets[6] = octets[6] & 15 | 64;
    octets[8] = octets[8] & 63 | 128;
    return [...octets].map(octet => octet.toString(16).padStart(2, '0')).join('')
        .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

export class Refused extends Error {}

// |handlers|: onState(state, why, since), with 'connecting', 'live', 'waiting' and 'denied', and since when it is not
// live (a Date); onEvent(octets), of a message as it came, which is cheap to keep and costs to read; onMoved(), when
// the lanes are elsewhere now.
export class Garden {
    constructor(handlers, {fetch = globalThis.fetch.bind(globalThis), WebSocket = globalThis.WebSocket} = {})
    {
        this.handlers = handlers;
        this.fetch = fetch;
        this.WebSocket = WebSocket;
        this.session = uuid();
        this.lanes = null;
        this.sockets = {};
        this.pending = new Map();
        this.took = Object.fromEntries(LANES.map(lane => [lane, []]));
        this.failures = 0;
        this.beats = new Map();
        this.look();
    }

    say(state, why = '')
    {
        if (state === this.state && why === this.why) return;
        this.state = state;
        this.why = why;
        this.since = state === 'live' ? null : this.since ?? new Date();
        this.handlers.onState(state, why, this.since);
    }

    // Asks where the lanes are, until it is told.
    async look()
    {
        if (this.looking || this.closed) return;
        this.looking = true;
        while (!this.closed) {
            try {
                const answer = await this.fetch('lanes.json', {cache: 'no-store', signal: AbortSignal.timeout(4000)});
                if (answer.status === 401 || answer.status === 403) {
                    this.say('denied', await answer.text());
                } else if (answer.ok) {
                    this.failures = 0;
                    this.looking = false;
                    this.found(await answer.json());
                    return;
                }
            } catch {
                this.say('waiting', `gardend does not answer at ${HOST}; this page goes on when it does`);
            }
            const most = Math.min(4000, 250 * 2 ** this.failures++);
            await new Promise(done => setTimeout(done, most / 2 + Math.random() * most / 2));
        }
    }

    found(lanes)
    {
        if (this.closed) return;
        const moved = this.lanes && JSON.stringify(this.lanes.endpoints) !== JSON.stringify(lanes.endpoints);
        this.lanes = lanes;
        if (moved) {
            this.close();
            this.handlers.onMoved();
        } else if (Object.keys(this.sockets).length > 0) {
            for (const socket of Object.values(this.sockets)) socket.retryNow();
        } else {
            this.open();
        }
    }

    open()
    {
        for (const lane of LANES) {
            const Kind = lane === 'iopub' ? Sub : Dealer;
            this.sockets[lane] = new Kind(this.lanes.endpoints[lane], {
                WebSocket: this.WebSocket,
                onState: (state, why) => this.onLane(lane, state, why),
                onMessage: parts => this.onMessage(lane, parts),
            });
        }
        this.sockets.iopub.subscribe('');
        this.timer = setInterval(() => this.beat(), 1000);
    }

    // For good: a connection's end that is told afterwards opens none again.
    close()
    {
        this.closed = true;
        clearInterval(this.timer);
        for (const socket of Object.values(this.sockets)) socket.close();
        this.sockets = {};
        this.giveUp('closed');
    }

    giveUp(why)
    {
        for (const {reject, timer} of this.pending.values()) {
            clearTimeout(timer);
            reject(new Refused(why));
        }
        this.pending.clear();
        this.beats.clear();
    }

    onLane(lane, state, why)
    {
        const sockets = Object.values(this.sockets);
        if (state === 'waiting') {
            this.giveUp('the connection was lost');
            for (const socket of sockets) socket.forgetWaiting?.();
            // Once it is known that nothing is there, that says more.
            if (this.failures === 0) this.say('waiting', `the connection to gardend's ${lane} lane was lost: ${why}`);
            setTimeout(() => this.look(), 200);
        } else if (sockets.length === LANES.length && sockets.every(socket => socket.state === 'ready')) {
            this.say('live');
        } else if (this.state !== 'waiting' && this.state !== 'denied') {
            this.say('connecting');
        }
    }

    onMessage(lane, parts)
    {
        const octets = parts[parts.length - 1];
        if (lane === 'iopub') {
            this.handlers.onEvent(octets);
            return;
        }
        if (lane === 'hb') {
            const key = text.decode(octets);
            if (this.beats.has(key)) this.note('hb', this.beats.get(key));
            this.beats.delete(key);
            return;
        }
        let message;
        try {
            message = JSON.parse(text.decode(octets));
        } catch {
            return; // nobody can say whom it was for
        }
        const waiting = this.pending.get(message.parent_header?.msg_id);
        if (!waiting) return;
        this.pending.delete(message.parent_header.msg_id);
        clearTimeout(waiting.timer);
        this.note(lane, waiting.begun);
        const {content} = message;
        if (content?.Error)
            waiting.reject(new Refused(content.Error.error));
        else
            waiting.resolve(message);
    }

    note(lane, begun)
    {
        const list = this.took[lane];
        list.push(performance.now() - begun);
        if (list.length > KEPT) list.shift();
    }

    beat()
    {
        if (this.sockets.hb?.state !== 'ready') return;
        for (const [key, begun] of this.beats)
            if (performance.now() - begun > 10000) this.beats.delete(key);
        const key = uuid();
        this.beats.set(key, performance.now());
        this.sockets.hb.send([key]);
    }

    // The content of the reply; Refused with the daemon's words, or when there is none in time.
    async request(lane, content, timeoutMs)
    {
        return (await this.ask(lane, content, timeoutMs)).content;
    }

    // The whole of it.
    ask(lane, content, timeoutMs = 5000)
    {
        const socket = this.sockets[lane];
        if (socket?.state !== 'ready') return Promise.reject(new Refused('not connected'));
        const id = uuid();
        const message = {
            header: {
                msg_id: id,
                session: this.session,
                msg_type: FAMILIES[lane],
                version: this.lanes.version,
                timestamp: new Date().toISOString(),
            },
            parent_header: null,
            metadata: {},
            content,
        };
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => {
                this.pending.delete(id);
                reject(new Refused(`no answer on ${lane} in ${timeoutMs / 1000} s`));
            }, timeoutMs);
            this.pending.set(id, {resolve, reject, timer, begun: performance.now()});
            if (!socket.send([JSON.stringify(message)])) {
                this.pending.delete(id);
                clearTimeout(timer);
                reject(new Refused('too much is under way'));
            }
        });
    }

    // The rows, and whether there were more than the daemon tells.
    async query(query)
    {
        const {content, metadata} = await this.ask('query', {query, variables: {}});
        return {rows: content.Results.rows, cut: metadata?.truncated === true};
    }

    async http(path, method = 'GET')
    {
        const answer = await this.fetch(path, {method, cache: 'no-store', signal: AbortSignal.timeout(5000)});
        if (!answer.ok) throw new Refused((await answer.text()).trim());
        return answer.json();
    }
}

function contentOf(content)
{
    return typeof content === 'string' ? {name: content, content: {}} : {name: Object.keys(content)[0], content: Object.values(content)[0]};
}

// The same of what GetEvents brings.
export function pastEvent({seq, timestamp, metadata, event})
{
    return {seq, at: timestamp, metadata, ...contentOf(event)};
}

// An event's octets as {seq, at, name, content, metadata}; null when they are none.
export function readEvent(octets)
{
    try {
        const {header, metadata, content} = JSON.parse(text.decode(octets));
        return {seq: metadata.seq, at: header.timestamp, metadata, ...contentOf(content)};
    } catch {
        return null;
    }
}

