// The text of --source.
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

int source_spec_parse(const char *text, struct source_spec *out, struct garden_error *error)
{
    *out = (struct source_spec){.name = "default"};
    const char *whole = text;
    const char *equals = strchr(text, '='), *colon = strchr(text, ':');
    if (equals && colon && equals < colon) {
        const size_t size = (size_t)(equals - text);
        if (size == 0 || size >= sizeof out->name)
            return garden__fail(error, GARDEN_ERR_ARGUMENT,
                                "'%.100s': a source's name has 1 to %d octets", whole,
                                SOURCE_NAME_SIZE - 1);
        if (!garden_text_valid((struct garden_text){text, size}))
            return garden__fail(
                error, GARDEN_ERR_ARGUMENT,
                "'%.100s': a source's name must be UTF-8, for it is sent to clients", whole);
        memcpy(out->name, text, size);
        out->name[size] = '\0';
        text = equals + 1;
    }
    if (strncmp(text, "file:", 5) == 0 && text[5] != '\0') {
        out->kind = SOURCE_FILES;
        out->paths[out->path_count++] = text + 5;
        return GARDEN_OK;
    }
    if (strncmp(text, "counter:", 8) == 0) {
        out->kind = SOURCE_COUNTER;
        if (spec_shape(text + 8, out)) return GARDEN_OK;
    } else if (strncmp(text, "sine:", 5) == 0) {
        out->kind = SOURCE_SINE;
        text += 5;
        if (spec_frequency(&text, &out->frequency) && spec_shape(text, out)) return GARDEN_OK;
    }
    return garden__fail(error, GARDEN_ERR_ARGUMENT,
                        "'%.100s' is no source: use file:PATH, sine:FREQ,CHANNELS,RATE or "
                        "counter:CHANNELS,RATE",
                        whole);
}
