// The text of --source.
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../core/admit.h"
#include "../core/error.h"
#include "../value.h"
#include "source.h"

// Reads a whole number in [1, max] and what follows it: a comma, which is passed over, or the end.
static bool spec_number(const char **text, uint64_t max, uint64_t *out)
{
    char *end;
    if (**text < '0' || **text > '9') return false;
    errno = 0;
    const unsigned long long number = strtoull(*text, &end, 10);
    if (errno != 0 || number == 0 || number > max || (*end != ',' && *end != '\0')) return false;
    *text = *end == ',' ? end + 1 : end;
    *out = number;
    return true;
}

static bool spec_frequency(const char **text, double *out)
{
    char *end;
    *out = strtod(*text, &end);
    if (end == *text || *end != ',' || !isfinite(*out) || *out < 0) return false;
    *text = end + 1;
    return true;
}

// "CHANNELS,RATE[,FRAMES]"
static bool spec_shape(const char *text, struct source_spec *out)
{
    uint64_t channels, rate;
    const size_t size = strlen(text);
    if (size == 0 || text[size - 1] == ',') return false;
    if (!spec_number(&text, GARDEN_CHANNELS_MAX, &channels)) return false;
    if (!spec_number(&text, GARDEN_SAMPLE_RATE_MAX, &rate)) return false;
    out->channels = (uint16_t)channels;
    out->rate = (uint32_t)rate;
    out->frames = SOURCE_ENDLESS;
    return *text == '\0' || (spec_number(&text, INT64_MAX, &out->frames) && *text == '\0');
}

// "FORMAT,": the samples of what has no header that tells.
static bool spec_sample(const char **text, enum garden_sample_format *out)
{
    static const struct {
        const char *name;
        enum garden_sample_format sample;
    } known[] = {{"f32,", GARDEN_SAMPLE_F32_LE},
                 {"s16,", GARDEN_SAMPLE_S16_LE},
                 {"s24,", GARDEN_SAMPLE_S24_LE},
                 {"s32,", GARDEN_SAMPLE_S32_LE}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const size_t size = strlen(known[i].name);
        if (strncmp(*text, known[i].name, size) != 0) continue;
        *text += size;
        *out = known[i].sample;
        return true;
    }
    return false;
}

// "DEVICE,": up to the last two commas, as ALSA's names may have some of their own. May be empty.
static bool spec_device(const char **text, size_t commas, char out[SOURCE_DEVICE_SIZE])
{
    size_t size = strlen(*text);
    while (size > 0 && commas > 0)
        if ((*text)[--size] == ',') commas--;
    if (commas > 0 || size >= SOURCE_DEVICE_SIZE) return false;
    memcpy(out, *text, size);
    out[size] = '\0';
    *text += size + 1;
    return true;
}

// The name before the kind. Moves |*text| behind it.
static int spec_name(const char **text, struct source_spec *out, struct garden_error *error)
{
    const char *whole = *text;
    const char *equals = strchr(whole, '='), *colon = strchr(whole, ':');
    if (!equals || !colon || equals > colon) return GARDEN_OK;
    const size_t size = (size_t)(equals - whole);
    if (size == 0 || size >= sizeof out->name)
        return garden__fail(error, GARDEN_ERR_ARGUMENT,
                            "'%.100s': a source's name has 1 to %d octets", whole,
                            SOURCE_NAME_SIZE - 1);
    if (!garden_text_valid((struct garden_text){whole, size}))
        return garden__fail(error, GARDEN_ERR_ARGUMENT,
                            "'%.100s': a source's name must be UTF-8, for it is sent to clients",
                            whole);
    if (!garden__text_plain((struct garden_text){whole, size}))
        return garden__fail(error, GARDEN_ERR_ARGUMENT,
                            "'%.100s': a source's name must have no control characters, nor any "
                            "that nobody sees",
                            whole);
    memcpy(out->name, whole, size);
    out->name[size] = '\0';
    *text = equals + 1;
    return GARDEN_OK;
}

static bool spec_files(const char *text, struct source_spec *out)
{
    if (*text == '\0') return false;
    out->paths[out->path_count++] = text;
    return true;
}

static bool spec_sine(const char *text, struct source_spec *out)
{
    return spec_frequency(&text, &out->frequency) && spec_shape(text, out);
}

// Without an end: a number of frames would be one too many.
static bool spec_live(const char *text, struct source_spec *out)
{
    return spec_shape(text, out) && out->frames == SOURCE_ENDLESS;
}

static bool spec_stdin(const char *text, struct source_spec *out)
{
    return spec_sample(&text, &out->sample) && spec_live(text, out);
}

static bool spec_alsa(const char *text, struct source_spec *out)
{
    if (!spec_device(&text, 3, out->device)) return false;
    if (out->device[0] == '\0') memcpy(out->device, "default", sizeof "default");
    return spec_stdin(text, out);
}

static bool spec_pipewire(const char *text, struct source_spec *out)
{
    out->sample = GARDEN_SAMPLE_F32_LE;
    return spec_device(&text, 2, out->device) && spec_live(text, out);
}

static bool spec_midi_counter(const char *text, struct source_spec *out)
{
    uint64_t rate;
    const size_t size = strlen(text);
    if (size == 0 || text[size - 1] == ',') return false;
    if (!spec_number(&text, GARDEN_SAMPLE_RATE_MAX, &rate)) return false;
    out->rate = (uint32_t)rate;
    out->frames = SOURCE_ENDLESS;
    return *text == '\0' || (spec_number(&text, UINT32_MAX, &out->frames) && *text == '\0');
}

static bool spec_midi_alsa(const char *text, struct source_spec *out)
{
    const size_t size = strlen(text);
    if (size == 0 || size >= sizeof out->device) return false;
    memcpy(out->device, text, size + 1);
    return true;
}

int source_spec_parse(const char *text, struct source_spec *out, struct garden_error *error)
{
    static const struct {
        const char *prefix;
        const char *form; // what follows it
        enum source_kind kind;
        bool (*read)(const char *text, struct source_spec *out);
    } kinds[] = {
        {"file:", "PATH", SOURCE_FILES, spec_files},
        {"sine:", "FREQ,CHANNELS,RATE[,FRAMES]", SOURCE_SINE, spec_sine},
        {"noise:", "CHANNELS,RATE[,FRAMES]", SOURCE_NOISE, spec_shape},
        {"counter:", "CHANNELS,RATE[,FRAMES]", SOURCE_COUNTER, spec_shape},
        {"stdin:", "f32|s16|s24|s32,CHANNELS,RATE", SOURCE_STDIN, spec_stdin},
        {"alsa:", "DEVICE,f32|s16|s24|s32,CHANNELS,RATE", SOURCE_ALSA, spec_alsa},
        {"pipewire:", "NODE,CHANNELS,RATE", SOURCE_PIPEWIRE, spec_pipewire},
        {"midi:", "PATH", SOURCE_MIDI, spec_files},
        {"midi-counter:", "RATE[,MESSAGES]", SOURCE_MIDI_COUNTER, spec_midi_counter},
        {"midi-alsa:", "PORT", SOURCE_MIDI_ALSA, spec_midi_alsa},
    };
    const char *whole = text;
    *out = (struct source_spec){.name = "default"};
    const int result = spec_name(&text, out, error);
    if (result < 0) return result;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const size_t size = strlen(kinds[i].prefix);
        if (strncmp(text, kinds[i].prefix, size) != 0) continue;
        out->kind = kinds[i].kind;
        if (kinds[i].read(text + size, out)) return GARDEN_OK;
        return garden__fail(
            error, GARDEN_ERR_ARGUMENT,
            "'%.100s' is not of the form %s%s, with CHANNELS up to %d and RATE up to %d", whole,
            kinds[i].prefix, kinds[i].form, GARDEN_CHANNELS_MAX, GARDEN_SAMPLE_RATE_MAX);
    }
    return garden__fail(
        error, GARDEN_ERR_ARGUMENT,
        "'%.100s' is no source: use file:, sine:, noise:, counter:, stdin:, alsa:, "
        "pipewire:, midi:, midi-counter:, midi-alsa: or none as 'gardend --help' has them",
        whole);
}
