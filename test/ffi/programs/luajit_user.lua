-- LuaJIT's FFI, which opens libzmq.so without a number.
local ffi = require 'ffi'
ffi.cdef [[
struct item { void *socket; int fd; short events, revents; };
void *zmq_ctx_new(void); int zmq_ctx_term(void *); int zmq_ctx_shutdown(void *); int zmq_errno(void);
void zmq_version(int *, int *, int *); const char *zmq_strerror(int);
void *zmq_socket(void *, int); int zmq_close(void *); int zmq_bind(void *, const char *); int zmq_connect(void *, const char *);
int zmq_send(void *, const void *, size_t, int); int zmq_recv(void *, void *, size_t, int);
int zmq_setsockopt(void *, int, const void *, size_t); int zmq_getsockopt(void *, int, void *, size_t *);
int zmq_poll(struct item *, int, long); int zmq_curve_keypair(char *, char *);
int access(const char *, int);
]]
local z, count = ffi.load 'zmq', 0
local EAGAIN, EFSM, ENOTSOCK, ETERM = 11, 156384763, 88, 156384765
local function check(ok, name)
  count = count + 1
  print((ok and 'ok ' or 'not ok ') .. count .. ' - ' .. name)
end
local function number(s, option, value) return z.zmq_setsockopt(s, option, ffi.new('int[1]', value), 4) end
local function text(s, option, value) return z.zmq_setsockopt(s, option, value, #value) end
local function make(ctx, kind)
  local s = z.zmq_socket(ctx, kind)
  number(s, 17, 0)
  number(s, 27, 5000)
  return s
end
local function join(a, b)
  local room, size = ffi.new 'char[256]', ffi.new('size_t[1]', 256)
  z.zmq_bind(a, 'tcp://127.0.0.1:*')
  z.zmq_getsockopt(a, 32, room, size)
  z.zmq_connect(b, room)
  return ffi.string(room)
end
local function send(s, data, flags) return z.zmq_send(s, data, #data, flags or 0) end
local room = ffi.new 'char[256]'
local function recv(s, flags)
  local size = z.zmq_recv(s, room, 256, flags or 0)
  return size >= 0 and ffi.string(room, size) or nil
end
local ctx = z.zmq_ctx_new()
check(ffi.sizeof 'struct item' == 16, 'R7: a poll item is 16 octets')
local rep, req = make(ctx, 4), make(ctx, 3)
local endpoint = join(rep, req)
check(recv(req) == nil and z.zmq_errno() == EFSM, 'a REQ that reads before it asks gets EFSM')
local items = ffi.new('struct item[1]', { { rep, 0, 1, 0 } })
check(z.zmq_poll(items, 1, 10) == 0, 'a poll of nothing ends at its time')
send(req, 'hello')
check(z.zmq_poll(items, 1, 5000) == 1 and items[0].revents == 1, 'a poll sees what arrives')
check(recv(rep) == 'hello' and send(rep, 'world') == 5 and recv(req) == 'world', 'REQ and REP')
ffi.errno(0)
check(recv(rep, 1) == nil and ffi.errno() == EAGAIN, "R2: ffi.errno has EAGAIN, that is libc's errno")
number(rep, 27, 20)
recv(rep)
ffi.C.access('/nowhere', 0)
check(z.zmq_errno() == EAGAIN, 'R2: zmq_errno is still EAGAIN after libc changed its errno')
z.zmq_close(rep)
local again = make(ctx, 4)
check(z.zmq_bind(again, endpoint) == 0, 'R9: an endpoint is bound again at once after close')
check(z.zmq_close(again) == 0 and z.zmq_close(again) == -1 and z.zmq_errno() == ENOTSOCK, 'R5: a second close is ENOTSOCK')
z.zmq_close(req)
local push, pull = make(ctx, 8), make(ctx, 7)
join(push, pull)
local right = true
for i = 1, 20000 do
  local data = tostring(i)
  if send(push, data) ~= #data or recv(pull) ~= data then right = false break end
end
check(right, 'PUSH and PULL, 20000 messages through compiled code')
local pub, sub = make(ctx, 1), make(ctx, 2)
text(sub, 6, 'a')
number(sub, 27, 50)
join(pub, sub)
local got
for _ = 1, 200 do
  send(pub, 'b-no')
  send(pub, 'a-yes')
  got = recv(sub)
  if got then break end
end
check(got == 'a-yes', 'PUB and SUB: only what is subscribed')
local router, dealer = make(ctx, 6), make(ctx, 5)
text(dealer, 5, 'me')
join(router, dealer)
send(dealer, 'one')
check(recv(router) == 'me' and recv(router) == 'one', 'ROUTER and DEALER')
send(router, 'me', 2)
send(router, 'back')
check(recv(dealer) == 'back', 'ROUTER answers whom it names')
local function keys()
  local a, b = ffi.new 'char[41]', ffi.new 'char[41]'
  z.zmq_curve_keypair(a, b)
  return a, b
end
local sp, ss = keys()
local cp, cs = keys()
rep, req = make(ctx, 4), make(ctx, 3)
number(rep, 47, 1)
z.zmq_setsockopt(rep, 49, ss, 41)
z.zmq_setsockopt(req, 50, sp, 41)
z.zmq_setsockopt(req, 48, cp, 41)
z.zmq_setsockopt(req, 49, cs, 41)
join(rep, req)
send(req, 'secret')
check(recv(rep) == 'secret', 'CURVE')
z.zmq_ctx_shutdown(ctx)
check(recv(pull) == nil and z.zmq_errno() == ETERM, 'after a shutdown, sockets say ETERM')
-- As finalizers do: whatever order the collector has.
for _, s in ipairs { req, push, sub, router, pull, rep, dealer, pub } do ffi.gc(s, z.zmq_close) end
push, pull, pub, sub, router, dealer, rep, req = nil
collectgarbage()
collectgarbage()
check(z.zmq_ctx_term(ctx) == 0, 'R5: finalizers close the sockets in any order, and the context ends')
local seen = {}
for line in io.lines '/proc/self/maps' do
  local path = line:match '%S*libzmq%S*$'
  if path and not seen[path] then seen[path] = print('# maps ' .. path) or true end
end
print('1..' .. count)
