// A MIDI input of ALSA: a port of a card (hw:1,0,0), or "virtual" for one that others connect to through
// the sequencer (aconnect). What nobody read in time ALSA counts, in octets.
#include <alsa/asoundlib.h>
#include <poll.h>

#include "../core/error.h"
#include "driver.h"
#include "midi_feed.h"

enum { ALSA_MIDI_BUFFER = 65536, ALSA_MIDI_POLLS = 8 };

struct alsa_midi {
    snd_rawmidi_t *input;
    bool failed;
    struct midi_feed feed;
};

// Octets that were lost since this was last asked.
static uint64_t alsa_midi_overrun(struct alsa_midi *alsa)
{
    snd_rawmidi_status_t *status;
    uint64_t lost = 0;
    if (snd_rawmidi_status_malloc(&status) < 0) return 0; // asked again at the next read
    if (snd_rawmidi_status(alsa->input, status) >= 0) lost = snd_rawmidi_status_get_xruns(status);
    snd_rawmidi_status_free(status);
    return lost;
}

static int alsa_midi_fetch(void *context, uint8_t *out, size_t size)
{
    struct alsa_midi *alsa = context;
    struct pollfd polls[ALSA_MIDI_POLLS];
    const int count = snd_rawmidi_poll_descriptors(alsa->input, polls, ALSA_MIDI_POLLS);
    if (count > 0 && poll(polls, (nfds_t)count, SOURCE_WAIT_MS) <= 0) return MIDI_FEED_NOTHING;
    const ssize_t got = snd_rawmidi_read(alsa->input, out, size);
    if (got == -EAGAIN || got == -EINTR || got == 0) return MIDI_FEED_NOTHING;
    alsa->failed = got < 0;
    return got > 0 ? (int)got : MIDI_FEED_END;
}

static void alsa_midi_close(void *device)
{
    struct alsa_midi *alsa = device;
    if (alsa->input) (void)snd_rawmidi_close(alsa->input); // nothing was written
    zmtp_free(NULL, alsa, sizeof *alsa);
}

// A larger buffer than the usual one of 4 KiB; without it the input works all the same.
static void alsa_midi_widen(snd_rawmidi_t *input)
{
    snd_rawmidi_params_t *params;
    if (snd_rawmidi_params_malloc(&params) < 0) return;
    if (snd_rawmidi_params_current(input, params) >= 0 &&
        snd_rawmidi_params_set_buffer_size(input, params, ALSA_MIDI_BUFFER) >= 0)
        (void)snd_rawmidi_params(input, params);
    snd_rawmidi_params_free(params);
}

static int alsa_midi_open(void **out, const struct source_spec *spec, struct source_info *info,
                          struct garden_error *error)
{
    struct alsa_midi *alsa = zmtp_alloc(NULL, sizeof *alsa);
    if (!alsa) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a source");
    alsa->input = NULL;
    alsa->failed = false;
    midi_feed_init(&alsa->feed);
    const int result = snd_rawmidi_open(&alsa->input, NULL, spec->device, SND_RAWMIDI_NONBLOCK);
    if (result < 0) {
        alsa_midi_close(alsa);
        return garden__fail(error, GARDEN_ERR_NOT_FOUND,
                            "ALSA MIDI port '%s' cannot be opened: %s; amidi -l lists the ports",
                            spec->device, snd_strerror(result));
    }
    alsa_midi_widen(alsa->input);
    *info = (struct source_info){.kind = GARDEN_STREAM_MIDI,
                                 .rate = GARDEN_SAMPLE_RATE_MAX,
                                 .channels = 1,
                                 .frames = SOURCE_ENDLESS,
                                 .live = true};
    *out = alsa;
    return GARDEN_OK;
}

// Whatever the port holds from before is not of this stream.
static bool alsa_midi_rewind(void *device)
{
    struct alsa_midi *alsa = device;
    uint8_t old[MIDI_FEED_BUFFER];
    while (snd_rawmidi_read(alsa->input, old, sizeof old) > 0)
        continue;
    (void)alsa_midi_overrun(alsa);
    midi_feed_init(&alsa->feed);
    return !alsa->failed;
}

static size_t alsa_midi_read(void *device, uint8_t *out, size_t wanted)
{
    struct alsa_midi *alsa = device;
    const uint64_t lost = alsa_midi_overrun(alsa);
    if (lost > 0) midi_feed_lose(&alsa->feed, lost);
    return midi_feed_read(&alsa->feed, out, wanted, alsa_midi_fetch, alsa);
}

static bool alsa_midi_ended(const void *device)
{
    const struct alsa_midi *alsa = device;
    return midi_feed_ended(&alsa->feed);
}

static bool alsa_midi_failed(const void *device)
{
    const struct alsa_midi *alsa = device;
    return alsa->failed;
}

static uint64_t alsa_midi_lost(const void *device)
{
    const struct alsa_midi *alsa = device;
    return alsa->feed.lost;
}

const struct driver driver_midi_alsa = {.open = alsa_midi_open,
                                        .close = alsa_midi_close,
                                        .rewind = alsa_midi_rewind,
                                        .read_midi = alsa_midi_read,
                                        .ended = alsa_midi_ended,
                                        .failed = alsa_midi_failed,
                                        .lost = alsa_midi_lost};
