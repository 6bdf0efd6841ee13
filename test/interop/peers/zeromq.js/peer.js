// The peer program on libzmq through zeromq.js; ../../README.md has its lines.
'use strict';
const readline = require('node:readline');
const zmq = require('zeromq');
const draft = require('zeromq/draft');

const OCTETS_SIZE = 1024 * 1024 + 65536;
const CLASSES = {
    REQ: zmq.Request, REP: zmq.Reply, DEALER: zmq.Dealer, ROUTER: zmq.Router, PUB: zmq.Publisher,
    SUB: zmq.Subscriber, XPUB: zmq.XPublisher, XSUB: zmq.XSubscriber, PUSH: zmq.Push, PULL: zmq.Pull,
    PAIR: zmq.Pair,
};
if (zmq.capability.draft)
    Object.assign(CLASSES, {
        CLIENT: draft.Client, SERVER: draft.Server, RADIO: draft.Radio, DISH: draft.Dish,
        SCATTER: draft.Scatter, GATHER: draft.Gather,
    });

const octets = Buffer.alloc(OCTETS_SIZE);
for (let i = 0, x = 1; i < OCTETS_SIZE; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    octets[i] = x >>> 24;
}

class No extends Error {}

let socket, kind, context, judge, options, timeout, kept, routingId;

function reset() {
    socket = kind = context = judge = undefined;
    options = {};
    timeout = 10000;
    kept = [];
    routingId = 0;
}

// The parts that words mean; * and ** stand for what was kept.
function parts(words) {
    return words.flatMap((word) => {
        if (word[0] === '*') return kept;
        if (word[0] === '=') return [Buffer.from(word.slice(1), 'hex')];
        const [seed, size] = word.split(':').map(Number);
        return [octets.subarray(seed, seed + size)];
    });
}

// *: keeps the first part. **: keeps all parts up to the first empty one.
function keep(message, word) {
    const empty = word === '*' ? 0 : message.findIndex((part) => part.length === 0);
    kept = message.slice(0, Math.max(empty, 0) + 1);
}

// Lets in those who have the credentials (RFC 27).
async function judgeAll(credentials) {
    const zap = judge;
    try {
        for await (const [version, id, , , , , ...theirs] of zap) {
            const good = theirs.length === credentials.length &&
                theirs.every((part, i) => part.equals(credentials[i]));
            await zap.send([version, id, good ? '200' : '400', good ? 'OK' : 'No', 'somebody', '']);
        }
    } catch (e) {
        if (!zap.closed) throw e;
    }
}

const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';
function z85(text) {
    const out = Buffer.alloc(text.length * 4 / 5);
    for (let i = 0; i < text.length; i += 5) {
        let value = 0;
        for (const c of text.slice(i, i + 5)) value = value * 85 + Z85.indexOf(c);
        out.writeUInt32BE(value, i / 5 * 4);
    }
    return out;
}

function security(mechanism, words) {
    switch (mechanism) {
    case 'null':
        return {};
    case 'plain-server':
        return {plainServer: true, zapDomain: 'campaign'};
    case 'plain-client':
        return {plainUsername: words[0], plainPassword: words[1]};
    case 'curve-server':
        return {curveServer: true, zapDomain: 'campaign', curvePublicKey: words[0],
                curveSecretKey: words[1]};
    case 'curve-client':
        return {curvePublicKey: words[0], curveSecretKey: words[1], curveServerKey: words[2]};
    default:
        throw new No(mechanism);
    }
}

async function doSend(words) {
    const numbers = kind === 'SERVER';
    // Copies, since a message is sent from the caller's memory, and libzmq as a ws client masks it there.
    const message = parts(numbers ? words.slice(1) : words).map((part) => Buffer.from(part));
    for (const end = Date.now() + timeout;;) {
        try {
            if (numbers) return await socket.send(message[0], {routingId});
            if (kind === 'RADIO') return await socket.send(message[1], {group: message[0]});
            return await socket.send(message);
        } catch (e) {
            if (e.code !== 'EHOSTUNREACH' || Date.now() > end) throw e;
            await new Promise((resolve) => setTimeout(resolve, 5));
        }
    }
}

async function receive(words) {
    const message = await socket.receive();
    if (kind === 'SERVER') {
        if (words[0] === '*') routingId = message[1].routingId;
        return [message[0]];
    }
    if (kind === 'DISH') return [message[1].group, message[0]];
    if (words[0][0] === '*') keep(message, words[0]);
    return message;
}

async function doRecv(words, until) {
    for (;;) {
        const message = await receive(words), meant = parts(words);
        if (message.length === meant.length && message.every((part, i) => part.equals(meant[i]))) return;
        if (!until)
            throw new Error(`parts of ${message.map((part) => part.length)} octets, not ${words.join(' ')}`);
    }
}

const lines = {
    version: () => `libzmq ${zmq.version} (zeromq.js ${require('zeromq/package.json').version})`,
    option(name, ...values) {
        if (name === 'timeout') {
            timeout = Number(values[0]);
            if (socket) setTimeouts();
        } else if (name === 'routing-id') {
            options.routingId = Buffer.from(values[0], 'hex').toString('latin1');
        } else if (name === 'heartbeat') {
            const [heartbeatInterval, heartbeatTimeout, heartbeatTimeToLive] = values.map(Number);
            Object.assign(options, {heartbeatInterval, heartbeatTimeout, heartbeatTimeToLive});
        } else if (name !== 'reconnect') {
            throw new No('such option');
        }
    },
    async open(type, mechanism, ...words) {
        if (!CLASSES[type]) throw new No(`${type}: zeromq.js has no such class`);
        kind = type;
        context = new zmq.Context();
        if (mechanism.endsWith('-server')) {
            judge = new zmq.Reply({context});
            await judge.bind('inproc://zeromq.zap.01');
            judgeAll(mechanism === 'curve-server' ? [z85(words[2])] : words.map((word) => Buffer.from(word)));
        }
        const all = {...options, ...security(mechanism, words), context, reconnectInterval: 50, linger: 5000};
        if (type === 'ROUTER') all.mandatory = true;
        socket = new CLASSES[type](all);
        if ('sendHighWaterMark' in socket) socket.sendHighWaterMark = 0;
        if ('receiveHighWaterMark' in socket) socket.receiveHighWaterMark = 0;
        setTimeouts();
    },
    async bind(endpoint) {
        await socket.bind(endpoint);
        return socket.lastEndpoint;
    },
    connect: (endpoint) => socket.connect(endpoint),
    subscribe: (topic) => socket.subscribe(...parts([topic])),
    cancel: (topic) => kind === 'DISH' ? zmq.Socket.prototype.leave.call(socket, ...parts([topic]))
        : socket.unsubscribe(...parts([topic])),
    // The draft's own join loses its socket.
    join: (group) => zmq.Socket.prototype.join.call(socket, ...parts([group])),
    send: (...words) => doSend(words),
    recv: (...words) => doRecv(words, false),
    until: (...words) => doRecv(words, true),
    close() {
        if (socket) socket.close();
        if (judge) judge.close();
        reset();
    },
};

function setTimeouts() {
    if ('sendTimeout' in socket) socket.sendTimeout = timeout;
    if ('receiveTimeout' in socket) socket.receiveTimeout = timeout;
}

async function main() {
    reset();
    for await (const line of readline.createInterface({input: process.stdin})) {
        const [verb, ...words] = line.split(' ');
        let answer;
        try {
            if (!lines[verb]) throw new No('such line');
            answer = `ok ${(await lines[verb](...words)) ?? ''}`;
        } catch (e) {
            const word = e instanceof No ? 'no' : e.code === 'EAGAIN' ? 'timeout' : 'error';
            answer = `${word} ${String(e.message).replaceAll('\n', ' ')}`;
        }
        process.stdout.write(`${answer.trim()}\n`);
    }
    process.exit(0);
}

main();
