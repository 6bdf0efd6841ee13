// Octets on standard input: interleaved samples without a header, as `sox -t raw` or `arecord -t raw`
// write them. It has no beginning to go back to: a stream that starts later gets what comes then.
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "../core/error.h"
#include "driver.h"

enum { RAW_BUFFER = 16 * 1024 };

struct raw {
    enum garden_sample_format sample;
    uint16_t channels;
    size_t frame_size;
    bool ended, failed;
    size_t filled; // octets in |buffer|
    uint8_t buffer[RAW_BUFFER];
};

static int raw_open(void **out, const struct source_spec *spec, struct source_info *info,
                    struct garden_error *error)
{
    const size_t frame_size = garden_sample_size(spec->sample) * spec->channels;
    if (frame_size > RAW_BUFFER)
        return garden__fail(error, GARDEN_ERR_RANGE,
                            "stdin: frames of %zu octets are too large; at most %d", frame_size,
                            RAW_BUFFER);
    struct raw *raw = zmtp_alloc(NULL, sizeof *raw);
    if (!raw) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a source");
    raw->sample = spec->sample;
    raw->channels = spec->channels;
    raw->frame_size = frame_size;
    raw->ended = raw->failed = false;
    raw->filled = 0;
    *info = (struct source_info){.rate = spec->rate,
                                 .channels = spec->channels,
                                 .sample = spec->sample,
                                 .frames = SOURCE_ENDLESS};
    *out = raw;
    return GARDEN_OK;
}

static void raw_close(void *device)
{
    zmtp_free(NULL, device, sizeof(struct raw));
}

static bool raw_rewind(void *device)
{
    const struct raw *raw = device;
    return !raw->failed;
}

// Reads what has come, after a short wait for it. False: nothing.
static bool raw_fetch(struct raw *raw, size_t wanted)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (wanted > RAW_BUFFER) wanted = RAW_BUFFER;
    if (poll(&input, 1, SOURCE_WAIT_MS) <= 0) return false; // interrupted: the caller comes again
    const ssize_t size = read(STDIN_FILENO, raw->buffer + raw->filled, wanted - raw->filled);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) return false;
    if (size <= 0) raw->ended = true;
    // A last frame that is not whole is the writer's mistake, and must not go unseen.
    raw->failed = size < 0 || (size == 0 && raw->filled > 0);
    if (size > 0) raw->filled += (size_t)size;
    return size > 0;
}

static size_t raw_read(void *device, union source_sample *out, size_t count)
{
    struct raw *raw = device;
    const size_t size = garden_sample_size(raw->sample);
    size_t done = 0;
    while (done < count && !raw->ended && raw_fetch(raw, (count - done) * raw->frame_size)) {
        const size_t frames = raw->filled / raw->frame_size;
        for (size_t i = 0; i < frames * raw->channels; i++)
            out[done * raw->channels + i] = driver_sample(raw->sample, raw->buffer + i * size);
        raw->filled -= frames * raw->frame_size;
        memmove(raw->buffer, raw->buffer + frames * raw->frame_size, raw->filled);
        done += frames;
    }
    return done;
}

static bool raw_ended(const void *device)
{
    const struct raw *raw = device;
    return raw->ended;
}

static bool raw_failed(const void *device)
{
    const struct raw *raw = device;
    return raw->failed;
}

const struct driver driver_stdin = {.open = raw_open,
                                    .close = raw_close,
                                    .rewind = raw_rewind,
                                    .read = raw_read,
                                    .ended = raw_ended,
                                    .failed = raw_failed};
