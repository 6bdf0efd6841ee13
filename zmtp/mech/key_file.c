// Certificates as czmq writes them, in ZPL (RFC 4): lines of "name" or "name = value", where deeper
// indentation means "within the one above". Of all that only the two keys in the section "curve"
// matter here.
#include <string.h>

#include "../base/reader.h"
#include "../base/writer.h"
#include "../curve.h"

static bool key_file_blank(uint8_t octet)
{
    return octet == ' ' || octet == '\t' || octet == '\r';
}

static struct zmtp_bytes key_file_trim(struct zmtp_bytes text)
{
    while (text.size > 0 && key_file_blank(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && key_file_blank(text.data[text.size - 1]))
        text.size--;
    return text;
}

// The next line of |rest|, without its end.
static struct zmtp_bytes key_file_line(struct zmtp_bytes *rest)
{
    const uint8_t *const end = memchr(rest->data, '\n', rest->size);
    const size_t size = end ? (size_t)(end - rest->data) : rest->size;
    const struct zmtp_bytes line = {rest->data, size};
    const size_t used = end ? size + 1 : size;
    rest->data += used;
    rest->size -= used;
    return line;
}

// A value may stand between quotes of either kind; no key has one in it.
static struct zmtp_bytes key_file_unquote(struct zmtp_bytes value)
{
    if (value.size < 2) return value;
    const uint8_t quote = value.data[0];
    if (quote != '"' && quote != '\'') return value;
    if (value.data[value.size - 1] != quote) return value;
    return (struct zmtp_bytes){value.data + 1, value.size - 2};
}

// Takes the value of one of the two properties.
static int key_file_take(struct zmtp_bytes value, struct zmtp_key *key, bool *has)
{
    if (*has) return ZMTP_ERR_ARGUMENT;
    *has = true;
    return zmtp_key_decode(key_file_unquote(value), key);
}

static int key_file_property(struct zmtp_bytes line, struct zmtp_key_file *file)
{
    // Z85 has an '=' of its own, so the first one counts.
    const uint8_t *const equals = memchr(line.data, '=', line.size);
    if (!equals) return ZMTP_OK;
    const size_t size = (size_t)(equals - line.data);
    const struct zmtp_bytes name = key_file_trim(zmtp_bytes_of(line.data, size));
    const struct zmtp_bytes value = key_file_trim(zmtp_bytes_of(equals + 1, line.size - size - 1));
    if (zmtp_bytes_equal(name, zmtp_bytes_text("public-key")))
        return key_file_take(value, &file->keys.public_key, &file->has_public);
    if (zmtp_bytes_equal(name, zmtp_bytes_text("secret-key")))
        return key_file_take(value, &file->keys.secret_key, &file->has_secret);
    return ZMTP_OK;
}

int zmtp_key_file_decode(struct zmtp_bytes text, struct zmtp_key_file *out)
{
    if (!out || !zmtp__octets_ok(text)) return ZMTP_ERR_ARGUMENT;
    struct zmtp_key_file file = {.has_public = false};
    bool in_curve = false;
    int result = text.size <= ZMTP_KEY_FILE_MAX ? ZMTP_OK : ZMTP_ERR_ARGUMENT;
    while (text.size > 0 && result == ZMTP_OK) {
        const struct zmtp_bytes line = key_file_line(&text);
        const struct zmtp_bytes words = key_file_trim(line);
        if (words.size == 0 || words.data[0] == '#') continue;
        const bool indented = words.data != line.data;
        if (!indented)
            in_curve = zmtp_bytes_equal(words, zmtp_bytes_text("curve"));
        else if (in_curve)
            result = key_file_property(words, &file);
    }
    if (!file.has_public) result = ZMTP_ERR_ARGUMENT;
    if (result == ZMTP_OK) *out = file;
    zmtp_wipe(&file, sizeof file);
    return result;
}

static void key_file_write_key(struct zmtp__writer *w, const char *name, const struct zmtp_key *key)
{
    char text[ZMTP_KEY_TEXT_SIZE];
    zmtp_key_encode(key, text);
    zmtp__write_bytes(w, zmtp_bytes_text("    "));
    zmtp__write_bytes(w, zmtp_bytes_text(name));
    zmtp__write_bytes(w, zmtp_bytes_text(" = \""));
    zmtp__write_bytes(w, zmtp_bytes_text(text));
    zmtp__write_bytes(w, zmtp_bytes_text("\"\n"));
    zmtp_wipe(text, sizeof text);
}

int zmtp_key_file_encode(const struct zmtp_key_pair *keys, bool with_secret, char *out, size_t size)
{
    if (!keys || !out) return ZMTP_ERR_ARGUMENT;
    static const char public_words[] = "# CURVE certificate, public: for everybody who is to know "
                                       "this side, by a way that\n# nobody can tamper with.\n\n";
    static const char secret_words[] = "# CURVE certificate, SECRET: for its owner alone. Whoever "
                                       "reads it can pose as its owner.\n\n";
    struct zmtp__writer w = zmtp__writer_of((uint8_t *)out, size);
    zmtp__write_bytes(&w, zmtp_bytes_text(with_secret ? secret_words : public_words));
    zmtp__write_bytes(&w, zmtp_bytes_text("metadata\ncurve\n"));
    key_file_write_key(&w, "public-key", &keys->public_key);
    if (with_secret) key_file_write_key(&w, "secret-key", &keys->secret_key);
    return w.bad ? ZMTP_ERR_LIMIT : (int)w.filled;
}
