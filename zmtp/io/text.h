// Text for people's tools, written into a buffer that may be too small: then it counts on, so that the
// caller learns what it takes.
#ifndef ZMTP_IO_TEXT_H
#define ZMTP_IO_TEXT_H

#include "../base.h"

struct zmtp__text {
    char *out;
    size_t size;   // of |out|, terminator included
    size_t filled; // of the whole text, whether it fits or not
};

void zmtp__text_add(struct zmtp__text *text, const char *plain);
void zmtp__text_number(struct zmtp__text *text, uint64_t number);
// A JSON string. Strangers' octets need not be UTF-8, so whatever is not printable ASCII is told as
// \u0000 to \u00ff.
void zmtp__text_json(struct zmtp__text *text, struct zmtp_bytes octets);
// The value of a label, as Prometheus reads it, with its quotes. What is not printable ASCII is told as
// \xNN, and a backslash as two: these are then escaped as Prometheus asks for.
void zmtp__text_label(struct zmtp__text *text, struct zmtp_bytes octets);
// Ends it with a zero octet, also when it does not fit. Returns the size of the whole text without it.
int64_t zmtp__text_end(struct zmtp__text *text);

#endif
