// MIDI as raw octets: of a file, a device as /dev/snd/midiC0D0, or standard input.
// A file plays at the pace of MIDI's own wire.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/error.h"
#include "driver.h"
#include "midi_feed.h"

enum { MIDI_FILE_RATE = 3125 }; // octets a second: 31250 baud, ten bits each

struct midi_file {
    int file;
    bool regular, failed;
    struct midi_feed feed;
};

static int midi_file_fetch(void *context, uint8_t *out, size_t size)
{
    struct midi_file *midi = context;
    struct pollfd input = {.fd = midi->file, .events = POLLIN};
    // Interrupted: the caller comes again.
    if (!midi->regular && poll(&input, 1, SOURCE_WAIT_MS) <= 0) return MIDI_FEED_NOTHING;
    const ssize_t got = read(midi->file, out, size);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return MIDI_FEED_NOTHING;
    midi->failed = got < 0;
    return got > 0 ? (int)got : MIDI_FEED_END;
}

static void midi_file_close(void *device)
{
    struct midi_file *midi = device;
    if (midi->file > STDIN_FILENO) (void)close(midi->file); // nothing was written
    zmtp_free(NULL, midi, sizeof *midi);
}

// A standard MIDI file has its messages among times and lengths, and is another thing.
static bool midi_file_is_song(const struct midi_file *midi)
{
    char magic[4];
    return midi->regular && pread(midi->file, magic, sizeof magic, 0) == sizeof magic &&
           memcmp(magic, "MThd", sizeof magic) == 0;
}

static int midi_file_open(void **out, const struct source_spec *spec, struct source_info *info,
                          struct garden_error *error)
{
    const char *path = spec->paths[0];
    struct stat status;
    struct midi_file *midi = zmtp_alloc(NULL, sizeof *midi);
    if (!midi) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a source");
    midi->failed = false;
    midi_feed_init(&midi->feed);
    midi->file = strcmp(path, "-") == 0 ? STDIN_FILENO
                                        : open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (midi->file < 0 || fstat(midi->file, &status) < 0 || S_ISDIR(status.st_mode)) {
        const int code = midi->file < 0 ? errno : EISDIR;
        midi_file_close(midi);
        return garden__fail(error, GARDEN_ERR_NOT_FOUND, "%.150s cannot be read as MIDI: %s", path,
                            strerror(code));
    }
    midi->regular = S_ISREG(status.st_mode);
    if (midi_file_is_song(midi)) {
        midi_file_close(midi);
        return garden__fail(error, GARDEN_ERR_FORMAT,
                            "%.150s is a standard MIDI file; raw octets are wanted, as a device "
                            "gives them",
                            path);
    }
    // What is no file comes at its own pace; a pipe waits for us, a device does not.
    *info = (struct source_info){.kind = GARDEN_STREAM_MIDI,
                                 .rate = midi->regular ? MIDI_FILE_RATE : GARDEN_SAMPLE_RATE_MAX,
                                 .channels = 1,
                                 .frames = SOURCE_ENDLESS,
                                 .live = S_ISCHR(status.st_mode)};
    *out = midi;
    return GARDEN_OK;
}

static bool midi_file_rewind(void *device)
{
    struct midi_file *midi = device;
    if (!midi->regular) return !midi->failed;
    midi_feed_init(&midi->feed);
    return lseek(midi->file, 0, SEEK_SET) == 0;
}

static size_t midi_file_read(void *device, uint8_t *out, size_t wanted)
{
    struct midi_file *midi = device;
    return midi_feed_read(&midi->feed, out, wanted, midi_file_fetch, midi);
}

static bool midi_file_ended(const void *device)
{
    const struct midi_file *midi = device;
    return midi_feed_ended(&midi->feed);
}

static bool midi_file_failed(const void *device)
{
    const struct midi_file *midi = device;
    return midi->failed;
}

static uint64_t midi_file_lost(const void *device)
{
    const struct midi_file *midi = device;
    return midi->feed.lost;
}

const struct driver driver_midi = {.open = midi_file_open,
                                   .close = midi_file_close,
                                   .rewind = midi_file_rewind,
                                   .read_midi = midi_file_read,
                                   .ended = midi_file_ended,
                                   .failed = midi_file_failed,
                                   .lost = midi_file_lost};
