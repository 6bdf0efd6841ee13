// What both sides look at before they begin a stream.
#ifndef GARDEN_CORE_ADMIT_H
#define GARDEN_CORE_ADMIT_H

#include "../capture.h"
#include "../value.h"

// Whether a name is well-formed UTF-8 in which each character is seen where it stands: it may be printed as it is, and
// is one line.
bool garden__text_plain(struct garden_text text);
// Makes |text| one line that may be printed: what is not plain in it becomes a question mark for each character, and what
// is no UTF-8 one for each octet.
void garden__text_tame(char *text);
// GARDEN_OK, or GARDEN_ERR_ARGUMENT (the name, see stream.h) or GARDEN_ERR_RANGE, with words: nothing can be captured
// with these.
int garden__admit(const char *uri, const struct garden_stream_format *format, uint64_t chunk_size,
                  struct garden_error *error);

#endif
