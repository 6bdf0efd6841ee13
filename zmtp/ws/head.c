#include "head.h"

#include <string.h>

enum { HEAD_END = 4 }; // CR LF CR LF

static uint8_t head_lower(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet + ('a' - 'A')) : octet;
}

bool zmtp__text_is(struct zmtp_bytes bytes, const char *text)
{
    if (bytes.size != strlen(text)) return false;
    for (size_t i = 0; i < bytes.size; i++)
        if (head_lower(bytes.data[i]) != head_lower((uint8_t)text[i])) return false;
    return true;
}

size_t zmtp__head_end(struct zmtp_bytes in, size_t from)
{
    from = from < HEAD_END ? 0 : from - HEAD_END;
    for (size_t i = from; i + HEAD_END <= in.size; i++)
        if (memcmp(in.data + i, "\r\n\r\n", HEAD_END) == 0) return i + HEAD_END;
    return 0;
}

// RFC 9110, section 5.6.2: what a name is made of.
static bool head_is_token(uint8_t octet)
{
    if ((octet >= '0' && octet <= '9') || (octet >= 'A' && octet <= 'Z')) return true;
    if (octet >= 'a' && octet <= 'z') return true;
    return octet && strchr("!#$%&'*+-.^_`|~", octet);
}

static struct zmtp_bytes head_trim(struct zmtp_bytes bytes)
{
    while (bytes.size > 0 && (bytes.data[0] == ' ' || bytes.data[0] == '\t')) {
        bytes.data++;
        bytes.size--;
    }
    while (bytes.size > 0 &&
           (bytes.data[bytes.size - 1] == ' ' || bytes.data[bytes.size - 1] == '\t'))
        bytes.size--;
    return bytes;
}

// Takes a line off |rest|, without its CR LF. False: there is none.
static bool head_line(struct zmtp_bytes *rest, struct zmtp_bytes *out)
{
    const uint8_t *const end = rest->size > 0 ? memchr(rest->data, '\r', rest->size) : NULL;
    if (!end) return false;
    const size_t size = (size_t)(end - rest->data);
    if (rest->size - size < 2 || end[1] != '\n') return false;
    *out = zmtp_bytes_of(rest->data, size);
    *rest = zmtp_bytes_of(end + 2, rest->size - size - 2);
    return true;
}

static bool head_is_printable(struct zmtp_bytes line)
{
    for (size_t i = 0; i < line.size; i++)
        if ((line.data[i] < ' ' && line.data[i] != '\t') || line.data[i] == 0x7F) return false;
    return true;
}

static bool head_field(struct zmtp_bytes line, struct zmtp__field *out)
{
    size_t size = 0;
    while (size < line.size && head_is_token(line.data[size]))
        size++;
    if (size == 0 || size == line.size || line.data[size] != ':') return false;
    out->name = zmtp_bytes_of(line.data, size);
    out->value = head_trim(zmtp_bytes_of(line.data + size + 1, line.size - size - 1));
    return true;
}

bool zmtp__field_next(struct zmtp_bytes *rest, struct zmtp__field *out)
{
    struct zmtp_bytes line;
    return head_line(rest, &line) && head_field(line, out);
}

int zmtp__head_decode(struct zmtp_bytes in, struct zmtp__head *out)
{
    struct zmtp__head head;
    struct zmtp__field field;
    struct zmtp_bytes line, rest = in;
    if (zmtp__head_end(in, 0) != in.size || in.size == 0) return ZMTP_ERR_GREETING;
    if (!head_line(&rest, &head.line) || head.line.size == 0) return ZMTP_ERR_GREETING;
    if (!head_is_printable(head.line)) return ZMTP_ERR_GREETING;
    head.fields = zmtp_bytes_of(rest.data, rest.size - 2); // without the empty line
    for (rest = head.fields; rest.size > 0;) {
        if (!head_line(&rest, &line) || !head_is_printable(line)) return ZMTP_ERR_GREETING;
        if (!head_field(line, &field)) return ZMTP_ERR_GREETING;
    }
    *out = head;
    return ZMTP_OK;
}

int zmtp__head_find(const struct zmtp__head *head, const char *name, struct zmtp_bytes *out)
{
    struct zmtp_bytes rest = head->fields;
    struct zmtp__field field;
    int found = 0;
    while (zmtp__field_next(&rest, &field)) {
        if (!zmtp__text_is(field.name, name)) continue;
        if (found++ > 0) return ZMTP_ERR_GREETING;
        *out = field.value;
    }
    return found;
}

bool zmtp__word_next(struct zmtp_bytes *rest, char separator, struct zmtp_bytes *out)
{
    while (rest->size > 0) {
        const uint8_t *const end = memchr(rest->data, separator, rest->size);
        const size_t size = end ? (size_t)(end - rest->data) : rest->size;
        const size_t taken = end ? size + 1 : size;
        *out = head_trim(zmtp_bytes_of(rest->data, size));
        *rest = zmtp_bytes_of(rest->data + taken, rest->size - taken);
        if (out->size > 0) return true; // RFC 9110, section 5.6.1: empty ones do not count
    }
    return false;
}

bool zmtp__head_lists(const struct zmtp__head *head, const char *name, const char *word)
{
    struct zmtp_bytes rest = head->fields, next;
    struct zmtp__field field;
    while (zmtp__field_next(&rest, &field)) {
        if (!zmtp__text_is(field.name, name)) continue;
        while (zmtp__word_next(&field.value, ',', &next))
            if (zmtp__text_is(next, word)) return true;
    }
    return false;
}
