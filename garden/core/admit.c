// What can be captured: a stream's name, format and size of chunks.
#include "admit.h"

#include <string.h>

#include "../stream.h"
#include "error.h"

// Of well-formed UTF-8: whether a character that is not shown where it stands begins here: a control (a line's end, a
// terminal's escape), a separator of lines or paragraphs, or one that turns the direction of what follows.
static bool admit_hides(const char *at, size_t size)
{
    const unsigned char *octets = (const unsigned char *)at;
    if (octets[0] < 0x20 || octets[0] == 0x7f) return true;
    if (size > 1 && octets[0] == 0xc2) return octets[1] < 0xa0;
    if (size < 3 || octets[0] != 0xe2) return false;
    if (octets[1] == 0x80) return octets[2] >= 0xa8 && octets[2] <= 0xae; // U+2028 to U+202E
    return octets[1] == 0x81 && octets[2] >= 0xa6 && octets[2] <= 0xa9;   // U+2066 to U+2069
}

const char *garden_stream_uri_wrong(struct garden_text uri)
{
    static const char scheme[] = "stream://";
    enum { SCHEME = sizeof scheme - 1 };
    _Static_assert(GARDEN_URI_MAX == 512, "the words below tell it");
    if (uri.size >= GARDEN_URI_MAX) return "must have no more than 511 octets";
    if (!garden_text_valid(uri)) return "must be UTF-8 text";
    for (size_t i = 0; i < uri.size; i++)
        if (admit_hides(uri.data + i, uri.size - i))
            return "must have no control characters, such as a line's end";
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
