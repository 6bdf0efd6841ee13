#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "../core/error.h"

// A stream for memory: it grows by itself, and remembers when that failed.
static void metrics_label(FILE *out, const char *text)
{
    (void)fputc('"', out); // whether all was written is asked at the end
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') (void)fputc('\\', out);
        if (*text == '\n')
            (void)fputs("\\n", out);
        else
            (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}

static void metrics_head(FILE *out, const char *name, const char *kind, const char *help)
{
    (void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void metrics_one(FILE *out, const char *name, const char *kind, const char *help,
                        uint64_t value)
{
    metrics_head(out, name, kind, help);
    (void)fprintf(out, "%s %" PRIu64 "\n", name, value);
}

static void metrics_server(FILE *out, const struct requests *requests)
{
    const struct garden_server_counters count = garden_server_counters(requests->server);
    metrics_one(out, "garden_uptime_seconds", "gauge", "How long the daemon has run.",
                (uv_hrtime() - requests->started_ns) / 1000000000);
    metrics_one(out, "garden_requests_total", "counter", "Requests that came.", count.requests);
    metrics_one(out, "garden_replies_total", "counter", "Replies that were given.", count.replies);
    metrics_one(out, "garden_malformed_requests_total", "counter",
                "Requests that could not be read.", count.errors);
    metrics_one(out, "garden_repeated_requests_total", "counter",
                "Requests answered from the record.", count.repeated);
    metrics_one(out, "garden_undeliverable_replies_total", "counter",
                "Replies whose client was gone.", count.undeliverable);
    metrics_one(out, "garden_events_total", "counter", "Events that were published.", count.events);
}

struct metrics_stream {
    const char *name, *help;
    uint64_t (*value)(const struct garden_capture_totals *totals);
};

static uint64_t metrics_offered(const struct garden_capture_totals *totals)
{
    return totals->offered;
}

static uint64_t metrics_captured(const struct garden_capture_totals *totals)
{
    return totals->captured;
}

static uint64_t metrics_overrun(const struct garden_capture_totals *totals)
{
    return totals->overrun;
}

static uint64_t metrics_bytes(const struct garden_capture_totals *totals)
{
    return totals->bytes;
}

struct metrics_each {
    FILE *out;
    const struct metrics_stream *metric;
};

static void metrics_stream(void *context, const char *uri,
                           const struct garden_capture_totals *totals)
{
    const struct metrics_each *each = context;
    (void)fprintf(each->out, "%s{stream=", each->metric->name);
    metrics_label(each->out, uri);
    (void)fprintf(each->out, "} %" PRIu64 "\n", each->metric->value(totals));
}

static void metrics_streams(FILE *out, const struct requests *requests)
{
    static const struct metrics_stream metrics[] = {
        {"garden_stream_offered_frames_total", "Frames that the source gave.", metrics_offered},
        {"garden_stream_captured_frames_total", "Frames that chunks hold.", metrics_captured},
        {"garden_stream_overrun_frames_total", "Frames that were lost, and counted.",
         metrics_overrun},
        {"garden_stream_captured_bytes_total", "Octets that chunks hold.", metrics_bytes},
    };
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        struct metrics_each each = {.out = out, .metric = &metrics[i]};
        metrics_head(out, metrics[i].name, "counter", metrics[i].help);
        if (requests->streams) streams_each(requests->streams, metrics_stream, &each);
    }
}

// What the lanes' sockets and their peers count.
static bool metrics_lanes(FILE *out, struct zmtp_uv *uv)
{
    const int64_t wanted = zmtp_uv_stats_prometheus(uv, NULL, 0);
    if (wanted < 0) return false;
    const size_t size = (size_t)wanted + 1;
    char *text = malloc(size);
    if (!text) return false;
    const bool whole = zmtp_uv_stats_prometheus(uv, text, size) == wanted;
    if (whole) (void)fwrite(text, 1, (size_t)wanted, out);
    free(text);
    return whole;
}

char *metrics_text(const struct requests *requests, const struct place *place, struct zmtp_uv *uv,
                   size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (!out) return NULL;
    metrics_server(out, requests);
    metrics_one(out, "garden_files_missing", "gauge",
                "Whether the run directory, staging or the state's folder is gone and cannot be "
                "made again; the log says which.",
                place->lost);
    metrics_one(out, "garden_run_directory_mended_total", "counter",
                "How often somebody had removed some of it, and it was made again.", place->mended);
    metrics_streams(out, requests);
    const bool whole = metrics_lanes(out, uv) && !ferror(out);
    if (fclose(out) == 0 && whole) return text;
    free(text);
    return NULL;
}
