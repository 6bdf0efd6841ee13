// The daemon's counters as Prometheus reads them.
#ifndef GARDEN_DAEMON_METRICS_H
#define GARDEN_DAEMON_METRICS_H

#include <zmtp/uv.h>

#include "place.h"
#include "requests.h"

// The text, of |*size| octets, for free(). Null: no memory.
char *metrics_text(const struct requests *requests, const struct place *place, struct zmtp_uv *uv,
                   size_t *size);

#endif
