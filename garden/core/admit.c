// What can be captured: a stream's name, format and size of chunks.
#include "admit.h"

#include <string.h>

#include "../stream.h"
#include "error.h"

// The code of the character that well-formed UTF-8 begins with, and its size.
static uint32_t admit_code(const char *at, size_t *size)
{
    const unsigned char first = (unsigned char)*at;
    *size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint32_t code = *size == 1 ? first : first & (0x7fu >> *size);
    for (size_t i = 1; i < *size; i++)
        code = code << 6 | ((unsigned char)at[i] & 0x3fu);
    return code;
}

// Controls (a line's end, a terminal's escape), what nobody sees, and what turns the direction of the text behind it.
static bool admit_is_hidden(uint32_t code)
{
    static const uint32_t hidden[][2] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},
        {0x180e, 0x180e}, {0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e},
        {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
    };
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (code >= hidden[i][0] && code <= hidden[i][1]) return true;
    return false;
}

bool garden__text_plain(struct garden_text text)
{
    size_t size;
    if (!garden_text_valid(text)) return false;
    for (size_t at = 0; at < text.size; at += size)
        if (admit_is_hidden(admit_code(text.data + at, &size))) return false;
    return true;
}

void garden__text_tame(char *text)
{
    char *end = text;
    size_t size;
    garden__text_mend(text);
    for (const char *at = text; *at; at += size) {
        if (admit_is_hidden(admit_code(at, &size))) {
            *end++ = '?';
            continue;
        }
        memmove(end, at, size);
        end += size;
    }
    *end = '\0';
}

const char *garden_stream_uri_wrong(struct garden_text uri)
{
    static const char scheme[] = "stream://";
    enum { SCHEME = sizeof scheme - 1 };
    _Static_assert(GARDEN_URI_MAX == 512, "the words below tell it");
    if (uri.size >= GARDEN_URI_MAX) return "must have no more than 511 octets";
    if (!garden_text_valid(uri)) return "must be UTF-8 text";
    if (!garden__text_plain(uri))
        return "must have no control characters, such as a line's end, nor any that nobody sees";
    if (uri.size > SCHEME && memcmp(uri.data, scheme, SCHEME) == 0 && uri.data[SCHEME] != '/')
        return NULL;
    return "must be stream:// and a name, as stream://default/main";
}

int garden__admit(const char *uri, const struct garden_stream_format *format, uint64_t chunk_size,
                  struct garden_error *error)
{
    const uint32_t frame_size = garden_frame_size(format);
    const char *wrong = garden_stream_uri_wrong(garden_text_of(uri));
    if (wrong) return garden__fail(error, GARDEN_ERR_ARGUMENT, "the stream's uri %s", wrong);
    if (frame_size == 0)
        return garden__fail(error, GARDEN_ERR_RANGE,
                            "stream format: rate, channels or sample format cannot be captured");
    if (garden_chunk_size(format, chunk_size) > 0) return GARDEN_OK;
    return garden__fail(error, GARDEN_ERR_RANGE,
                        "a chunk of %llu octets: it must hold at least a frame, which has %u, and "
                        "at most %llu",
                        (unsigned long long)chunk_size, frame_size,
                        (unsigned long long)GARDEN_CHUNK_SIZE_MAX);
}
