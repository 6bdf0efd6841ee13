"""An image of Squeak as 32-bit virtual machines read it (format 6502), as far as it takes to have one file in a script.

The image that Debian's scratch brings does not look at the file that the machine is started with. It has a method that
was made for that, of which its makers have left a line that writes down the time. Here that method files in a script.
"""
import struct

HEADER = struct.Struct('<5I')  # the format, the header's size, the objects' size, where they were, the special objects
FORMAT = 6502
COMPACT_CLASSES = 28           # of the special objects
LEFT = b'----STARTUP----'      # a literal of the method, whose place the script's name takes
SCRIPT = 'squeak-calls.st'     # so it has as many letters
# Of a method, as bytes: push the variable of literal 0, literal 1; send literal 2 with it, literal 3; pop; return self.
FILES_IN = bytes([0x40, 0x21, 0xE2, 0xD3, 0x87, 0x78])


class Unfit(Exception):
    """It is not an image that this is for."""


class Image:
    def __init__(self, octets):
        self.octets = bytearray(octets)
        number, self.header, size, self.base, self.special = HEADER.unpack_from(self.octets)
        if number != FORMAT or self.header + size > len(self.octets):
            raise Unfit('it is no image of 32 bits')
        self.words = memoryview(self.octets)[self.header:self.header + size].cast('I')

    def at(self, address):
        return self.words[(address - self.base) // 4]

    def put(self, address, value):
        self.words[(address - self.base) // 4] = value

    def objects(self):
        """Their addresses. Before an object are two words, one or none, as the low bits of its first say."""
        place = 0
        while place < len(self.words):
            kind = self.words[place] & 3
            if kind == 2:  # free
                place += (self.words[place] & 0x1ffffffc) // 4
                continue
            size = self.words[place] & ~3 if kind == 0 else None
            place += {0: 2, 1: 1, 3: 0}[kind]
            yield self.base + place * 4
            place += (self.words[place] & 0xfc if size is None else size) // 4

    def size_of(self, each):
        """Without its first word."""
        first = self.at(each)
        return (self.at(each - 8) & ~3 if first & 3 == 0 else first & 0xfc) - 4

    def class_of(self, each):
        first = self.at(each)
        if first & 3 == 3:
            return self.at(self.at(self.special + 4 + 4 * COMPACT_CLASSES) + 4 * (first >> 12 & 31))
        return self.at(each - 4) & ~3

    def kind_of(self, each):
        """0 to 4 has fields, 8 to 11 octets, 12 to 15 is a method."""
        return self.at(each) >> 8 & 15

    def octets_of(self, each):
        start = self.header + each - self.base + 4
        return bytes(self.octets[start:start + self.size_of(each) - (self.kind_of(each) & 3)])

    def fields_of(self, each):
        return [self.at(each + 4 + 4 * field) for field in range(self.size_of(each) // 4)]

    def is_octets(self, value):
        return value & 1 == 0 and 8 <= self.kind_of(value) < 12

    def name_of_class(self, each):
        fields = self.fields_of(each)
        return self.octets_of(fields[6]) if len(fields) > 6 and self.is_octets(fields[6]) else b''

    def literals_of(self, method):
        return self.fields_of(method)[1:1 + (self.at(method + 4) >> 10 & 0xff)]


def with_script(octets):
    """The octets of an image that files in SCRIPT, from its own folder, when it is started."""
    image = Image(octets)
    wanted, symbols, methods, pairs = (b'FileStream', b'oldFileNamed:', b'fileIn'), {}, [], []
    for each in image.objects():
        kind = image.kind_of(each)
        if 8 <= kind < 12 and image.octets_of(each) in wanted and image.name_of_class(image.class_of(each)) == b'Symbol':
            symbols[image.octets_of(each)] = each
        elif kind >= 12:
            literals = image.literals_of(each)
            if len(literals) >= 4 and image.is_octets(literals[1]) and image.octets_of(literals[1]) == LEFT:
                methods.append(each)
        elif kind == 1 and image.size_of(each) == 8:
            pairs.append(each)
    classes = [each for each in pairs if image.at(each + 4) == symbols.get(b'FileStream') and
               image.name_of_class(image.class_of(each)) == b'Association']
    if len(symbols) != len(wanted) or len(methods) != 1 or len(classes) != 1:
        raise Unfit('it has no method that may be changed')
    method = methods[0]
    literals = image.literals_of(method)
    start = image.header + literals[1] - image.base + 4
    image.octets[start:start + len(LEFT)] = SCRIPT.encode()
    for index, value in enumerate((classes[0], literals[1], symbols[b'oldFileNamed:'], symbols[b'fileIn'])):
        image.put(method + 8 + 4 * index, value)
    start = image.header + method - image.base + 8 + 4 * len(literals)
    image.octets[start:start + len(FILES_IN)] = FILES_IN
    return bytes(image.octets)
