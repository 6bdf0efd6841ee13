// Node with koffi: a libuv of the host's own is in the process already, and calls run on worker threads too.
const fs = require('fs');
const koffi = require(process.env.KOFFI || 'koffi');
const z = koffi.load('libzmq.so.5'); // found by LD_LIBRARY_PATH
koffi.struct('item', { socket: 'void *', fd: 'int', events: 'short', revents: 'short' });
const fn = {};
for (const line of ['void *zmq_ctx_new()', 'int zmq_ctx_term(void *)', 'int zmq_ctx_shutdown(void *)', 'int zmq_errno()',
  'void *zmq_socket(void *, int)', 'int zmq_close(void *)', 'int zmq_bind(void *, const char *)', 'int zmq_connect(void *, const char *)',
  'int zmq_send(void *, const void *, size_t, int)', 'int zmq_recv(void *, void *, size_t, int)',
  'int zmq_setsockopt(void *, int, const void *, size_t)', 'int zmq_getsockopt(void *, int, void *, _Inout_ size_t *)',
  'int zmq_poll(_Inout_ item *, int, long)', 'int zmq_curve_keypair(void *, void *)'])
  fn[/zmq_(\w+)\(/.exec(line)[1]] = z.func(line);
let count = 0;
const check = (ok, name) => console.log(`${ok ? 'ok' : 'not ok'} ${++count} - ${name}`);
const int = (n) => { const b = Buffer.alloc(4); b.writeInt32LE(n); return b; };
const option = (s, id, value) => { const b = Buffer.isBuffer(value) ? value : typeof value === 'number' ? int(value) : Buffer.from(value); return fn.setsockopt(s, id, b, b.length); };
const make = (ctx, kind) => { const s = fn.socket(ctx, kind); option(s, 17, 0); option(s, 27, 5000); return s; };
const join = (a, b) => {
  fn.bind(a, 'tcp://127.0.0.1:*');
  const room = Buffer.alloc(256), size = [256];
  fn.getsockopt(a, 32, room, size);
  const endpoint = room.toString('latin1', 0, size[0] - 1);
  fn.connect(b, endpoint);
  return endpoint;
};
const send = (s, text, flags = 0) => { const b = Buffer.from(text); return fn.send(s, b, b.length, flags); };
const room = Buffer.alloc(256);
const recv = (s, flags = 0) => { const size = fn.recv(s, room, 256, flags); return size < 0 ? null : room.toString('latin1', 0, size); };
const poll = (s, ms) => { const items = [{ socket: s, fd: 0, events: 1, revents: 0 }]; return [fn.poll(items, 1, ms), items[0].revents].join(); };

async function main() {
  const ctx = fn.ctx_new();
  check(koffi.sizeof('item') === 16 && koffi.offsetof('item', 'revents') === 14, 'R7: a poll item is 16 octets, revents at 14');
  const rep = make(ctx, 4), req = make(ctx, 3), endpoint = join(rep, req);
  check(recv(req) === null && fn.errno() === 156384763, 'a REQ that reads before it asks gets EFSM');
  check(poll(rep, 10) === '0,0', 'a poll of nothing ends at its time');
  send(req, 'hello');
  check(poll(rep, 5000) === '1,1', 'a poll sees what arrives');
  check(recv(rep) === 'hello' && send(rep, 'world') === 5 && recv(req) === 'world', 'REQ and REP');
  koffi.errno(0);
  check(recv(rep, 1) === null && koffi.errno() === 11, "R2: koffi.errno has EAGAIN, that is libc's errno");
  recv(rep, 1);
  try { fs.accessSync('/nowhere'); } catch (error) { /* is what was wanted */ }
  check(fn.errno() === 11, 'R2: zmq_errno is still EAGAIN after Node has read a file');
  fn.close(rep);
  const again = make(ctx, 4);
  check(fn.bind(again, endpoint) === 0, 'R9: an endpoint is bound again at once after close');
  check(fn.close(again) === 0 && fn.close(again) === -1 && fn.errno() === 88, 'R5: a second close is ENOTSOCK');
  fn.close(req);
  const push = make(ctx, 8), pull = make(ctx, 7);
  join(push, pull);
  let right = true;
  for (let i = 0; i < 1000; i++) right = right && send(push, String(i)) > 0 && recv(pull) === String(i);
  check(right, 'PUSH and PULL, in order');
  const later = Buffer.alloc(16);
  const waits = new Promise((resolve) => fn.recv.async(pull, later, 16, 0, (error, size) => resolve(error ? -1 : size)));
  setTimeout(() => send(push, 'late'), 50);
  check(await waits === 4 && later.toString('latin1', 0, 4) === 'late', "a read on a worker thread, while Node's own loop runs");
  const pub = make(ctx, 1), sub = make(ctx, 2);
  option(sub, 6, 'a');
  option(sub, 27, 50);
  join(pub, sub);
  let got = null;
  for (let i = 0; i < 200 && got === null; i++) { send(pub, 'b-no'); send(pub, 'a-yes'); got = recv(sub); }
  check(got === 'a-yes', 'PUB and SUB: only what is subscribed');
  const router = make(ctx, 6), dealer = make(ctx, 5);
  option(dealer, 5, 'me');
  join(router, dealer);
  send(dealer, 'one');
  check(recv(router) === 'me' && recv(router) === 'one', 'ROUTER and DEALER');
  send(router, 'me', 2);
  send(router, 'back');
  check(recv(dealer) === 'back', 'ROUTER answers whom it names');
  const keys = [0, 1, 2, 3].map(() => Buffer.alloc(41));
  fn.curve_keypair(keys[0], keys[1]);
  fn.curve_keypair(keys[2], keys[3]);
  const server = make(ctx, 4), client = make(ctx, 3);
  option(server, 47, 1);
  option(server, 49, keys[1]);
  option(client, 50, keys[0]);
  option(client, 48, keys[2]);
  option(client, 49, keys[3]);
  join(server, client);
  send(client, 'secret');
  check(recv(server) === 'secret', 'CURVE');
  fn.ctx_shutdown(ctx);
  check(recv(pull) === null && fn.errno() === 156384765, 'after a shutdown, sockets say ETERM');
  for (const s of [client, pull, router, pub, dealer, sub, push, server]) fn.close(s);
  check(fn.ctx_term(ctx) === 0, 'R5: sockets are closed after the shutdown, in any order, and the context ends');
  const maps = fs.readFileSync('/proc/self/maps', 'latin1').split('\n').map((l) => l.split(' ').pop()).filter((p) => p.includes('libzmq'));
  for (const path of new Set(maps)) console.log(`# maps ${path}`);
  console.log(`1..${count}`);
}
main();
