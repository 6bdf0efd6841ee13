#include "regex_program.h"

#include <string.h>

enum { MATCH_REPLACEMENT = 0xfffd, MATCH_NO_CHARACTER = 0x7fffffff };

uint32_t garden__regex_decode(struct garden_text text, size_t at, size_t *width)
{
    const unsigned char *in = (const unsigned char *)text.data + at;
    const size_t left = text.size - at;
    *width = 1;
    if (in[0] < 0x80) return in[0];
    const size_t size = in[0] >= 0xf0 ? 4 : in[0] >= 0xe0 ? 3 : 2;
    if (size > left || !garden_text_valid((struct garden_text){text.data + at, size}))
        return MATCH_REPLACEMENT;
    *width = size;
    uint32_t code = in[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++)
        code = code << 6 | (in[i] & 0x3fu);
    return code;
}

static uint32_t match_lower(uint32_t code)
{
    return code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : code;
}

static bool match_is_word(uint32_t code)
{
    const uint32_t low = match_lower(code);
    return (low >= 'a' && low <= 'z') || (code >= '0' && code <= '9') || code == '_';
}

static bool match_in_ranges(const struct garden__regex *regex,
                            const struct garden__regex_step *step, uint32_t code)
{
    for (uint32_t i = 0; i < step->range_count; i++) {
        const struct garden__regex_range range = regex->ranges[step->code + i];
        if (code >= range.first && code <= range.last) return true;
    }
    return false;
}

static bool match_class(const struct garden__regex *regex, const struct garden__regex_step *step,
                        uint32_t code)
{
    bool found = match_in_ranges(regex, step, code);
    if (!found && step->fold) {
        const uint32_t low = match_lower(code);
        found = match_in_ranges(regex, step, low);
        if (!found && low >= 'a' && low <= 'z')
            found = match_in_ranges(regex, step, low - ('a' - 'A'));
    }
    return found != step->negated;
}

// Whether a step that consumes a character consumes |code|.
static bool match_consumes(const struct garden__regex *regex, const struct garden__regex_step *step,
                           uint32_t code)
{
    if (step->kind == GARDEN__REGEX_ALL) return true;
    if (step->kind == GARDEN__REGEX_ANY) return code != '\n';
    if (step->kind == GARDEN__REGEX_CLASS) return match_class(regex, step, code);
    return step->fold ? match_lower(step->code) == match_lower(code) : step->code == code;
}

// Whether an assertion holds between two characters.
static bool match_holds(enum garden__regex_kind kind, uint32_t before, uint32_t after)
{
    const bool edge = match_is_word(before) != match_is_word(after);
    if (kind == GARDEN__REGEX_TEXT_START) return before == MATCH_NO_CHARACTER;
    if (kind == GARDEN__REGEX_TEXT_END) return after == MATCH_NO_CHARACTER;
    if (kind == GARDEN__REGEX_LINE_START) return before == MATCH_NO_CHARACTER || before == '\n';
    if (kind == GARDEN__REGEX_LINE_END) return after == MATCH_NO_CHARACTER || after == '\n';
    return kind == GARDEN__REGEX_WORD_EDGE ? edge : !edge;
}

// A state of the automaton between two characters.
struct match_at {
    uint32_t before, after;
    size_t count; // of |regex->now|, the steps that consume
    bool matched;
};

// Adds what is reached from the step |from| without consuming anything. Each step is come to once.
static void match_reach(struct garden__regex *regex, struct match_at *at, uint32_t from)
{
    size_t depth = 0;
    if (regex->seen[from] == regex->turn) return;
    regex->seen[from] = regex->turn;
    regex->stack[depth++] = from;
    while (depth > 0) {
        const uint32_t place = regex->stack[--depth];
        const struct garden__regex_step *step = &regex->steps[place];
        uint32_t next[2] = {place + 1, place + 1};
        if (step->kind <= GARDEN__REGEX_CLASS) {
            regex->now[at->count++] = place;
            continue;
        }
        if (step->kind == GARDEN__REGEX_MATCH) {
            at->matched = true;
            return;
        }
        if (step->kind == GARDEN__REGEX_SPLIT || step->kind == GARDEN__REGEX_JUMP)
            next[1] = (uint32_t)((int64_t)place + step->jump);
        else if (!match_holds(step->kind, at->before, at->after))
            continue;
        for (size_t i = step->kind == GARDEN__REGEX_JUMP; i < 2; i++) {
            if (regex->seen[next[i]] == regex->turn) continue;
            regex->seen[next[i]] = regex->turn;
            regex->stack[depth++] = next[i];
        }
    }
}

static void match_turn(struct garden__regex *regex)
{
    if (++regex->turn != 0) return;
    memset(regex->seen, 0, regex->count * sizeof *regex->seen);
    regex->turn = 1;
}

// The steps that consume |code| lead to the next ones. 0, or what |meter| ended it with. A class costs what its
// ranges do: a pattern may have thousands of them, and the steps a class each.
static int match_consume(struct garden__regex *regex, const struct match_at *at,
                         size_t *later_count, struct garden__query_meter *meter)
{
    *later_count = 0;
    for (size_t i = 0; i < at->count; i++) {
        const struct garden__regex_step *step = &regex->steps[regex->now[i]];
        if (match_consumes(regex, step, at->after))
            regex->later[(*later_count)++] = regex->now[i] + 1;
        const int result = garden__query_spend(meter, 1 + step->range_count);
        if (result < 0) return result;
    }
    return 0;
}

int garden__regex_match(struct garden__regex *regex, struct garden_text text,
                        struct garden__query_meter *meter)
{
    const bool anchored = regex->steps[0].kind == GARDEN__REGEX_TEXT_START;
    struct match_at at = {.before = MATCH_NO_CHARACTER};
    size_t later_count = 0, width = 0;
    for (size_t place = 0;; place += width) {
        at.after =
            place < text.size ? garden__regex_decode(text, place, &width) : MATCH_NO_CHARACTER;
        at.count = 0;
        match_turn(regex);
        for (size_t i = 0; i < later_count && !at.matched; i++)
            match_reach(regex, &at, regex->later[i]);
        if (!at.matched) match_reach(regex, &at, 0); // a match may begin anywhere
        if (at.matched || place >= text.size) return at.matched;
        // What was reached, at most all steps, and what the characters cost.
        int result = garden__query_spend(meter, regex->count);
        if (result == 0) result = match_consume(regex, &at, &later_count, meter);
        if (result < 0) return result;
        if (anchored && later_count == 0) return 0; // it cannot begin any more
        at.before = at.after;
    }
}
