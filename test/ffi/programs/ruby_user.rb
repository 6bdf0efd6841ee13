# Ruby's ffi-rzmq.
require 'ffi-rzmq'

$stdout.sync = true
$count = 0
def check(ok, name)
  $count += 1
  puts "#{ok ? 'ok' : 'not ok'} #{$count} - #{name}"
end
CTX = ZMQ::Context.new
def make(kind)
  s = CTX.socket(kind)
  s.setsockopt(ZMQ::LINGER, 0)
  s.setsockopt(ZMQ::RCVTIMEO, 5000)
  s
end
def join(a, b)
  a.bind('tcp://127.0.0.1:*')
  at = []
  a.getsockopt(ZMQ::LAST_ENDPOINT, at)
  endpoint = at[0].delete("\0")
  b.connect(endpoint)
  endpoint
end
def recv(s, flags = 0)
  text = String.new
  s.recv_string(text, flags) >= 0 ? text : nil
end
rep, req = make(ZMQ::REP), make(ZMQ::REQ)
endpoint = join(rep, req)
check(recv(req).nil? && ZMQ::Util.errno == 156384763, 'a REQ that reads before it asks gets EFSM')
poller = ZMQ::Poller.new
poller.register_readable(rep)
check(poller.poll(10).zero?, 'a poll of nothing ends at its time')
req.send_string('hello')
check(poller.poll(5000) == 1 && poller.readables == [rep], 'a poll sees what arrives')
check(recv(rep) == 'hello' && rep.send_string('') == 0 && recv(req) == '', 'REQ and REP')
check(recv(rep, ZMQ::DONTWAIT).nil? && ZMQ::Util.errno == 11, 'R2: a read without waiting is EAGAIN')
check(ZMQ::Util.error_string =~ /temporarily/, 'error_string has words')
check(rep.close == 0, 'a socket closes')
again = make(ZMQ::REP)
check(again.bind(endpoint) == 0, 'R9: an endpoint is bound again at once after close')
push, pull = make(ZMQ::PUSH), make(ZMQ::PULL)
join(push, pull)
push.send_strings(['a', '', 'c'])
parts = []
pull.recv_strings(parts)
check(parts == ['a', '', 'c'], 'PUSH and PULL: parts')
big = 'x' * 1_000_000
push.send_string(big)
check(recv(pull) == big, 'a megabyte arrives whole')
pub, sub = make(ZMQ::PUB), make(ZMQ::SUB)
sub.setsockopt(ZMQ::SUBSCRIBE, 'a')
sub.setsockopt(ZMQ::RCVTIMEO, 50)
join(pub, sub)
got = nil
200.times do
  pub.send_string('b-no')
  pub.send_string('a-yes')
  break if (got = recv(sub))
end
check(got == 'a-yes', 'PUB and SUB: only what is subscribed')
router, dealer = make(ZMQ::ROUTER), make(ZMQ::DEALER)
dealer.identity = 'me'
join(router, dealer)
dealer.send_string('one')
check(recv(router) == 'me' && router.more_parts? && recv(router) == 'one' && !router.more_parts?, 'ROUTER and DEALER')
router.send_strings(%w[me back])
check(recv(dealer) == 'back', 'ROUTER answers whom it names')
server_public, server_secret = ZMQ::Util.curve_keypair
client_public, client_secret = ZMQ::Util.curve_keypair
check(server_public.size == 40 && server_public != client_public, 'CURVE: keys of 40 characters')
make_client = lambda do |key|
  s = make(ZMQ::REQ)
  s.setsockopt(ZMQ::CURVE_SERVERKEY, key)
  s.setsockopt(ZMQ::CURVE_PUBLICKEY, client_public)
  s.setsockopt(ZMQ::CURVE_SECRETKEY, client_secret)
  s
end
server, client, fool = make(ZMQ::REP), make_client.(server_public), make_client.(client_public)
server.setsockopt(ZMQ::CURVE_SERVER, 1)
server.setsockopt(ZMQ::CURVE_SECRETKEY, server_secret)
mechanism = []
check(server.getsockopt(ZMQ::MECHANISM, mechanism) == 0 && mechanism == [ZMQ::CURVE], 'CURVE: ZMQ_MECHANISM says so')
secure = join(server, client)
client.send_string('secret')
check(recv(server) == 'secret' && server.send_string('kept') == 4 && recv(client) == 'kept', 'CURVE: a question and an answer')
fool.connect(secure)
fool.send_string('secret')
server.setsockopt(ZMQ::RCVTIMEO, 300)
check(recv(server).nil? && ZMQ::Util.errno == 11, 'CURVE: who has the key of another server is not heard')
[server, fool, client, pull, router, req, again, pub, dealer, sub, push].each(&:close)
check(CTX.terminate == 0, 'R5: sockets are closed in any order, and the context ends')
puts File.readlines('/proc/self/maps').map { |l| l.split.last }.grep(/libzmq/).uniq.map { |p| "# maps #{p}" }
puts "1..#{$count}"
