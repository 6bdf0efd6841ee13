// One side of a conversation, in JavaScript as a page in a browser would have it: jszmq, which knows
// ZWS 2.0 without a mechanism. test_jszmq.py drives it.
//
//     jszmq_peer.js ask req|dealer|pair ENDPOINT COUNT     sends the plan, checks that it comes back
//     jszmq_peer.js sink sub ENDPOINT COUNT                checks that the plan comes under "A"
//     jszmq_peer.js source pub ENDPOINT COUNT              says "hello" until a line comes, then the plan
'use strict';
const zmq = require('jszmq');

// The plan of interop_peer.c.
const SIZES = [0, 1, 255, 256, 8191, 8192, 65536, 1024 * 1024], PERIOD = 251;
const octets = Buffer.alloc(SIZES[SIZES.length - 1] + PERIOD, (() => {
    const period = Buffer.alloc(PERIOD);
    for (let i = 0; i < PERIOD; i++) period[i] = i;
    return period;
})());

function plan(n) {
    const size = SIZES[n % SIZES.length], parts = Math.floor(n / SIZES.length) % 8 + 1;
    return Array.from({ length: parts }, (_, i) => {
        const start = (n * 7 + i) % PERIOD;
        return octets.subarray(start, start + size);
    });
}

function check(parts, n) {
    const expected = plan(n);
    if (parts.length === expected.length && parts.every((part, i) => part.equals(expected[i]))) return;
    console.log(`message ${n} is not what the plan says: ${parts.map((p) => p.length)} octets`);
    process.exit(1);
}

const [role, type, endpoint, count] = process.argv.slice(2);
const socket = zmq.socket(type);
let received = 0;

function next(...parts) {
    check(parts, received++);
    if (received < Number(count)) return role === 'ask' && socket.send(plan(received));
    console.log('done');
    process.exit(0);
}

if (role === 'sink') {
    socket.subscribe('A');
    socket.on('message', (topic, ...parts) => next(...parts));
} else {
    socket.on('message', next);
}
socket.connect(endpoint);
if (role === 'ask') socket.send(plan(0));
if (role === 'source') {
    const hello = setInterval(() => socket.send(['A', 'hello']), 20);
    process.stdin.once('data', () => {
        clearInterval(hello);
        for (let n = 0; n < Number(count); n++) {
            socket.send(['B', ...plan(n)]);
            socket.send(['A', ...plan(n)]);
        }
        console.log('done');
    });
}
