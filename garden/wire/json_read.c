#include <string.h>

#include "decimal.h"
#include "tree.h"

// Where the grammar of RFC 8259 stands between two tokens.
enum json_state {
    JSON_VALUE,       // a value must come
    JSON_FIRST_ITEM,  // a value or ]
    JSON_FIRST_KEY,   // a key or }
    JSON_KEY,         // a key must come
    JSON_AFTER_VALUE, // a comma, the end of the container, or of the document
};

struct json_reader {
    struct garden__tree *tree;
    const char *data;
    size_t size, at;
    enum json_state state;
};

static void json_fail(struct json_reader *r, size_t offset, const char *expected)
{
    garden__tree_fail(r->tree, GARDEN_ERR_FORMAT, offset, expected);
}

// The octet at the cursor, or -1 at the end.
static int json_peek(const struct json_reader *r)
{
    return r->at < r->size ? (unsigned char)r->data[r->at] : -1;
}

static void json_skip_space(struct json_reader *r)
{
    while (r->at < r->size && strchr(" \t\n\r", r->data[r->at]) && r->data[r->at])
        r->at++;
}

// Four hexadecimal digits, or -1.
static int32_t json_hex(const char *in, size_t size)
{
    if (size < 4) return -1;
    int32_t code = 0;
    for (int i = 0; i < 4; i++) {
        const char c = in[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) return -1;
        code = code * 16 + digit;
    }
    return code;
}

static char *json_put_utf8(char *out, int32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
        return out;
    }
    if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *out++ = (char)(0xe0 | code >> 12);
        } else {
            *out++ = (char)(0xf0 | code >> 18);
            *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (code & 0x3f));
    return out;
}

// Reads what follows "\u": one code point, of two escapes when it is a surrogate pair. Returns the
// octets read, or 0 when they are malformed.
static size_t json_unicode(const char *in, size_t size, int32_t *code)
{
    const int32_t high = json_hex(in, size);
    if (high < 0 || (high >= 0xdc00 && high <= 0xdfff)) return 0;
    *code = high;
    if (high < 0xd800 || high > 0xdbff) return 4;
    if (size < 10 || in[4] != '\\' || in[5] != 'u') return 0;
    const int32_t low = json_hex(in + 6, size - 6);
    if (low < 0xdc00 || low > 0xdfff) return 0;
    *code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return 10;
}

// Undoes the escapes of |in| into |out|, which may be the same memory: no escape is shorter than what
// it stands for. Returns the size, or -1 with the place in |*wrong|.
static int64_t json_unescape(const char *in, size_t size, char *out, size_t *wrong)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char *end = out;
    for (size_t i = 0; i < size;) {
        *wrong = i;
        if ((unsigned char)in[i] < 0x20) return -1;
        if (in[i] != '\\') {
            *end++ = in[i++];
            continue;
        }
        const char escape = in[i + 1]; // a lone backslash would have hidden the closing quote
        const char *known = escape ? strchr(from, escape) : NULL;
        i += 2;
        if (known) {
            *end++ = to[known - from];
            continue;
        }
        int32_t code;
        const size_t read = escape == 'u' ? json_unicode(in + i, size - i, &code) : 0;
        if (read == 0) return -1;
        end = json_put_utf8(end, code);
        i += read;
    }
    return end - out;
}

static struct garden_text json_string(struct json_reader *r)
{
    const struct garden_text nothing = {NULL, 0};
    const size_t begin = r->at + 1;
    size_t end = begin;
    while (end < r->size && r->data[end] != '"')
        end += r->data[end] == '\\' ? 2 : 1;
    if (end >= r->size) {
        json_fail(r, r->size, "the end of a text");
        return nothing;
    }
    char *copy = garden__tree_copy(r->tree, r->data + begin, end - begin, r->at);
    if (!copy) return nothing;
    size_t wrong;
    const int64_t size = json_unescape(copy, end - begin, copy, &wrong);
    if (size < 0) {
        json_fail(r, begin + wrong, "a text without control characters and wrong escapes");
        return nothing;
    }
    copy[size] = '\0';
    const struct garden_text text = {copy, (size_t)size};
    if (!garden_text_valid(text)) json_fail(r, r->at, "a text in UTF-8");
    r->at = end + 1;
    return text;
}

static size_t json_digits(struct json_reader *r)
{
    const size_t begin = r->at;
    while (r->at < r->size && r->data[r->at] >= '0' && r->data[r->at] <= '9')
        r->at++;
    return r->at - begin;
}

// |digits| as an integer, when 64 bits can hold it.
static bool json_integer(struct garden_text digits, struct garden_value *value)
{
    const bool negative = digits.data[0] == '-';
    uint64_t number = 0;
    for (size_t i = negative; i < digits.size; i++) {
        const unsigned digit = (unsigned)(digits.data[i] - '0');
        if (number > (UINT64_MAX - digit) / 10) return false;
        number = number * 10 + digit;
    }
    if (negative) {
        if (number == 0 || number > (uint64_t)INT64_MAX + 1) return false; // -0 is a real
        value->type = GARDEN_INT;
        value->integer = -(int64_t)(number - 1) - 1;
        return true;
    }
    *value = garden_value_uint(number);
    return true;
}

static void json_number(struct json_reader *r)
{
    const size_t begin = r->at;
    if (json_peek(r) == '-') r->at++;
    bool whole = true, good = true;
    if (json_peek(r) == '0') {
        r->at++; // and no digit may follow: the next token would be wrong
    } else {
        good = json_digits(r) > 0;
    }
    if (good && json_peek(r) == '.') {
        r->at++;
        whole = false;
        good = json_digits(r) > 0;
    }
    if (good && (json_peek(r) == 'e' || json_peek(r) == 'E')) {
        r->at++;
        whole = false;
        if (json_peek(r) == '+' || json_peek(r) == '-') r->at++;
        good = json_digits(r) > 0;
    }
    if (!good) {
        json_fail(r, r->at, "a digit");
        return;
    }
    const struct garden_text text = {r->data + begin, r->at - begin};
    struct garden_value value = {.type = GARDEN_NULL};
    if (!whole || !json_integer(text, &value)) {
        value.type = GARDEN_REAL;
        if (garden__decimal_parse(text, &value.real)) {
            garden__tree_fail(r->tree, GARDEN_ERR_RANGE, begin, "a number that a double can hold");
        }
    }
    value.offset = (uint32_t)begin;
    garden__tree_add(r->tree, value);
}

static void json_word(struct json_reader *r, const char *word, struct garden_value value)
{
    const size_t size = strlen(word);
    if (r->size - r->at < size || memcmp(r->data + r->at, word, size) != 0) {
        json_fail(r, r->at, "a value");
        return;
    }
    value.offset = (uint32_t)r->at;
    r->at += size;
    garden__tree_add(r->tree, value);
}

static void json_open(struct json_reader *r, enum garden_value_type type)
{
    garden__tree_open(r->tree, type, r->at++);
    r->state = type == GARDEN_MAP ? JSON_FIRST_KEY : JSON_FIRST_ITEM;
}

static void json_value(struct json_reader *r)
{
    const int first = json_peek(r);
    const size_t begin = r->at;
    r->state = JSON_AFTER_VALUE;
    if (first == '{') {
        json_open(r, GARDEN_MAP);
    } else if (first == '[') {
        json_open(r, GARDEN_LIST);
    } else if (first == '"') {
        struct garden_value value = garden_value_text(json_string(r));
        value.offset = (uint32_t)begin;
        garden__tree_add(r->tree, value);
    } else if (first == '-' || (first >= '0' && first <= '9')) {
        json_number(r);
    } else if (first == 't') {
        json_word(r, "true", garden_value_bool(true));
    } else if (first == 'f') {
        json_word(r, "false", garden_value_bool(false));
    } else {
        json_word(r, "null", garden_value_null());
    }
}

static void json_key(struct json_reader *r)
{
    if (json_peek(r) != '"') {
        json_fail(r, r->at, "a key in quotes");
        return;
    }
    garden__tree_key(r->tree, json_string(r));
    json_skip_space(r);
    if (json_peek(r) != ':') json_fail(r, r->at, "a colon");
    r->at++;
    r->state = JSON_VALUE;
}

static void json_close(struct json_reader *r)
{
    garden__tree_close(r->tree);
    r->at++;
    r->state = JSON_AFTER_VALUE;
}

static void json_after_value(struct json_reader *r)
{
    const bool in_map = garden__tree_in_map(r->tree);
    const int next = json_peek(r);
    if (next == ',') {
        r->at++;
        r->state = in_map ? JSON_KEY : JSON_VALUE;
    } else if (next == (in_map ? '}' : ']')) {
        json_close(r);
    } else {
        json_fail(r, r->at, in_map ? "a comma or a closing brace" : "a comma or a closing bracket");
    }
}

void garden__json_read(struct garden__tree *tree, struct zmtp_bytes in)
{
    if (in.size > GARDEN_OCTETS_MAX) {
        garden__tree_fail(tree, GARDEN_ERR_LIMIT, 0, "a smaller document");
        return;
    }
    struct json_reader r = {
        .tree = tree, .data = (const char *)in.data, .size = in.size, .state = JSON_VALUE};
    do {
        json_skip_space(&r);
        switch (r.state) {
        case JSON_FIRST_ITEM:
            if (json_peek(&r) == ']') {
                json_close(&r);
            } else {
                json_value(&r);
            }
            break;
        case JSON_VALUE:
            json_value(&r);
            break;
        case JSON_FIRST_KEY:
            if (json_peek(&r) == '}') {
                json_close(&r);
            } else {
                json_key(&r);
            }
            break;
        case JSON_KEY:
            json_key(&r);
            break;
        case JSON_AFTER_VALUE:
            json_after_value(&r);
            break;
        }
    } while (!tree->error && !garden__tree_whole(tree));
    json_skip_space(&r);
    if (r.at != r.size) json_fail(&r, r.at, "the end of the document");
}
