// A capture device of ALSA. Its own clock drives it: the reader waits for frames and passes them on as
// they come. When nobody read in time ALSA has lost frames (an overrun of its buffer) and does not say
// how many; so they are told by the system's clock.
#include <alsa/asoundlib.h>
#include <time.h>

#include "../core/error.h"
#include "driver.h"

enum { ALSA_BUFFER_US = 500000, ALSA_SCRATCH = 64 * 1024 };

struct alsa {
    snd_pcm_t *pcm;
    enum garden_sample_format sample;
    uint16_t channels;
    uint32_t rate;
    size_t frame_size;
    int64_t started_ns; // when the device began to run
    uint64_t given;     // frames since then
    uint64_t lost;      // before those of the last read
    bool failed;
    uint8_t scratch[ALSA_SCRATCH];
};

static int64_t alsa_now(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static snd_pcm_format_t alsa_format(enum garden_sample_format sample)
{
    switch (sample) {
    case GARDEN_SAMPLE_F32_LE:
        return SND_PCM_FORMAT_FLOAT_LE;
    case GARDEN_SAMPLE_S16_LE:
        return SND_PCM_FORMAT_S16_LE;
    case GARDEN_SAMPLE_S24_LE:
        return SND_PCM_FORMAT_S24_3LE;
    case GARDEN_SAMPLE_S32_LE:
        return SND_PCM_FORMAT_S32_LE;
    }
    return SND_PCM_FORMAT_UNKNOWN;
}

// What is asked for exactly, or an error that names the first thing that cannot be had.
static int alsa_shape(snd_pcm_t *pcm, const struct source_spec *spec, const char **what)
{
    snd_pcm_hw_params_t *params;
    unsigned buffer_us = ALSA_BUFFER_US;
    int result = snd_pcm_hw_params_malloc(&params);
    *what = "be opened";
    if (result < 0) return result;
    result = snd_pcm_hw_params_any(pcm, params);
    if (result >= 0)
        result = snd_pcm_hw_params_set_access(pcm, params, SND_PCM_ACCESS_RW_INTERLEAVED);
    if (result >= 0) {
        *what = "record in this sample format";
        result = snd_pcm_hw_params_set_format(pcm, params, alsa_format(spec->sample));
    }
    if (result >= 0) {
        *what = "record this number of channels";
        result = snd_pcm_hw_params_set_channels(pcm, params, spec->channels);
    }
    if (result >= 0) {
        *what = "record at this rate";
        result = snd_pcm_hw_params_set_rate(pcm, params, spec->rate, 0);
    }
    if (result >= 0) {
        *what = "be set up";
        result = snd_pcm_hw_params_set_buffer_time_near(pcm, params, &buffer_us, NULL);
    }
    if (result >= 0) result = snd_pcm_hw_params(pcm, params);
    snd_pcm_hw_params_free(params);
    return result;
}

static void alsa_close(void *device)
{
    struct alsa *alsa = device;
    if (alsa->pcm) (void)snd_pcm_close(alsa->pcm); // nothing was written
    zmtp_free(NULL, alsa, sizeof *alsa);
}

static int alsa_open(void **out, const struct source_spec *spec, struct source_info *info,
                     struct garden_error *error)
{
    const char *what = "be opened";
    struct alsa *alsa = zmtp_alloc(NULL, sizeof *alsa);
    if (!alsa) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a source");
    *alsa = (struct alsa){.sample = spec->sample, .channels = spec->channels, .rate = spec->rate};
    alsa->frame_size = garden_sample_size(spec->sample) * spec->channels;
    int result = snd_pcm_open(&alsa->pcm, spec->device, SND_PCM_STREAM_CAPTURE, SND_PCM_NONBLOCK);
    if (result >= 0) result = alsa_shape(alsa->pcm, spec, &what);
    if (result < 0) {
        alsa_close(alsa);
        return garden__fail(error, GARDEN_ERR_NOT_FOUND,
                            "ALSA device '%s' cannot %s: %s; arecord -L lists the devices",
                            spec->device, what, snd_strerror(result));
    }
    *info = (struct source_info){.rate = spec->rate,
                                 .channels = spec->channels,
                                 .sample = spec->sample,
                                 .frames = SOURCE_ENDLESS,
                                 .live = true};
    *out = alsa;
    return GARDEN_OK;
}

static bool alsa_start(struct alsa *alsa)
{
    int result = snd_pcm_prepare(alsa->pcm);
    if (result >= 0) result = snd_pcm_start(alsa->pcm);
    alsa->started_ns = alsa_now();
    alsa->given = 0;
    alsa->failed = result < 0;
    return result >= 0;
}

// Whatever the device holds from before is not of this stream.
static bool alsa_rewind(void *device)
{
    struct alsa *alsa = device;
    (void)snd_pcm_drop(alsa->pcm); // it may not be running
    alsa->lost = 0;
    return alsa_start(alsa);
}

// Since the device was started it must have come this far.
static uint64_t alsa_due(const struct alsa *alsa)
{
    const int64_t ns = alsa_now() - alsa->started_ns;
    return (uint64_t)(ns / 1000000000) * alsa->rate +
           (uint64_t)(ns % 1000000000) * alsa->rate / 1000000000;
}

static void alsa_recover(struct alsa *alsa, int error)
{
    const uint64_t due = alsa_due(alsa);
    const uint64_t lost = due > alsa->given ? due - alsa->given : 0;
    if (error == -EPIPE || error == -ESTRPIPE) {
        (void)snd_pcm_recover(alsa->pcm, error, 1); // if it does not help, starting fails
        alsa->lost += lost;
        (void)alsa_start(alsa); // notes its failure
    } else {
        alsa->failed = true;
    }
}

static size_t alsa_read(void *device, union source_sample *out, size_t count)
{
    struct alsa *alsa = device;
    const size_t size = garden_sample_size(alsa->sample), room = ALSA_SCRATCH / alsa->frame_size;
    alsa->lost = 0;
    if (alsa->failed) return 0;
    const int ready = snd_pcm_wait(alsa->pcm, SOURCE_WAIT_MS);
    if (ready < 0) alsa_recover(alsa, ready);
    if (ready <= 0) return 0;
    const snd_pcm_sframes_t got =
        snd_pcm_readi(alsa->pcm, alsa->scratch, count < room ? count : room);
    if (got == -EAGAIN || got == 0) return 0;
    if (got < 0) {
        alsa_recover(alsa, (int)got);
        return 0;
    }
    for (size_t i = 0; i < (size_t)got * alsa->channels; i++)
        out[i] = driver_sample(alsa->sample, alsa->scratch + i * size);
    alsa->given += (uint64_t)got;
    return (size_t)got;
}

static bool alsa_ended(const void *device)
{
    const struct alsa *alsa = device;
    return alsa->failed;
}

static uint64_t alsa_lost(const void *device)
{
    const struct alsa *alsa = device;
    return alsa->lost;
}

const struct driver driver_alsa = {.open = alsa_open,
                                   .close = alsa_close,
                                   .rewind = alsa_rewind,
                                   .read = alsa_read,
                                   .ended = alsa_ended,
                                   .failed = alsa_ended,
                                   .lost = alsa_lost};
