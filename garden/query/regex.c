#include "regex_program.h"

#include <stdio.h>
#include <string.h>

#include "../core/error.h"

enum { REGEX_REPEAT_MAX = 1000, REGEX_FOREVER = REGEX_REPEAT_MAX + 1, REGEX_RANGES_MAX = 4096 };

// An alternative of a group that is being read.
struct regex_group {
    size_t start, alternative; // where its code, and that of the alternative at hand begin
    int64_t jump;              // the last jump to its end that is to be filled in, or -1
    bool fold, all, lines;     // the flags outside of it
};

struct regex_build {
    struct garden_text in;
    size_t at;
    struct garden__regex *out;
    size_t space, range_space;
    struct garden_arena *arena;
    struct garden_error *error;
    struct regex_group groups[GARDEN__REGEX_DEPTH_MAX];
    size_t depth;
    bool fold, all, lines; // (?i) (?s) (?m)
    size_t atom;           // where the code begins that a repetition repeats, or SIZE_MAX
};

// ---- Reading

static int regex_fail(struct regex_build *build, int code, const char *text)
{
    size_t character = 1, width;
    for (size_t i = 0; i < build->at && i < build->in.size; i += width, character++)
        (void)garden__regex_decode(build->in, i, &width);
    return garden__fail(build->error, code, "the regular expression, character %zu: %s", character,
                        text);
}

static bool regex_more(const struct regex_build *build)
{
    return build->at < build->in.size;
}

static bool regex_ahead(const struct regex_build *build, const char *text)
{
    const size_t size = strlen(text);
    return build->in.size - build->at >= size &&
           memcmp(build->in.data + build->at, text, size) == 0;
}

static bool regex_take(struct regex_build *build, const char *text)
{
    if (!regex_ahead(build, text)) return false;
    build->at += strlen(text);
    return true;
}

static uint32_t regex_next(struct regex_build *build)
{
    size_t width;
    const uint32_t code = garden__regex_decode(build->in, build->at, &width);
    build->at += width;
    return code;
}

// ---- Writing

static int regex_room(struct regex_build *build, size_t count)
{
    struct garden__regex *out = build->out;
    if (count > GARDEN__REGEX_PROGRAM_MAX || out->count + count > GARDEN__REGEX_PROGRAM_MAX)
        return regex_fail(build, GARDEN_ERR_LIMIT, "it repeats too much: it becomes too large");
    if (out->count + count <= build->space) return GARDEN_OK;
    size_t space = build->space ? build->space * 2 : 32;
    while (space < out->count + count)
        space *= 2;
    struct garden__regex_step *steps = garden_arena_alloc(build->arena, space, sizeof *steps);
    if (!steps) return regex_fail(build, build->arena->error, "no memory");
    if (out->count) memcpy(steps, out->steps, out->count * sizeof *steps);
    out->steps = steps;
    build->space = space;
    return GARDEN_OK;
}

// Puts |step| before what is at |place|, which may be the end.
static int regex_insert(struct regex_build *build, size_t place, struct garden__regex_step step)
{
    const int result = regex_room(build, 1);
    if (result < 0) return result;
    struct garden__regex_step *steps = build->out->steps;
    memmove(&steps[place + 1], &steps[place], (build->out->count - place) * sizeof *steps);
    steps[place] = step;
    build->out->count++;
    return GARDEN_OK;
}

static int regex_emit(struct regex_build *build, struct garden__regex_step step)
{
    return regex_insert(build, build->out->count, step);
}

static int regex_atom(struct regex_build *build, struct garden__regex_step step)
{
    build->atom = build->out->count;
    step.fold = build->fold;
    return regex_emit(build, step);
}

static struct garden__regex_step regex_split(size_t jump)
{
    return (struct garden__regex_step){.kind = GARDEN__REGEX_SPLIT, .jump = (int32_t)jump};
}

// |count| copies of the |size| steps at |from| to the end, each behind a way around it if |optional|.
static int regex_copies(struct regex_build *build, size_t from, size_t size, size_t count,
                        bool optional)
{
    int result = regex_room(build, (size + optional) * count);
    for (size_t i = 0; i < count && result == GARDEN_OK; i++) {
        if (optional) result = regex_emit(build, regex_split(size + 1));
        if (size)
            memcpy(&build->out->steps[build->out->count], &build->out->steps[from],
                   size * sizeof *build->out->steps);
        build->out->count += size;
    }
    return result;
}

static int regex_repeat(struct regex_build *build, size_t min, size_t max)
{
    size_t start = build->atom;
    const size_t size = build->out->count - start;
    int result;
    if (max == 0) {
        build->out->count = start;
        return GARDEN_OK;
    }
    if (min > 0) {
        result = regex_copies(build, start, size, min - 1, false);
        if (result < 0) return result;
        if (max == REGEX_FOREVER)
            return regex_emit(build, (struct garden__regex_step){.kind = GARDEN__REGEX_SPLIT,
                                                                 .jump = -(int32_t)size});
        return regex_copies(build, start, size, max - min, true);
    }
    result = regex_insert(build, start++, regex_split(max == REGEX_FOREVER ? size + 2 : size + 1));
    if (result < 0) return result;
    if (max == REGEX_FOREVER)
        return regex_emit(build, (struct garden__regex_step){.kind = GARDEN__REGEX_JUMP,
                                                             .jump = -(int32_t)(size + 1)});
    return regex_copies(build, start, size, max - 1, true);
}

// ---- Classes

static int regex_range(struct regex_build *build, uint32_t first, uint32_t last)
{
    struct garden__regex *out = build->out;
    if (out->range_count == build->range_space) {
        const size_t space = build->range_space ? build->range_space * 2 : 16;
        if (space > REGEX_RANGES_MAX)
            return regex_fail(build, GARDEN_ERR_LIMIT, "its classes have too many ranges");
        struct garden__regex_range *ranges =
            garden_arena_alloc(build->arena, space, sizeof *ranges);
        if (!ranges) return regex_fail(build, build->arena->error, "no memory");
        if (out->range_count) memcpy(ranges, out->ranges, out->range_count * sizeof *ranges);
        out->ranges = ranges;
        build->range_space = space;
    }
    out->ranges[out->range_count++] = (struct garden__regex_range){first, last};
    return GARDEN_OK;
}

// Ranges as pairs of characters in |pairs|, which ascend, or all that is not in them.
static int regex_pairs(struct regex_build *build, const char *pairs, bool negated)
{
    uint32_t next = 0;
    int result = GARDEN_OK;
    for (; *pairs && result == GARDEN_OK; pairs += 2) {
        const uint32_t first = (unsigned char)pairs[0], last = (unsigned char)pairs[1];
        if (!negated)
            result = regex_range(build, first, last);
        else if (first > next)
            result = regex_range(build, next, first - 1);
        next = last + 1;
    }
    if (negated && result == GARDEN_OK) result = regex_range(build, next, GARDEN__REGEX_CODE_MAX);
    return result;
}

// The pairs of \d, \s and \w, in either case; null: |c| is none.
static const char *regex_perl(uint32_t c)
{
    switch (c | 0x20) {
    case 'd':
        return "09";
    case 's':
        return "\t\r  "; // tab, newline, vertical tab, form feed, return; space
    case 'w':
        return "09AZ__az";
    default:
        return NULL;
    }
}

// [:name:] inside a class, whose "[:" is at the cursor.
static int regex_posix(struct regex_build *build)
{
    static const char *const classes[][2] = {
        {"alnum", "09AZaz"},
        {"alpha", "AZaz"},
        {"ascii", "\x01\x7f"},
        {"blank", "\t\t  "},
        {"cntrl", "\x01\x1f\x7f\x7f"},
        {"digit", "09"},
        {"graph", "!~"},
        {"lower", "az"},
        {"print", " ~"},
        {"punct", "!/:@[`{~"},
        {"space", "\t\r  "},
        {"upper", "AZ"},
        {"word", "09AZ__az"},
        {"xdigit", "09AFaf"},
    };
    const size_t start = build->at;
    build->at += 2;
    const bool negated = regex_take(build, "^");
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (!regex_take(build, classes[i][0])) continue;
        if (regex_take(build, ":]")) return regex_pairs(build, classes[i][1], negated);
    }
    build->at = start;
    return regex_fail(build, GARDEN_ERR_FORMAT, "expected a class such as [:alpha:]");
}

// ---- Escapes

// Digits of \x \u \U, or {digits}.
static int regex_hex(struct regex_build *build, size_t count, uint32_t *code)
{
    const bool braces = regex_take(build, "{");
    size_t digits = 0;
    *code = 0;
    while (regex_more(build) && (braces || digits < count)) {
        const char c = build->in.data[build->at];
        const int low = c | 0x20;
        if (c >= '0' && c <= '9')
            *code = *code * 16 + (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            *code = *code * 16 + (uint32_t)(low - 'a' + 10);
        else
            break;
        if (*code > GARDEN__REGEX_CODE_MAX) break;
        digits++;
        build->at++;
    }
    const bool whole = braces ? digits > 0 && regex_take(build, "}") : digits == count;
    if (!whole || *code > GARDEN__REGEX_CODE_MAX || (*code >= 0xd800 && *code <= 0xdfff))
        return regex_fail(build, GARDEN_ERR_FORMAT, "expected a character's hexadecimal digits");
    return GARDEN_OK;
}

// A character by its escape |c|, which the cursor is behind.
static int regex_escaped(struct regex_build *build, uint32_t c, uint32_t *code)
{
    static const char from[] = "nrtafv", to[] = "\n\r\t\a\f\v";
    const char *known = c > 0 && c < 0x80 ? strchr(from, (int)c) : NULL;
    if (known) {
        *code = (unsigned char)to[known - from];
        return GARDEN_OK;
    }
    if (c == 'x') return regex_hex(build, 2, code);
    if (c == 'u') return regex_hex(build, 4, code);
    if (c == 'U') return regex_hex(build, 8, code);
    const bool plain = c > ' ' && c < 0x7f && !(c >= '0' && c <= '9') &&
                       !((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && c != '<' && c != '>';
    *code = c;
    if (plain) return GARDEN_OK;
    if (c >= '0' && c <= '9')
        return regex_fail(build, GARDEN_ERR_FORMAT,
                          "back references are not supported, as no linear time has them");
    if (c == 'p' || c == 'P')
        return regex_fail(build, GARDEN_ERR_FORMAT,
                          "Unicode's classes (\\p) are not supported: list the ranges");
    return regex_fail(build, GARDEN_ERR_FORMAT, "there is no such escape");
}

static int regex_backslash(struct regex_build *build)
{
    static const struct {
        char letter;
        enum garden__regex_kind kind;
    } assertions[] = {{'A', GARDEN__REGEX_TEXT_START},
                      {'z', GARDEN__REGEX_TEXT_END},
                      {'b', GARDEN__REGEX_WORD_EDGE},
                      {'B', GARDEN__REGEX_WORD_INSIDE}};
    if (!regex_more(build))
        return regex_fail(build, GARDEN_ERR_FORMAT, "expected something behind the backslash");
    const uint32_t c = regex_next(build);
    for (size_t i = 0; i < sizeof assertions / sizeof *assertions; i++) {
        if (c != (uint32_t)assertions[i].letter) continue;
        if (c == 'b' && regex_ahead(build, "{"))
            return regex_fail(build, GARDEN_ERR_FORMAT, "\\b{...} is not supported, only \\b");
        return regex_atom(build, (struct garden__regex_step){.kind = assertions[i].kind});
    }
    struct garden__regex_step step = {.kind = GARDEN__REGEX_CHARACTER};
    const char *pairs = c < 0x80 ? regex_perl(c) : NULL;
    int result;
    if (pairs) {
        step.kind = GARDEN__REGEX_CLASS;
        step.code = (uint32_t)build->out->range_count;
        result = regex_pairs(build, pairs, c < 'a');
        step.range_count = (uint32_t)(build->out->range_count - step.code);
    } else {
        result = regex_escaped(build, c, &step.code);
    }
    return result < 0 ? result : regex_atom(build, step);
}

// ---- [...]

// One character of a class, or a whole class: then |*whole|.
static int regex_member(struct regex_build *build, uint32_t *code, bool *whole)
{
    *whole = false;
    if (!regex_more(build))
        return regex_fail(build, GARDEN_ERR_FORMAT, "a class does not end: expected ']'");
    if (regex_ahead(build, "[:")) {
        *whole = true;
        return regex_posix(build);
    }
    if (regex_ahead(build, "[") || regex_ahead(build, "&&") || regex_ahead(build, "--") ||
        regex_ahead(build, "~~"))
        return regex_fail(build, GARDEN_ERR_FORMAT,
                          "classes in classes and && -- ~~ are not supported: write \\[ or \\&");
    *code = regex_next(build);
    if (*code != '\\') return GARDEN_OK;
    if (!regex_more(build))
        return regex_fail(build, GARDEN_ERR_FORMAT, "expected something behind the backslash");
    const uint32_t c = regex_next(build);
    const char *pairs = c < 0x80 ? regex_perl(c) : NULL;
    if (!pairs) return regex_escaped(build, c, code);
    *whole = true;
    return regex_pairs(build, pairs, c < 'a');
}

static int regex_class(struct regex_build *build)
{
    struct garden__regex_step step = {.kind = GARDEN__REGEX_CLASS,
                                      .code = (uint32_t)build->out->range_count};
    step.negated = regex_take(build, "^");
    for (bool first = true; first || !regex_ahead(build, "]"); first = false) {
        uint32_t from, to;
        bool whole;
        int result = regex_member(build, &from, &whole);
        if (result < 0) return result;
        if (whole) continue;
        to = from;
        if (regex_ahead(build, "-") && !regex_ahead(build, "-]") && !regex_ahead(build, "--")) {
            build->at++;
            result = regex_member(build, &to, &whole);
            if (result < 0) return result;
            if (whole || to < from)
                return regex_fail(build, GARDEN_ERR_FORMAT,
                                  "a range must end with a character that is not before its first");
        }
        result = regex_range(build, from, to);
        if (result < 0) return result;
    }
    build->at++;
    step.range_count = (uint32_t)(build->out->range_count - step.code);
    return regex_atom(build, step);
}

// ---- Groups

static int regex_open(struct regex_build *build)
{
    if (build->depth == GARDEN__REGEX_DEPTH_MAX)
        return regex_fail(build, GARDEN_ERR_LIMIT, "its groups are too deep");
    build->groups[build->depth++] = (struct regex_group){
        build->out->count, build->out->count, -1, build->fold, build->all, build->lines};
    build->atom = SIZE_MAX;
    return GARDEN_OK;
}

static int regex_alternative(struct regex_build *build)
{
    struct regex_group *group = &build->groups[build->depth - 1];
    const size_t size = build->out->count - group->alternative;
    int result = regex_insert(build, group->alternative, regex_split(size + 2));
    if (result == GARDEN_OK) // until the end is known the jump has the one before it
        result = regex_emit(build, (struct garden__regex_step){.kind = GARDEN__REGEX_JUMP,
                                                               .jump = (int32_t)group->jump});
    if (result < 0) return result;
    group->jump = (int64_t)build->out->count - 1;
    group->alternative = build->out->count;
    build->atom = SIZE_MAX;
    return GARDEN_OK;
}

static void regex_close(struct regex_build *build)
{
    const struct regex_group group = build->groups[--build->depth];
    for (int64_t jump = group.jump; jump >= 0;) {
        const int64_t before = build->out->steps[jump].jump;
        build->out->steps[jump].jump = (int32_t)((int64_t)build->out->count - jump);
        jump = before;
    }
    build->fold = group.fold;
    build->all = group.all;
    build->lines = group.lines;
    build->atom = group.start;
}

// What follows "(?", up to ":" or ")": flags. |*group|: a group begins.
static int regex_flags(struct regex_build *build, bool *group)
{
    bool on = true;
    const size_t start = build->at;
    bool fold = build->fold, all = build->all, lines = build->lines;
    while (regex_more(build)) {
        const uint32_t c = regex_next(build);
        *group = c == ':';
        if (*group || (c == ')' && build->at > start + 1)) {
            const int result = *group ? regex_open(build) : GARDEN_OK;
            build->fold = fold;
            build->all = all;
            build->lines = lines;
            return result;
        }
        if (c == '-' && on)
            on = false;
        else if (c == 'i')
            fold = on;
        else if (c == 's')
            all = on;
        else if (c == 'm')
            lines = on;
        else if (c !=
                 'U') // which repetitions are greedy does not matter to whether there is a match
            break;
    }
    build->at = start;
    return regex_fail(build, GARDEN_ERR_FORMAT,
                      "expected flags of i, m, s and U; x, u and R are not supported");
}

static int regex_group_of(struct regex_build *build)
{
    bool group;
    if (!regex_take(build, "?")) return regex_open(build);
    if (regex_ahead(build, "=") || regex_ahead(build, "!") || regex_ahead(build, "<=") ||
        regex_ahead(build, "<!"))
        return regex_fail(build, GARDEN_ERR_FORMAT,
                          "looking around is not supported, as no linear time has it");
    if (!regex_take(build, "P<") && !regex_take(build, "<")) {
        const int result = regex_flags(build, &group);
        if (result == GARDEN_OK && !group) build->atom = SIZE_MAX;
        return result;
    }
    const size_t start = build->at;
    while (regex_more(build) && build->in.data[build->at] != '>')
        build->at++;
    if (build->at == start || !regex_take(build, ">"))
        return regex_fail(build, GARDEN_ERR_FORMAT, "expected a group's name and '>'");
    return regex_open(build);
}

// ---- Repetitions

static bool regex_count(struct regex_build *build, size_t *out)
{
    const size_t start = build->at;
    *out = 0;
    while (regex_more(build) && build->in.data[build->at] >= '0' &&
           build->in.data[build->at] <= '9') {
        *out = *out * 10 + (size_t)(build->in.data[build->at++] - '0');
        if (*out > REGEX_REPEAT_MAX) *out = REGEX_REPEAT_MAX + 1;
    }
    return build->at > start;
}

// From behind a '{'.
static int regex_bounds(struct regex_build *build, size_t *min, size_t *max)
{
    const bool has_min = regex_count(build, min);
    *max = *min;
    if (has_min && regex_take(build, ",") && !regex_count(build, max)) *max = REGEX_FOREVER;
    if (!has_min || !regex_take(build, "}"))
        return regex_fail(build, GARDEN_ERR_FORMAT, "expected {n}, {n,} or {n,m}; or write \\{");
    if (*min > REGEX_REPEAT_MAX || (*max > REGEX_REPEAT_MAX && *max != REGEX_FOREVER))
        return regex_fail(build, GARDEN_ERR_LIMIT, "it repeats more than 1000 times");
    if (*min > *max)
        return regex_fail(build, GARDEN_ERR_FORMAT,
                          "a repetition's bounds are the wrong way round");
    return GARDEN_OK;
}

static int regex_repetition(struct regex_build *build, uint32_t c)
{
    size_t min = c == '+', max = c == '?' ? 1 : REGEX_FOREVER;
    if (build->atom == SIZE_MAX)
        return regex_fail(build, GARDEN_ERR_FORMAT, "there is nothing to repeat");
    const int result = c == '{' ? regex_bounds(build, &min, &max) : GARDEN_OK;
    if (result < 0) return result;
    (void)regex_take(build, "?"); // how much it takes does not matter to whether it matches
    return regex_repeat(build, min, max);
}

// ---- All

static int regex_one(struct regex_build *build)
{
    struct garden__regex_step step = {.kind = GARDEN__REGEX_CHARACTER};
    step.code = regex_next(build);
    switch (step.code) {
    case '\\':
        return regex_backslash(build);
    case '[':
        return regex_class(build);
    case '(':
        return regex_group_of(build);
    case ')':
        if (build->depth > 1) {
            regex_close(build);
            return GARDEN_OK;
        }
        build->at--;
        return regex_fail(build, GARDEN_ERR_FORMAT, "a ')' without its '('");
    case '|':
        return regex_alternative(build);
    case '*':
    case '+':
    case '?':
    case '{':
        return regex_repetition(build, step.code);
    case '.':
        step.kind = build->all ? GARDEN__REGEX_ALL : GARDEN__REGEX_ANY;
        break;
    case '^':
        step.kind = build->lines ? GARDEN__REGEX_LINE_START : GARDEN__REGEX_TEXT_START;
        break;
    case '$':
        step.kind = build->lines ? GARDEN__REGEX_LINE_END : GARDEN__REGEX_TEXT_END;
        break;
    default:
        break;
    }
    return regex_atom(build, step);
}

int garden__regex_compile(struct garden__regex **out, struct garden_text pattern,
                          struct garden_arena *arena, struct garden_error *error)
{
    struct garden__regex *regex = garden_arena_alloc(arena, 1, sizeof *regex);
    struct regex_build build = {
        .in = pattern, .out = regex, .arena = arena, .error = error, .atom = SIZE_MAX};
    if (!regex) return regex_fail(&build, arena->error, "no memory");
    int result = regex_open(&build);
    while (result == GARDEN_OK && regex_more(&build))
        result = regex_one(&build);
    if (result < 0) return result;
    if (build.depth > 1)
        return regex_fail(&build, GARDEN_ERR_FORMAT, "a group does not end: expected ')'");
    regex_close(&build);
    result = regex_emit(&build, (struct garden__regex_step){.kind = GARDEN__REGEX_MATCH});
    if (result < 0) return result;
    uint32_t *places = garden_arena_alloc(arena, regex->count * 4, sizeof *places);
    if (!places) return regex_fail(&build, arena->error, "no memory");
    regex->now = places;
    regex->later = places + regex->count;
    regex->stack = places + 2 * regex->count;
    regex->seen = places + 3 * regex->count;
    *out = regex;
    return GARDEN_OK;
}
