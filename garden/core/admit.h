// What both sides look at before they begin a stream.
#ifndef GARDEN_CORE_ADMIT_H
#define GARDEN_CORE_ADMIT_H

#include "../capture.h"

// GARDEN_OK, or GARDEN_ERR_ARGUMENT (the name, see stream.h) or GARDEN_ERR_RANGE, with words: nothing can be captured
// with these.
int garden__admit(const char *uri, const struct garden_stream_format *format, uint64_t chunk_size,
                  struct garden_error *error);

#endif
