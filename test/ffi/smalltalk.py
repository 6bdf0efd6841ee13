"""Reads packages in the Tonel format, and runs what is in them: a small Smalltalk, for test_pharo.py.

It has as much of the language as zmtp/bindings/pharo uses (all of its syntax but pragmas' arguments and scaled numbers) and
of the classes below Object as those methods send to. Calls of the library go through ctypes, and are written down. It is no
Pharo: what passes here has been run, but not there.
"""
import ctypes
import os
import re
import threading
import time


class Malformed(Exception):
    pass


TOKEN = re.compile(r'''
    (?P<space>\s+|"(?:[^"]|"")*")|(?P<number>\d+(?:r[0-9A-Z]+)?)|(?P<keyword>[A-Za-z_]\w*:(?!=))|(?P<name>[A-Za-z_]\w*)|
    (?P<string>'(?:[^']|'')*')|(?P<symbol>\#(?:'(?:[^']|'')*'|[A-Za-z_][\w:]*|[-+*/~=<>,@%&|!?]+))|(?P<hasharray>\#\()|
    (?P<char>\$.)|(?P<assign>:=)|(?P<binary>[-+*/~=<>,@%&|!?]+)|(?P<mark>[\[\](){}.;^:])''', re.X | re.S)


class Symbol(str):
    __slots__ = ()


def tokens_of(text):
    at, found = 0, []
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise Malformed(f'cannot read {text[at:at + 20]!r}')
        if match.lastgroup != 'space':
            found.append((match.lastgroup, match.group()))
        at = match.end()
    return found


class Parser:
    """A method's body. Nodes are tuples that begin with what they are."""

    def __init__(self, text):
        self.tokens, self.at = tokens_of(text), 0

    def peek(self, kind, text=None):
        if self.at == len(self.tokens):
            return False
        token = self.tokens[self.at]
        return token[0] == kind and text in (None, token[1])

    def take(self, kind, text=None):
        if not self.peek(kind, text):
            there = self.tokens[self.at][1] if self.at < len(self.tokens) else 'the end'
            raise Malformed(f'{text or kind} was expected before {there!r}')
        self.at += 1
        return self.tokens[self.at - 1][1]

    def accept(self, kind, text=None):
        return self.take(kind, text) if self.peek(kind, text) else None

    def temporaries(self):
        names = []
        if self.accept('binary', '||'):
            return names
        if self.accept('binary', '|'):
            while not self.accept('binary', '|'):
                names.append(self.take('name'))
        return names

    def statements(self, end):
        found = []
        while self.at < len(self.tokens) and not (end and self.peek('mark', end)):
            if self.accept('mark', '^'):
                found.append(('return', self.expression()))
            else:
                found.append(self.expression())
            if not self.accept('mark', '.'):
                break
        return found

    def method(self):
        pragmas = []
        names = self.temporaries()
        while self.accept('binary', '<'):
            pragmas.append(self.accept('name') or self.take('keyword'))
            self.take('binary', '>')
        body = self.statements(None)
        if self.at != len(self.tokens):
            raise Malformed(f'unexpected {self.tokens[self.at][1]!r}')
        return ('method', names, body, pragmas)

    def expression(self):
        if self.peek('name') and self.at + 1 < len(self.tokens) and self.tokens[self.at + 1][0] == 'assign':
            name = self.take('name')
            self.take('assign')
            return ('assign', name, self.expression())
        node = self.keyword_send(self.binary_send(self.unary_send(self.primary())))
        if not self.peek('mark', ';'):
            return node
        if node[0] != 'send':
            raise Malformed('a cascade follows no message')
        messages = [(node[2], node[3])]
        while self.accept('mark', ';'):
            sent = self.keyword_send(self.binary_send(self.unary_send(('it',), once=True), once=True), once=True)
            messages.append((sent[2], sent[3]))
        return ('cascade', node[1], messages)

    def unary_send(self, node, once=False):
        while self.peek('name') and not (once and node[0] == 'send'):
            node = ('send', node, self.take('name'), [])
        return node

    def binary_send(self, node, once=False):
        while self.peek('binary') and not (once and node[0] == 'send'):
            operator = self.take('binary')
            node = ('send', node, operator, [self.unary_send(self.primary())])
        return node

    def keyword_send(self, node, once=False):
        words, arguments = [], []
        if once and node[0] == 'send':
            return node
        while self.peek('keyword'):
            words.append(self.take('keyword'))
            arguments.append(self.binary_send(self.unary_send(self.primary())))
        return ('send', node, ''.join(words), arguments) if words else node

    def primary(self):
        if self.accept('mark', '('):
            node = self.expression()
            self.take('mark', ')')
            return node
        if self.accept('mark', '['):
            parameters = []
            while self.accept('mark', ':'):
                parameters.append(self.take('name'))
            if parameters and not self.peek('mark', ']') and not self.accept('binary', '|'):
                # "[ :a || b | ...": an end of the parameters and a begin of the temporaries.
                self.take('binary', '||')
                self.at -= 1
                self.tokens[self.at] = ('binary', '|')
            names = self.temporaries()
            body = self.statements(']')
            self.take('mark', ']')
            return ('block', parameters, names, body)
        if self.peek('name'):
            return ('name', self.take('name'))
        return ('literal', self.literal())

    def literal(self):
        if self.peek('binary', '-'):
            self.take('binary', '-')
            return -int(self.take('number'))
        for kind in ('number', 'string', 'symbol', 'char'):
            text = self.accept(kind)
            if text is None:
                continue
            if kind == 'number':
                return int(text.split('r')[1], int(text.split('r')[0])) if 'r' in text else int(text)
            if kind == 'string':
                return text[1:-1].replace("''", "'")
            return Symbol(text[1:].strip("'")) if kind == 'symbol' else text[1]
        self.take('hasharray')
        return self.literal_array()

    def literal_array(self):
        items = []
        while not self.accept('mark', ')'):
            if self.accept('mark', '(') or self.accept('hasharray'):
                items.append(self.literal_array())
            elif self.peek('name') or self.peek('keyword') or (self.peek('binary') and not self.peek('binary', '-')):
                word = self.tokens[self.at][1]
                self.at += 1
                items.append({'true': True, 'false': False, 'nil': None}.get(word, Symbol(word)))
            else:
                items.append(self.literal())
        return items


# The file of a class, as Pharo writes it.
HEAD = re.compile(r'(?:"\n(?P<comment>(?:[^"]|"")*)\n"\n)?Class \{\n(?P<fields>.*?)\n\}\n', re.S)
FIELD = re.compile(r"\t#(\w+) : (?:#'?([\w-]+)'?|\[\n((?:\t\t'\w+',?\n)+)\t\]),?\n?")
METHOD = re.compile(r"\{ #category : #'?([\w -]+)'? \}\n(\w+)( class)? >> ([^\n]*?) \[\n(.*?)\n\]\n?", re.S)


class Method:
    def __init__(self, category, owner, head, body):
        self.category, self.owner, self.body = category, owner, body
        words = head.split()
        keywords = [word for word in words if word.endswith(':')]
        if keywords:
            self.selector, self.parameters = ''.join(keywords), words[1::2]
        elif len(words) == 2:
            self.selector, self.parameters = words[0], [words[1]]
        else:
            self.selector, self.parameters = head, []
        _, self.temporaries, self.statements, self.pragmas = Parser(body).method()


class ClassFile:
    def __init__(self, path):
        with open(path, encoding='utf-8') as file:
            text = file.read()
        head = HEAD.match(text)
        if not head or not head.group('comment'):
            raise Malformed('there is no comment, or no class')
        fields, at = {}, 0
        for match in FIELD.finditer(head.group('fields') + '\n'):
            if match.start() != at:
                raise Malformed(f'cannot read {head.group("fields")[at:at + 30]!r}')
            at = match.end()
            fields[match.group(1)] = match.group(2) or re.findall(r"'(\w+)'", match.group(3))
        self.name, self.superclass, self.category = (fields[key] for key in ('name', 'superclass', 'category'))
        self.variables, self.shared, self.pools = (fields.get(key, []) for key in ('instVars', 'classVars', 'pools'))
        self.methods = {False: {}, True: {}}
        at = head.end()
        while at < len(text):
            if text[at] != '\n':
                raise Malformed(f'there must be an empty line before {text[at:at + 30]!r}')
            match = METHOD.match(text, at + 1)
            if not match:
                raise Malformed(f'no method: {text[at + 1:at + 60]!r}')
            at = match.end()
            if match.group(2) != self.name:
                raise Malformed(f'a method of {match.group(2)}')
            try:
                method = Method(match.group(1), self, match.group(4), match.group(5))
            except Malformed as error:
                raise Malformed(f'#{match.group(4)}: {error}') from error
            side = self.methods[bool(match.group(3))]
            if method.selector in side:
                raise Malformed(f'#{method.selector} is there twice')
            side[method.selector] = method


class Thing:
    def __init__(self, kind):
        self.kind, self.slots = kind, {}


class Association:
    def __init__(self, key, value):
        self.key, self.value = key, value

    def __eq__(self, other):
        return isinstance(other, Association) and (self.key, self.value) == (other.key, other.value)


class Ordered(list):
    """An OrderedCollection; a list is an Array."""


class Signal(Exception):
    def __init__(self, thing):
        super().__init__()
        self.thing = thing


class Unwind(Exception):
    """A return out of the method |frame|, or out of a handler."""

    def __init__(self, frame, value):
        super().__init__()
        self.frame, self.value = frame, value


class Frame:
    def __init__(self, receiver, method, values, outer=None):
        self.receiver, self.method, self.values, self.outer = receiver, method, values, outer
        self.home = outer.home if outer else self

    def find(self, name):
        frame = self
        while frame:
            if name in frame.values:
                return frame.values
            frame = frame.outer
        return None


class Block:
    def __init__(self, node, frame):
        self.node, self.frame = node, frame


class TestFailed(Exception):
    pass


ROOTS = {'Object': None, 'Error': 'Object', 'FFILibrary': 'Object', 'SharedPool': 'Object', 'TestCase': 'Object',
         'BaselineOf': 'Object'}
C_TYPES = {'int32': ctypes.c_int32, 'int64': ctypes.c_int64, 'uint32': ctypes.c_uint32, 'uint64': ctypes.c_uint64,
           'size_t': ctypes.c_size_t, 'String': ctypes.c_char_p}


class Image:
    """Classes of the files, and what runs them. One process runs at a time, until it waits."""

    def __init__(self, folder, libraries):
        self.files, self.folders = {}, {}
        for package in sorted(os.listdir(folder)):
            for name in sorted(os.listdir(os.path.join(folder, package)) if os.path.isdir(os.path.join(folder, package)) else []):
                if name.endswith('.class.st'):
                    try:
                        file = ClassFile(os.path.join(folder, package, name))
                    except (Malformed, KeyError) as error:
                        raise Malformed(f'{package}/{name}: {error}') from error
                    self.files[file.name] = file
                    self.folders[file.name] = package
        self.shared = {name: dict.fromkeys(file.shared) for name, file in self.files.items()}
        self.unique, self.libraries, self.calls = {}, libraries, []
        self.processor = threading.Lock()
        for name, file in self.files.items():
            if 'initialize' in file.methods[True]:
                self.send(('class', name), 'initialize', [])

    # Looking things up.
    def superclass(self, name):
        return self.files[name].superclass if name in self.files else ROOTS.get(name)

    def line(self, name):
        while name:
            yield name
            name = self.superclass(name)

    def method(self, name, selector, meta):
        for each in self.line(name):
            if each in self.files and selector in self.files[each].methods[meta]:
                return self.files[each].methods[meta][selector]
        return None

    def subclasses(self, name):
        return [each for each in self.files if each != name and name in self.line(each)]

    # Running.
    def run(self, method, receiver, arguments):
        frame = Frame(receiver, method, dict(zip(method.parameters, arguments)))
        frame.values.update(dict.fromkeys(method.temporaries))
        try:
            self.statements(method.statements, frame)
        except Unwind as unwind:
            if unwind.frame is not frame:
                raise
            return unwind.value
        return receiver

    def statements(self, nodes, frame):
        value = None
        for node in nodes:
            value = self.value(node, frame)
        return value

    def call(self, block, *arguments):
        if not isinstance(block, Block):
            return block
        _, parameters, names, body = block.node
        if len(parameters) != len(arguments):
            raise Malformed(f'a block of {len(parameters)} parameters gets {len(arguments)}')
        frame = Frame(block.frame.receiver, block.frame.method, dict(zip(parameters, arguments)), block.frame)
        frame.values.update(dict.fromkeys(names))
        return self.statements(body, frame)

    def name(self, name, frame):
        fixed = {'self': frame.receiver, 'super': frame.receiver, 'true': True, 'false': False, 'nil': None}
        if name in fixed:
            return fixed[name]
        place = self.place(name, frame)
        if place is not None:
            return place[name]
        if name in self.files or name in ROOTS or name in BUILT_IN:
            return ('class', name)
        raise Malformed(f'{name} is not known in {frame.method.owner.name}>>#{frame.method.selector}')

    def place(self, name, frame):
        place = frame.find(name)
        if place is not None:
            return place
        for each in self.line(frame.method.owner.name):
            if each not in self.files:
                break
            file = self.files[each]
            if name in file.variables and isinstance(frame.receiver, Thing):
                return frame.receiver.slots
            for owner in [each, *file.pools]:
                if name in self.shared[owner]:
                    return self.shared[owner]
        return None

    def value(self, node, frame):
        kind = node[0]
        if kind == 'literal':
            return node[1]
        if kind == 'name':
            return self.name(node[1], frame)
        if kind == 'block':
            return Block(node, frame)
        if kind == 'assign':
            place = self.place(node[1], frame)
            if place is None:
                raise Malformed(f'{node[1]} is assigned to, and not known')
            place[node[1]] = self.value(node[2], frame)
            return place[node[1]]
        if kind == 'return':
            raise Unwind(frame.home, self.value(node[1], frame))
        if kind == 'cascade':
            receiver = self.value(node[1], frame)
            value = None
            for selector, arguments in node[2]:
                value = self.send(receiver, selector, [self.value(a, frame) for a in arguments])
            return value
        receiver = self.value(node[1], frame)
        if node[2] == 'ffiCall:':
            return self.ffi(node[3][0][1], frame)
        arguments = [self.value(a, frame) for a in node[3]]
        if node[1] == ('name', 'super'):
            return self.send(receiver, node[2], arguments, self.superclass(frame.method.owner.name))
        return self.send(receiver, node[2], arguments)

    def send(self, receiver, selector, arguments, start=None):
        if isinstance(receiver, Thing):
            method = self.method(start or receiver.kind, selector, False)
        elif isinstance(receiver, tuple) and receiver[0] == 'class':
            method = self.method(start or receiver[1], selector, True)
        else:
            method = None
        if method:
            return self.run(method, receiver, arguments)
        return builtin(self, receiver, selector, arguments)

    # The library.
    def ffi(self, call, frame):
        returns, function, words = call[0], call[1], call[2]
        kinds, names = [], []
        for argument in ' '.join(words).split(','):
            if argument.strip():
                kind, name = re.fullmatch(r'(\w+(?: \*)?)\s*(\w+)', argument.strip()).groups()
                kinds.append(kind)
                names.append(name)
        given = [frame.values[name] for name in names]
        function_of = getattr(self.libraries[self.send(frame.receiver, 'libraryFileName', [])], function)
        function_of.restype = C_TYPES[returns]
        function_of.argtypes = [C_TYPES.get(kind, ctypes.c_void_p) for kind in kinds]
        result = function_of(*[passed(kind, value) for kind, value in zip(kinds, given)])
        result = result.decode() if returns == 'String' else result
        self.calls.append((function, list(zip(kinds, [bytes(v) if isinstance(v, bytearray) else v for v in given])), result))
        return result

    def wait(self, milliseconds):
        self.processor.release()
        time.sleep(milliseconds / 1000)
        self.processor.acquire()

    def is_kind(self, thing, name):
        return isinstance(thing, Thing) and name in self.line(thing.kind)

    def tests(self, name):
        found = []
        for each in self.line(name):
            if each in self.files:
                found += [selector for selector in self.files[each].methods[False] if selector.startswith('test')]
            if not self.send(('class', each), 'shouldInheritSelectors', []):
                break
        return sorted(set(found))

    def run_test(self, name, selector):
        """None, or why it failed."""
        test = Thing(name)
        test.slots.update({variable: None for each in self.line(name) if each in self.files for variable in self.files[each].variables})
        with self.processor:
            try:
                self.send(test, 'setUp', [])
                try:
                    self.send(test, selector, [])
                finally:
                    self.send(test, 'tearDown', [])
            except TestFailed as failed:
                return str(failed)
            except Signal as signal:
                return f'{signal.thing.kind} was signalled: {self.send(signal.thing, "messageText", [])}'
            except Malformed as error:
                return str(error)
        return None


def passed(kind, value):
    if isinstance(value, bytearray):
        return ctypes.addressof((ctypes.c_char * len(value)).from_buffer(value)) if value else None
    if kind == 'String' and value is not None:
        return value.encode()
    return value


BUILT_IN = ('ByteArray', 'Array', 'OrderedCollection', 'Dictionary', 'Delay', 'Time', 'Smalltalk', 'FFIExternalResourceManager')


def fail(text):
    raise TestFailed(text)


def on_do(image, block, kind, handler):
    try:
        return image.call(block)
    except Signal as signal:
        if not image.is_kind(signal.thing, kind[1]):
            raise
        thing = signal.thing
        try:
            return image.call(handler, thing) if handler.node[1] else image.call(handler)
        except Unwind as unwind:
            if unwind.frame is not thing:
                raise
            return unwind.value


def ensure(image, block, last):
    try:
        return image.call(block)
    finally:
        image.call(last)


def while_true(image, test, body):
    while image.call(test) is True:
        image.call(body)


def should_raise(image, block, kind):
    try:
        image.call(block)
    except Signal as signal:
        if image.is_kind(signal.thing, kind[1]):
            return
        fail(f'{signal.thing.kind} was signalled, not {kind[1]}')
    fail(f'no {kind[1]} was signalled')


def fork(image, block):
    def process():
        with image.processor:
            try:
                image.call(block)
            except (Malformed, Signal, TestFailed) as ended: # whoever waits for it finds out
                print(f'# a process ended: {type(ended).__name__} {ended}')
    threading.Thread(target=process, daemon=True).start()


def equal(a, b):
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def assert_equal(a, b):
    return equal(a, b) or fail(f'{a!r} is not {b!r}')


def detect(image, items, block, none):
    for item in items:
        if image.call(block, item) is True:
            return item
    return image.call(none)


def each_with_index(image, items, block):
    for index, item in enumerate(items):
        image.call(block, item, index + 1)


def each(image, items, block):
    for item in items:
        image.call(block, item)


def times(image, count, block):
    for _ in range(count):
        image.call(block)


def counted(image, first, last, block):
    for number in range(first, last + 1):
        image.call(block, number)


NUMBERS = {'+': lambda a, b: a + b, '-': lambda a, b: a - b, '*': lambda a, b: a * b, '<': lambda a, b: a < b,
           '>': lambda a, b: a > b, '>=': lambda a, b: a >= b, '<=': lambda a, b: a <= b, 'min:': min,
           'bitShift:': lambda a, b: a << b if b >= 0 else a >> -b}
SEQUENCES = {'size': len, 'first': lambda s: s[0], 'second': lambda s: s[1], 'third': lambda s: s[2], 'last': lambda s: s[-1],
             'isEmpty': lambda s: not s, 'copyFrom:to:': lambda s, a, b: s[a - 1:b], 'at:': lambda s, i: s[i - 1]}


def of_class(image, name, selector, arguments):
    if selector in ('new', 'basicNew') and name not in BUILT_IN:
        thing = Thing(name)
        for owner in image.line(name):
            if owner in image.files:
                thing.slots.update(dict.fromkeys(image.files[owner].variables))
        return thing
    if selector == 'uniqueInstance':
        return image.unique.setdefault(name, Thing(name))
    if selector == 'allSubclasses':
        return Ordered(('class', sub) for sub in image.subclasses(name))
    if selector == 'classPool':
        return image.shared[name]
    if selector == 'shouldInheritSelectors':
        above = image.superclass(name)
        return bool(above in image.files and image.method(above, 'isAbstract', True) and image.send(('class', above), 'isAbstract', []))
    known = {('ByteArray', 'new:'): bytearray, ('OrderedCollection', 'new'): Ordered, ('Dictionary', 'new'): dict,
             ('Array', 'with:with:'): lambda *a: list(a), ('Array', 'with:with:with:'): lambda *a: list(a),
             ('Time', 'millisecondClockValue'): lambda: int(time.monotonic() * 1000), ('Smalltalk', 'session'): lambda: SESSION,
             ('Delay', 'forMilliseconds:'): lambda ms: ('delay', ms)}
    if (name, selector) in known:
        return known[name, selector](*arguments)
    raise Malformed(f'{name} class does not understand #{selector}')


SESSION = object()


def of_thing(image, thing, selector, arguments):
    if image.is_kind(thing, 'Error'):
        if selector == 'signal':
            raise Signal(thing)
        if selector == 'return:':
            raise Unwind(thing, arguments[0])
    if image.is_kind(thing, 'TestCase'):
        known = {'assert:': lambda a: a is True or fail('false'), 'deny:': lambda a: a is False or fail('true'),
                 'assert:equals:': assert_equal, 'assert:identicalTo:': lambda a, b: a is b or fail('not the same'),
                 'should:raise:': lambda b, k: should_raise(image, b, k), 'fail': lambda: fail('it says so'),
                 'setUp': lambda: None, 'tearDown': lambda: None}
        if selector in known:
            return known[selector](*arguments)
    if selector == 'error:':
        raise TestFailed(arguments[0])
    raise Malformed(f'{thing.kind} does not understand #{selector}')


def of_block(image, block, selector, arguments):
    if selector.split(':')[0] == 'value':
        return image.call(block, *arguments)
    return {'ensure:': ensure, 'on:do:': on_do, 'whileTrue:': while_true, 'fork': fork}[selector](image, block, *arguments)


def of_dictionary(image, table, selector, arguments):
    if selector == 'at:put:':
        table[arguments[0]] = arguments[1]
        return arguments[1]
    return {'at:': lambda k: table[k], 'includesKey:': lambda k: k in table, 'removeKey:': table.pop,
            'yourself': lambda: table}[selector](*arguments)


def of_sequence(image, items, selector, arguments):
    if selector in SEQUENCES:
        return SEQUENCES[selector](items, *arguments)
    if isinstance(items, str):
        return {'utf8Encoded': lambda: bytearray(items.encode()), 'isString': lambda: True, 'asUppercase': items.upper,
                'asSymbol': lambda: Symbol(items), 'asString': lambda: items,
                'substrings:': lambda marks: [w for w in re.split('[' + re.escape(marks[0] + marks[1:]) + ']', items) if w]}[selector](*arguments)
    if isinstance(items, bytearray) and selector in ('asString', 'utf8Decoded', 'isString'):
        return False if selector == 'isString' else items.decode()
    known = {'do:': each, 'doWithIndex:': each_with_index, 'detect:ifNone:': detect,
             'reverseDo:': lambda i, s, b: each(i, reversed(s), b),
             'collect:': lambda i, s, b: [i.call(b, item) for item in s]}
    if selector in known:
        return known[selector](image, items, *arguments)
    if selector == 'add:':
        items.append(arguments[0])
        return arguments[0]
    return {'asArray': lambda: list(items), 'yourself': lambda: items}[selector]()


def builtin(image, receiver, selector, arguments):
    common = {'=': lambda b: equal(receiver, b), '==': lambda b: receiver is b, '~~': lambda b: receiver is not b,
              '->': lambda b: Association(receiver, b), 'isNil': lambda: receiver is None, 'notNil': lambda: receiver is not None,
              'ifNil:': lambda b: image.call(b) if receiver is None else receiver, 'yourself': lambda: receiver}
    if isinstance(receiver, tuple) and receiver[0] == 'class' and selector in ('==', '='):
        return receiver == arguments[0]
    if selector in common:
        return common[selector](*arguments)
    try:
        if isinstance(receiver, bool):
            chosen = {'ifTrue:': (0, None), 'ifFalse:': (None, 0), 'ifTrue:ifFalse:': (0, 1), 'ifFalse:ifTrue:': (1, 0),
                      'and:': (0, None), 'or:': (None, 0)}[selector][0 if receiver else 1]
            if chosen is None:
                return receiver if selector in ('and:', 'or:') else None
            return image.call(arguments[chosen])
        if isinstance(receiver, int):
            if selector == 'timesRepeat:':
                return times(image, receiver, *arguments)
            if selector == 'to:do:':
                return counted(image, receiver, *arguments)
            if selector == 'to:':
                return list(range(receiver, arguments[0] + 1))
            return NUMBERS[selector](receiver, *arguments)
        if isinstance(receiver, Thing):
            return of_thing(image, receiver, selector, arguments)
        if isinstance(receiver, Block):
            return of_block(image, receiver, selector, arguments)
        if isinstance(receiver, dict):
            return of_dictionary(image, receiver, selector, arguments)
        if isinstance(receiver, (list, str, bytearray)):
            return of_sequence(image, receiver, selector, arguments)
        if isinstance(receiver, Association):
            return {'key': receiver.key, 'value': receiver.value}[selector]
        if isinstance(receiver, tuple) and receiver[0] == 'class':
            return of_class(image, receiver[1], selector, arguments)
        if isinstance(receiver, tuple) and receiver[0] == 'delay' and selector == 'wait':
            return image.wait(receiver[1])
    except KeyError as missing:
        raise Malformed(f'{type(receiver).__name__} does not understand #{selector} ({missing})') from missing
    raise Malformed(f'{type(receiver).__name__} does not understand #{selector}')
