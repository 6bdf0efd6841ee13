// MIDI octets in any order: whole and split they give the same messages; each octet comes out or is
// counted; and what comes out is plain: it parses into itself, also from any cut on.
#include "check.h"
#include "fuzz.h"

#include "garden/core/midi.h"

static struct garden__midi midi_parser;

// Appends the messages of |in|, taken |step| octets at a time, to |out|, which has room for twice as many.
static size_t midi_parse(struct zmtp_bytes in, size_t step, uint8_t *out, uint64_t *dropped)
{
    size_t filled = 0;
    garden__midi_init(&midi_parser);
    while (in.size > 0) {
        struct zmtp_bytes piece = zmtp_bytes_of(in.data, in.size < step ? in.size : step);
        in.data += piece.size;
        in.size -= piece.size;
        while (piece.size > 0) {
            const struct zmtp_bytes message = garden__midi_next(&midi_parser, &piece);
            if (message.size == 0) break;
            fuzz_check(message.data[0] >= 0x80 && message.data[0] != 0xF7);
            for (size_t i = 1; i < message.size; i++)
                fuzz_check(message.data[i] < 0x80 ||
                           (message.data[i] == 0xF7 && i == message.size - 1));
            memcpy(out + filled, message.data, message.size);
            filled += message.size;
        }
    }
    garden__midi_end(&midi_parser);
    *dropped = midi_parser.dropped;
    return filled;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct zmtp_bytes in = zmtp_bytes_of(data, size);
    uint8_t *const whole = malloc(2 * size + 1), *const again = malloc(4 * size + 1);
    uint64_t dropped = 0, twice = 0;
    fuzz_check(whole != NULL && again != NULL);
    const size_t filled = midi_parse(in, size + 1, whole, &dropped);
    fuzz_check(filled + dropped >= size && filled <= 2 * size);
    for (size_t step = 1; step < 4; step++) {
        fuzz_check(midi_parse(in, step, again, &twice) == filled && twice == dropped);
        fuzz_check(filled == 0 || memcmp(whole, again, filled) == 0);
    }
    // Of what came out nothing is dropped any more, and nothing changes.
    const struct zmtp_bytes plain = zmtp_bytes_of(whole, filled);
    fuzz_check(midi_parse(plain, filled + 1, again, &twice) == filled && twice == 0);
    fuzz_check(filled == 0 || memcmp(whole, again, filled) == 0);
    const size_t most = size > 0 ? data[0] : 0;
    const size_t cut = garden__midi_cut(whole, filled, most);
    fuzz_check(cut <= most || cut == 0);
    fuzz_check(midi_parse(zmtp_bytes_of(whole, cut), cut + 1, again, &twice) == cut && twice == 0);
    fuzz_check(garden__midi_rest(whole + cut, filled - cut) == 0);
    free(whole);
    free(again);
    return 0;
}
