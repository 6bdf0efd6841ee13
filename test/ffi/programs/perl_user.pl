#!/usr/bin/perl
# Perl's ZMQ::FFI, which looks for the library through FFI::CheckLib.
use strict;
use warnings;
use ZMQ::FFI;
use ZMQ::FFI::Constants qw(:all);
use Errno qw(EAGAIN);

$| = 1;
my $count = 0;
sub check { my ($ok, $name) = @_; $count++; print(($ok ? 'ok' : 'not ok'), " $count - $name\n"); }
my $ctx = ZMQ::FFI->new();
sub make { my $s = $ctx->socket(shift); $s->set_linger(0); $s->set(ZMQ_RCVTIMEO, 'int', 5000); return $s; }
sub join_ends { my ($a, $b) = @_; $a->bind('tcp://127.0.0.1:*'); my $e = $a->get(ZMQ_LAST_ENDPOINT, 'string'); $e =~ s/\0.*//s; $b->connect($e); return $e; }

my ($rep, $req) = (make(ZMQ_REP), make(ZMQ_REQ));
my $endpoint = join_ends($rep, $req);
$req->send('hello');
check($rep->recv() eq 'hello', 'a question');
$rep->send('');
check($req->recv() eq '', 'an answer that is empty');
check(!$rep->has_pollin, 'ZMQ_EVENTS has no input');
eval { $rep->recv(ZMQ_DONTWAIT) };
check($@ ne '' && $rep->last_errno == EAGAIN, 'R2: a read without waiting dies, and last_errno is EAGAIN');
$rep->die_on_error(0);
$rep->recv(ZMQ_DONTWAIT);
check($rep->has_error && $rep->last_strerror =~ /temporarily/, 'last_strerror has words');
$rep->die_on_error(1);
eval { $req->recv() };
check($req->last_errno == 156384763, 'a REQ that reads before it asks gets EFSM');
$rep->close();
my $again = make(ZMQ_REP);
check(eval { $again->bind($endpoint); 1 }, 'R9: an endpoint is bound again at once after close');
my ($push, $pull) = (make(ZMQ_PUSH), make(ZMQ_PULL));
join_ends($push, $pull);
$push->send_multipart(['a', '', 'c']);
check(join('|', $pull->recv_multipart()) eq 'a||c', 'PUSH and PULL: parts');
my ($pub, $sub) = (make(ZMQ_PUB), make(ZMQ_SUB));
$sub->subscribe('a');
join_ends($pub, $sub);
$sub->set(ZMQ_RCVTIMEO, 'int', 50);
my $got = '';
for (1 .. 200) {
    $pub->send('b-no');
    $pub->send('a-yes');
    last if eval { $got = $sub->recv(); 1 };
}
check($got eq 'a-yes', 'PUB and SUB: only what is subscribed');
my ($router, $dealer) = (make(ZMQ_ROUTER), make(ZMQ_DEALER));
$dealer->set_identity('me');
join_ends($router, $dealer);
$dealer->send('one');
check(join('|', $router->recv_multipart()) eq 'me|one', 'ROUTER and DEALER');
$router->send_multipart(['me', 'back']);
check($dealer->recv() eq 'back', 'ROUTER answers whom it names');
check($router->get_fd() > 2, 'ZMQ_FD is a descriptor');
my ($server_public, $server_secret) = $ctx->curve_keypair();
my ($client_public, $client_secret) = $ctx->curve_keypair();
check($server_public =~ /^[!-~]{40}\0?\z/ && $server_public ne $client_public, 'CURVE: keys of 40 characters');
sub make_client {
    my $s = make(ZMQ_REQ);
    $s->set(ZMQ_CURVE_SERVERKEY, 'string', shift);
    $s->set(ZMQ_CURVE_PUBLICKEY, 'string', $client_public);
    $s->set(ZMQ_CURVE_SECRETKEY, 'string', $client_secret);
    return $s;
}
my ($server, $client, $fool) = (make(ZMQ_REP), make_client($server_public), make_client($client_public));
$server->set(ZMQ_CURVE_SERVER, 'int', 1);
$server->set(ZMQ_CURVE_SECRETKEY, 'string', $server_secret);
check($server->get(ZMQ_MECHANISM, 'int') == ZMQ_CURVE, 'CURVE: ZMQ_MECHANISM says so');
my $secure = join_ends($server, $client);
$client->send('secret');
check($server->recv() eq 'secret' && ($server->send('kept'), $client->recv()) eq 'kept', 'CURVE: a question and an answer');
$fool->connect($secure);
$fool->send('secret');
$server->set(ZMQ_RCVTIMEO, 'int', 300);
eval { $server->recv() };
check($@ ne '' && $server->last_errno == EAGAIN, 'CURVE: who has the key of another server is not heard');
$_->close() for $server, $fool, $client, $pull, $router, $req, $again, $pub, $dealer, $sub, $push;
check(eval { $ctx->destroy(); 1 }, 'R5: sockets are closed in any order, and the context ends');
open(my $maps, '<', '/proc/self/maps') or die;
my %seen;
while (<$maps>) { print "# maps $1\n" if m{(\S*libzmq\S*)$} && !$seen{$1}++; }
print "1..$count\n";
