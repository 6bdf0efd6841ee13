#include "../lanes.h"

#include <stdio.h>
#include <string.h>

static const char *const lane_names[GARDEN_LANES] = {"control", "shell", "iopub", "hb", "query"};

enum { LANE_IPC_PATH_MAX = 107 }; // of a local socket's name, everywhere that matters

const char *garden_lane_name(enum garden_lane lane)
{
    return (unsigned)lane < GARDEN_LANES ? lane_names[lane] : "unknown";
}

// One endpoint from a format with a text and the lane's name. False: it does not fit.
static bool lane_format(char out[GARDEN_ENDPOINT_SIZE], const char *before, const char *text,
                        const char *between, const char *name)
{
    const int size = snprintf(out, GARDEN_ENDPOINT_SIZE, "%s%s%s%s", before, text, between, name);
    return size > 0 && size < GARDEN_ENDPOINT_SIZE;
}

int garden_endpoints_local(struct garden_endpoints *out, const char *folder)
{
    for (size_t i = 0; i < GARDEN_LANES; i++) {
        if (!lane_format(out->of[i], "ipc://", folder, "/", lane_names[i])) return GARDEN_ERR_RANGE;
        if (strlen(out->of[i]) - strlen("ipc://") > LANE_IPC_PATH_MAX) return GARDEN_ERR_RANGE;
    }
    return GARDEN_OK;
}

void garden_endpoints_plain(struct garden_endpoints *out)
{
    for (size_t i = 0; i < GARDEN_LANES; i++)
        (void)lane_format(out->of[i], "ipc:///tmp/chaosgarden", "", "-", lane_names[i]); // fits
}

int garden_endpoints_tcp(struct garden_endpoints *out, const char *host, uint16_t base)
{
    if (base > UINT16_MAX - GARDEN_LANES + 1) return GARDEN_ERR_RANGE;
    for (size_t i = 0; i < GARDEN_LANES; i++) {
        char port[8];
        (void)snprintf(port, sizeof port, "%u", base ? (unsigned)(base + i) : 0u);
        if (!lane_format(out->of[i], "tcp://", host, ":", port)) return GARDEN_ERR_RANGE;
    }
    return GARDEN_OK;
}

int garden_endpoints_inproc(struct garden_endpoints *out, const char *prefix)
{
    for (size_t i = 0; i < GARDEN_LANES; i++)
        if (!lane_format(out->of[i], "inproc://", prefix, "-", lane_names[i]))
            return GARDEN_ERR_RANGE;
    return GARDEN_OK;
}
