#include "duration.h"

#include <stdio.h>
#include <string.h>

#include "../core/error.h"

static bool duration_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool duration_unit(const char *text, uint64_t *unit_ns)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } known[] = {
        {"ms", DURATION_MS}, {"s", DURATION_S}, {"m", 60 * DURATION_S}, {"h", 3600 * DURATION_S}};
    if (*text == 0) return true; // that of the option
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(text, known[i].name) != 0) continue;
        *unit_ns = known[i].ns;
        return true;
    }
    return false;
}

bool duration_parse(const char *text, uint64_t unit_ns, uint64_t *out_ns)
{
    uint64_t whole = 0, part_ns = 0;
    bool fits = true;
    if (!duration_is_digit(*text)) return false;
    for (; duration_is_digit(*text); text++) {
        const uint64_t digit = (uint64_t)(*text - '0');
        fits = fits && whole <= (UINT64_MAX - digit) / 10;
        whole = whole * 10 + digit;
    }
    const char *fraction = *text == '.' ? text + 1 : text, *end = fraction;
    while (fraction > text && duration_is_digit(*end))
        end++;
    if (fraction > text && end == fraction) return false;
    if (!duration_unit(end, &unit_ns) || unit_ns == 0) return false;
    // From the last digit on, each being a tenth of what it stands behind.
    for (const char *at = end; at-- > fraction;)
        part_ns = ((uint64_t)(*at - '0') * unit_ns + part_ns) / 10;
    fits = fits && whole <= (UINT64_MAX - part_ns) / unit_ns;
    *out_ns = fits ? whole * unit_ns + part_ns : UINT64_MAX;
    return true;
}

// A span in the unit that it is best read in.
static void duration_text(uint64_t ns, char *out, size_t size)
{
    static const struct {
        uint64_t ns;
        const char *name;
    } units[] = {{3600 * DURATION_S, "h"}, {DURATION_S, "s"}, {DURATION_MS, "ms"}, {1, "ns"}};
    size_t i = ns == 0 ? 1 : 0;
    while (ns % units[i].ns != 0)
        i++;
    (void)snprintf(out, size, "%llu%s", (unsigned long long)(ns / units[i].ns), units[i].name);
}

int duration_read(const char *option, const char *text, uint64_t unit_ns, uint64_t min_ns,
                  uint64_t max_ns, uint64_t *out_ns, struct garden_error *error)
{
    uint64_t ns;
    char min[32], max[32];
    if (!duration_parse(text, unit_ns, &ns))
        return garden__fail(error, GARDEN_ERR_ARGUMENT,
                            "%s takes a span of time, such as %s, 0.5s, 500ms, 2m or 1h, not "
                            "'%.100s'",
                            option, unit_ns == DURATION_MS ? "5000" : "10", text);
    if (ns >= min_ns && ns <= max_ns) {
        *out_ns = ns;
        return GARDEN_OK;
    }
    duration_text(min_ns, min, sizeof min);
    duration_text(max_ns, max, sizeof max);
    return garden__fail(error, GARDEN_ERR_ARGUMENT, "%s takes from %s to %s, not '%.100s'", option,
                        min, max, text);
}

uint64_t duration_frames(uint64_t ns, uint32_t rate)
{
    return ns / DURATION_S * rate + (ns % DURATION_S * rate + DURATION_S / 2) / DURATION_S;
}

uint64_t duration_of_frames(uint64_t frames, uint32_t rate)
{
    if (rate == 0 || frames / rate >= UINT64_MAX / DURATION_S) return UINT64_MAX;
    return frames / rate * DURATION_S + (frames % rate * DURATION_S + rate / 2) / rate;
}
