"""What the campaign's sockets say to each other: for each pair of types a conversation, told as lines.

A conversation gets a Meeting, which knows the two sides as |a| and |b|: the first and the second type of
the pair, whichever of them is ours.
"""
import itertools
import time

from line import Failed, Late, together

SIZES = [0, 1, 254, 255, 256, 8191, 8192, 65535, 65536, 1024 * 1024]
PARTS_MAX = 8
WINDOW = 8
SEEDS = 65521


def shapes(parts_max):
    """The sizes of the parts of each message: every size in 1 to 8 parts, and mixtures."""
    for count in range(1, parts_max + 1):
        for size in SIZES:
            # Of the largest not every count, so that a conversation takes part of a second.
            if size < 1024 * 1024 or count in (1, 2, PARTS_MAX):
                yield [size] * count
    if parts_max >= PARTS_MAX:
        yield SIZES[:PARTS_MAX]
        yield SIZES[PARTS_MAX::-1][:PARTS_MAX]


def plan(parts_max, salt, empties=True):
    """All messages, each as the words of a line. Another salt makes other octets of the same sizes. Without
    |empties| parts of two octets are in the place of empty ones, for libraries that err about those."""
    seeds = itertools.count(salt)
    return [' '.join(f'{next(seeds) * 97 % SEEDS}:{size if size or empties else 2}' for size in sizes)
            for sizes in shapes(parts_max)]


def windows(messages, size):
    for first in range(0, len(messages), size):
        yield messages[first:first + size]


def ask(m, a_before='', b_before='', window=1, parts_max=PARTS_MAX):
    """a asks, b answers; each puts its own words before the message."""
    questions, answers = m.plan(parts_max, 1), m.plan(parts_max, 5000)
    for some in windows(list(zip(questions, answers)), window):
        together((m.a, [f'send {a_before}{q}' for q, _ in some] +
                       [f'recv {a_before}{r}' for _, r in some]),
                 (m.b, [line for q, r in some
                        for line in (f'recv {b_before}{q}', f'send {b_before}{r}')]))


def flow(m, sender, receiver, before='', parts_max=PARTS_MAX, salt=1):
    for some in windows(m.plan(parts_max, salt), WINDOW):
        together((sender, [f'send {before}{words}' for words in some]),
                 (receiver, [f'recv {before}{words}' for words in some]))


def one_way(m, parts_max=PARTS_MAX):
    flow(m, m.a, m.b, parts_max=parts_max)


def both_ways(m, parts_max=PARTS_MAX):
    # Those who were never connected have nobody to send to; the dialler begins.
    first, second = (m.b, m.a) if m.a_binds else (m.a, m.b)
    flow(m, first, second, parts_max=parts_max)
    flow(m, second, first, parts_max=parts_max, salt=5000)


def routers(m):
    """Both must be known by name before either can be written to."""
    questions, answers = m.plan(PARTS_MAX, 1), m.plan(PARTS_MAX, 5000)
    for q, r in zip(questions, answers):
        together((m.a, [f'send =4242 {q}', f'recv =4242 {r}']),
                 (m.b, [f'recv =4141 {q}', f'send =4141 {r}']))


def peers(m):
    """The dialler knows the other's number from the start."""
    if m.a_binds:
        m.swap()
    ask(m, '* ', '* ', parts_max=1)


def topic(kind, octets, on=True):
    """The line by which a subscriber wants a topic, or wants it no more."""
    if kind == 'XSUB':
        return f'send ={"01" if on else "00"}{octets}'
    if not on:
        return f'cancel ={octets}'
    return f'{"join" if kind == "DISH" else "subscribe"} ={octets}'


def tune(publisher, subscriber, octets, *heard):
    """Publishes until the subscriber hears it; then both know that the subscription is there. An XPUB
    is to hear of it first: libzmq's SUB takes notice of who connected only while it receives."""
    subscriber.post(f'until ={octets} =6869')
    publisher.do(*heard)
    end = time.monotonic() + 15
    while not subscriber.answered() and time.monotonic() < end:
        publisher.do(f'send ={octets} =6869')
        time.sleep(0.02)
    subscriber.gather()
    publisher.do(f'send ={octets} =676f')
    subscriber.do(f'until ={octets} =676f')


def publish(m, parts_max=PARTS_MAX):
    """Messages under "A", decoys under "B"; at last "C" in the place of "A"."""
    a_kind, b_kind = m.kinds
    m.b.do(topic(b_kind, '41'))
    tune(m.a, m.b, '41', *['recv =0141'] if a_kind == 'XPUB' else [])
    if m.kinds == ('XPUB', 'XSUB'):
        together((m.b, ['send =7570 4:300']), (m.a, ['recv =7570 4:300']))
    for some in windows(m.plan(parts_max, 1), WINDOW):
        together((m.a, [f'send ={t} {words}' for words in some for t in ('42', '41')]),
                 (m.b, [f'recv =41 {words}' for words in some]))
    m.b.do(topic(b_kind, '41', on=False))
    m.b.do(topic(b_kind, '43'))
    tune(m.a, m.b, '43', *['recv =0041', 'recv =0143'] if a_kind == 'XPUB' else [])
    together((m.a, ['send =41 7:9', 'send =43 8:9']), (m.b, ['recv =43 8:9']))


def hail(m):
    """A DEALER asks and asks until a ROUTER answers: after a restart questions may be lost."""
    for attempt in range(20):
        word = f'={attempt:02x}21'
        try:
            together((m.a, ['option timeout 1000']), (m.b, ['option timeout 1000']))
            m.a.do(f'send {word}')
            m.b.do(f'until * {word}')
            m.b.do(f'send * {word}')
            m.a.do(f'until {word}')
            break
        except Late as e:
            late = e
    else:
        raise Failed(f'nothing went through: {late}')
    together((m.a, ['option timeout 10000']), (m.b, ['option timeout 10000']))


def restart_ask(m):
    hail(m)
    for _ in range(3):
        m.restart()
        hail(m)
    ask(m, '', '* ', window=WINDOW)


def restart_publish(m):
    m.b.do(topic('SUB', '41'))
    tune(m.a, m.b, '41')
    for count in range(1, 4):
        if m.restart() is m.b:
            # What a publisher says to who has gone, before it has noticed, is for who comes next, whatever that has
            # subscribed to. Who was held up just then would have it heard that way, and be in tune with nobody.
            if m.a is m.ours and m.us == 'ours':
                m.a.do(f'await closed {count}')
            m.b.do(topic('SUB', '41'))
        tune(m.a, m.b, '41')
    flow(m, m.a, m.b, '=41 ')


def forward(m):
    """Their SUB on our XPUB, our XSUB on their PUB, and we carry between: a = SUB, b = XPUB."""
    back, pub = m.another('XSUB', 'PUB')
    m.a.do(topic('SUB', '41'))
    m.a.post('until =41 =6869')
    m.b.do('recv =0141')
    back.do('send =0141')
    tune(pub, back, '41')
    m.b.do('send =41 =6869')
    m.a.gather()
    for words in m.plan(PARTS_MAX, 1):
        together((pub, [f'send =42 {words}', f'send =41 {words}']), (back, [f'recv =41 {words}']),
                 (m.b, [f'send =41 {words}']), (m.a, [f'recv =41 {words}']))
    m.a.do(topic('SUB', '41', on=False))
    m.b.do('recv =0041')
    back.do('send =0041')


def heartbeats(m):
    """Silence does not end a connection; a side that is stopped does, and what comes after works."""
    hail(m)
    before = m.ours.do('counts')
    time.sleep(4 * HEARTBEAT_MS / 1000)
    after = m.ours.do('counts')
    if after != before or after.split()[:2] != ['1', '0']:
        raise Failed(f'connected, closed, failed: {before} before the silence, {after} after it')
    m.theirs.stop()
    try:
        reason = m.ours.do('await closed 1')
    finally:
        m.theirs.go_on()
    if reason != 'ZMTP_ERR_HEARTBEAT':
        raise Failed(f'a stopped peer was given up for {reason}')
    hail(m)
    m.ours.stop()
    time.sleep(5 * HEARTBEAT_MS / 1000)
    m.ours.go_on()
    m.ours.do('await closed 2')
    hail(m)


HEARTBEAT_MS = 1000


class Pair:
    """A column: types, what is said, and what is special about how they meet."""

    def __init__(self, kinds, run, name=None, a_option=None, b_option=None, restart=None, ours=None,
                 reverse=False):
        self.kinds, self.run = tuple(kinds.split('/')), run
        self.name, self.restart = name or '', restart
        self.options = a_option, b_option
        self.ours = ours  # 'a', 'b', or None for each in turn
        self.reverse = reverse  # whoever binds is the client of PLAIN and CURVE

    def columns(self):
        """(label, which of a and b is ours), ours first in the label."""
        same = self.kinds[0] == self.kinds[1]
        for ours in [self.ours] if self.ours else ['a'] if same else ['a', 'b']:
            first, second = self.kinds if ours == 'a' else self.kinds[::-1]
            yield f'{first}/{second}{" " + self.name if self.name else ""}', ours


BEAT = f'option heartbeat {HEARTBEAT_MS // 4} {HEARTBEAT_MS} {HEARTBEAT_MS}'
PAIRS = [
    Pair('REQ/REP', ask),
    Pair('REQ/ROUTER', lambda m: ask(m, '', '** ')),
    Pair('DEALER/REP', lambda m: ask(m, '= ', '', WINDOW)),
    Pair('DEALER/ROUTER', lambda m: ask(m, '', '* ', WINDOW)),
    Pair('DEALER/DEALER', both_ways),
    Pair('ROUTER/ROUTER', routers, a_option='option routing-id 4141', b_option='option routing-id 4242'),
    Pair('PUB/SUB', publish),
    Pair('XPUB/SUB', publish),
    Pair('PUB/XSUB', publish),
    Pair('XPUB/XSUB', publish),
    Pair('PUSH/PULL', one_way),
    Pair('PAIR/PAIR', both_ways),
    Pair('CLIENT/SERVER', lambda m: ask(m, '', '* ', WINDOW, parts_max=1)),
    Pair('RADIO/DISH', lambda m: publish(m, parts_max=1)),
    Pair('SCATTER/GATHER', lambda m: one_way(m, parts_max=1)),
    Pair('CHANNEL/CHANNEL', lambda m: both_ways(m, parts_max=1)),
    Pair('PEER/PEER', peers),
    Pair('REQ/REP', ask, name='client binds', reverse=True),
    Pair('DEALER/ROUTER', restart_ask, name='we restart', restart='ours'),
    Pair('DEALER/ROUTER', restart_ask, name='they restart', restart='theirs'),
    Pair('PUB/SUB', restart_publish, name='we restart', restart='ours'),
    Pair('PUB/SUB', restart_publish, name='they restart', restart='theirs'),
    Pair('SUB/XPUB', forward, name='forwarding', ours='b'),
    Pair('DEALER/ROUTER', heartbeats, name='heartbeats', a_option=BEAT, b_option=BEAT),
]
