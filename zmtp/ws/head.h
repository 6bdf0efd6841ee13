// The head of an HTTP/1.1 message (RFC 9112): a start line and fields. Pure functions over bytes, which
// borrow their input; as strict as a stranger's octets deserve: no folded lines, no bare LF, no control
// characters, no space before a colon.
#ifndef ZMTP_WS_HEAD_H
#define ZMTP_WS_HEAD_H

#include "../base.h"

struct zmtp__head {
    struct zmtp_bytes line;   // without its end
    struct zmtp_bytes fields; // for zmtp__field_next
};
struct zmtp__field {
    struct zmtp_bytes name, value; // the value without the spaces around it
};

// Looks for the end of a head in |in|; its size with the empty line, or 0: it has not come. |from|
// octets were looked at before.
size_t zmtp__head_end(struct zmtp_bytes in, size_t from);
// Splits a whole head, its empty line included. ZMTP_OK or ZMTP_ERR_GREETING; the fields' forms too are
// judged here, so that zmtp__field_next cannot fail.
int zmtp__head_decode(struct zmtp_bytes in, struct zmtp__head *out);
// Takes the next field off |rest|. False: there are no more.
bool zmtp__field_next(struct zmtp_bytes *rest, struct zmtp__field *out);
// The value of the only field of that name. 1, 0 when there is none, ZMTP_ERR_GREETING when there are
// several.
int zmtp__head_find(const struct zmtp__head *head, const char *name, struct zmtp_bytes *out);
// Takes the next word off |rest|: what is between |separator|s, without spaces around it. False: none is
// left.
bool zmtp__word_next(struct zmtp_bytes *rest, char separator, struct zmtp_bytes *out);
// Does a field of that name, of which there may be several, have |word| in its comma-separated list?
bool zmtp__head_lists(const struct zmtp__head *head, const char *name, const char *word);
// Equal but for the case of letters.
bool zmtp__text_is(struct zmtp_bytes bytes, const char *text);

#endif
