// The tools of recording: what they take and give. What they do is in streams.c and jobs.c.
#include <string.h>

#include "../capture.h"
#include "jobs.h"
#include "streams.h"
#include "tools.h"

// ---- stream_status

// One that another client captures, as the daemon tells of it.
static void stream_tools_read(struct mcp_call *call, const char *variant, json_t *content,
                              const json_t *metadata)
{
    (void)variant;
    (void)metadata;
    json_t *row = json_array_get(json_object_get(content, "rows"), 0);
    if (row)
        tool_done(call, json_incref(row));
    else
        tool_failed(call, "Neither this server nor the daemon has a stream of that uri.");
}

static void stream_tools_status(struct mcp_call *call, json_t *arguments)
{
    json_t *uri = json_object_get(arguments, "uri");
    const struct stream *stream =
        call->mcp->streams ? streams_find(call->mcp->streams, json_string_value(uri)) : NULL;
    if (stream) {
        tool_done(call, stream_json(stream));
        return;
    }
    requests_send(call, GARDEN_QUERY_REQUEST, "",
                  json_pack("{s:s, s:{s:O}}", "query",
                            "{ Stream { uri @output @filter(op: \"=\", value: [\"$uri\"]) status: "
                            "state @output chunk_count @output total_bytes: bytes @output "
                            "total_samples: captured @output lost_samples: overrun @output } }",
                            "variables", "uri", uri),
                  stream_tools_read);
}

// ---- What they take

#define STREAM_URI(text)                                                                           \
    {                                                                                              \
        .name = "uri", .type = MCP_TEXT, .about = text                                             \
    }

// As gardenctl has them, too.
#define STREAM_NAME                                                                                \
    {                                                                                              \
        .name = "uri", .type = MCP_TEXT, .optional = true,                                         \
        .about = "what the recording is called, such as stream://mic/take-1 "                      \
                 "(stream://SOURCE/main)"                                                          \
    }

static const char *const stream_tools_samples[] = {"f32", "s16", "s24", "s32",
                                                   "i16", "i24", "i32", NULL};
static const struct mcp_field stream_tools_audio[] = {
    {.name = "sample_rate",
     .type = MCP_INTEGER,
     .optional = true,
     .about = "in Hz",
     .min = 1,
     .max = GARDEN_SAMPLE_RATE_MAX},
    {.name = "channels",
     .type = MCP_INTEGER,
     .optional = true,
     .min = 1,
     .max = GARDEN_CHANNELS_MAX},
    {.name = "sample_format",
     .type = MCP_ENUM,
     .optional = true,
     .about = "as it is stored; i16 is s16 and so on",
     .values = stream_tools_samples},
    {0},
};
static const struct mcp_field stream_tools_nothing[] = {{0}};
static const struct mcp_choice stream_tools_formats[] = {
    {"audio", "Audio", "what is left out is as the source has it", stream_tools_audio},
    {"midi", "Midi", NULL, stream_tools_nothing},
    {0},
};

#define STREAM_SOURCE                                                                              \
    {.name = "device_identity",                                                                    \
     .type = MCP_TEXT,                                                                             \
     .optional = true,                                                                             \
     .about = "the daemon's source, by its name in daemon_status (default)"},                      \
        {.name = "format",                                                                         \
         .type = MCP_CHOICE,                                                                       \
         .optional = true,                                                                         \
         .about = "the source's own, if left out",                                                 \
         .choices = stream_tools_formats},                                                         \
    {                                                                                              \
        .name = "chunk_size_bytes", .type = MCP_INTEGER, .optional = true,                         \
        .about =                                                                                   \
            "octets of a chunk, after which the next begins (524288, or 1/4 s if that is more)",   \
        .min = 1, .max = 68719476736.0                                                             \
    }

static const struct mcp_field stream_tools_create[] = {STREAM_NAME, STREAM_SOURCE, {0}};
static const struct mcp_field stream_tools_capture[] = {
    STREAM_NAME,
    STREAM_SOURCE,
    {.name = "seconds",
     .type = MCP_REAL,
     .optional = true,
     .about = "how much of the stream, to the nearest frame; left out: until its source ends",
     .above_min = true,
     .max = 4294967295.0},
    {0},
};
static const struct mcp_field stream_tools_uri[] = {STREAM_URI("as stream_create was told"), {0}};
static const struct mcp_field stream_tools_state[] = {
    {.name = "uri", .type = MCP_TEXT},
    {.name = "status",
     .type = MCP_TEXT,
     .about = "starting, recording, stopping, sealing, stopped, or left when no manifest could be "
              "written"},
    {.name = "chunk_count", .type = MCP_INTEGER, .optional = true, .about = "sealed"},
    {.name = "total_bytes", .type = MCP_INTEGER, .optional = true},
    {.name = "total_samples", .type = MCP_INTEGER, .optional = true, .about = "captured frames"},
    {.name = "lost_samples",
     .type = MCP_INTEGER,
     .optional = true,
     .about = "frames that came and could not be captured; captured and lost are all that came"},
    {.name = "manifest_hash",
     .type = MCP_TEXT,
     .optional = true,
     .about = "the recording, for stream_slice and stream_verify"},
    {.name = "complete",
     .type = MCP_FLAG,
     .optional = true,
     .about = "the daemon confirmed the end"},
    {.name = "chunk_path", .type = MCP_TEXT, .optional = true, .about = "the file that is written"},
    {.name = "trouble", .type = MCP_TEXT, .optional = true, .about = "what went wrong last"},
    {0},
};

static const struct mcp_field stream_tools_absolute[] = {
    {.name = "timestamp", .type = MCP_TEXT, .about = "RFC 3339, after the capture began"}, {0}};
static const struct mcp_field stream_tools_relative[] = {
    {.name = "seconds_ago", .type = MCP_REAL, .about = "before the end", .max = 1e9}, {0}};
static const struct mcp_field stream_tools_position[] = {
    {.name = "position",
     .type = MCP_INTEGER,
     .about = "in frames from the start",
     .max = 9007199254740991.0},
    {0},
};
static const struct mcp_choice stream_tools_times[] = {
    {"absolute", "absolute", "a time of the clock", stream_tools_absolute},
    {"relative", "relative", "so many seconds before what is sealed ends", stream_tools_relative},
    {"sampleposition", "sampleposition", NULL, stream_tools_position},
    {"streamstart", "streamstart", NULL, stream_tools_nothing},
    {"streamhead", "streamhead", "the end of what is sealed", stream_tools_nothing},
    {0},
};
static const char *const stream_tools_outputs[] = {"materialize", "virtual", NULL};
static const struct mcp_field stream_tools_slice[] = {
    {.name = "stream_uri",
     .type = MCP_TEXT,
     .optional = true,
     .about = "the newest recording of this stream, as far as it is sealed"},
    {.name = "manifest_hash",
     .type = MCP_HASH,
     .optional = true,
     .about = "instead of stream_uri: a finished recording"},
    {.name = "from", .type = MCP_CHOICE, .about = "the first frame", .choices = stream_tools_times},
    {.name = "to",
     .type = MCP_CHOICE,
     .about = "the frame behind the last",
     .choices = stream_tools_times},
    {.name = "output",
     .type = MCP_ENUM,
     .optional = true,
     .about =
         "materialize: a WAV file (the default); virtual: where the octets are, without a copy",
     .values = stream_tools_outputs},
    {0},
};
static const struct mcp_field stream_tools_sliced[] = {
    {.name = "content_hash",
     .type = MCP_TEXT,
     .about = "an object of the store; read it as garden://object/HASH"},
    {.name = "sample_range", .type = MCP_INTEGERS, .about = "[from, to) in frames"},
    {.name = "source_chunks", .type = MCP_TEXTS, .about = "hashes of the chunks it is made of"},
    {.name = "mime_type", .type = MCP_TEXT},
    {.name = "lost_samples", .type = MCP_INTEGER, .about = "frames of it that are silence"},
    {0},
};
static const struct mcp_field stream_tools_hash[] = {
    {.name = "manifest_hash", .type = MCP_HASH, .about = "as stream_stop gave it"}, {0}};
static const struct mcp_field stream_tools_verified[] = {
    {.name = "verified",
     .type = MCP_FLAG,
     .about = "true; else the tool fails and says what is damaged"},
    {.name = "manifest_hash", .type = MCP_TEXT},
    {.name = "stream_uri", .type = MCP_TEXT},
    {.name = "chunk_count", .type = MCP_INTEGER},
    {.name = "total_samples", .type = MCP_INTEGER},
    {.name = "total_bytes", .type = MCP_INTEGER},
    {.name = "lost_samples", .type = MCP_INTEGER},
    {.name = "complete", .type = MCP_FLAG, .about = "the daemon confirmed the end"},
    {0},
};

const struct mcp_tool tools_streams[] = {
    {.name = "stream_create",
     .title = "Begin to record",
     .about =
         "Begins to capture a source of the daemon into the store, and returns once it records. "
         "It goes on until stream_stop, also when its source ends; chunks are sealed as they "
         "fill. For a recording of known length stream_capture is simpler.",
     .input = stream_tools_create,
     .output = stream_tools_state,
     .run = streams_create},
    {.name = "stream_capture",
     .title = "Record for a while",
     .about =
         "Captures a source for some seconds, or until it ends, and returns the manifest's hash "
         "when all is sealed. Tells its progress. Cancelling it stops the capture; what was "
         "captured until then is sealed and stays in the store.",
     .input = stream_tools_capture,
     .output = stream_tools_state,
     .run = streams_capture},
    {.name = "stream_stop",
     .title = "Stop recording",
     .about =
         "Stops a capture, waits until all of it is sealed, and gives the hash of its manifest "
         "and the exact totals: captured and lost frames are all that came. Asked again, it "
         "gives the same.",
     .input = stream_tools_uri,
     .output = stream_tools_state,
     .hints = MCP_REPEATS,
     .run = streams_end},
    {.name = "stream_status",
     .title = "How a recording goes",
     .about =
         "Tells how far a capture is, or how it ended: frames captured and lost, sealed chunks. "
         "Also of streams that other clients capture, as far as the daemon knows.",
     .input = stream_tools_uri,
     .output = stream_tools_state,
     .hints = MCP_READS,
     .run = stream_tools_status},
    {.name = "stream_slice",
     .title = "Cut a part out",
     .about =
         "Makes a WAV file (of MIDI, plain octets) of the part [from, to) of a recording, also "
         "of one under way as far as it is sealed, bit for bit as it was captured, and puts it "
         "into the store. Positions are frames, seconds before the end, or times of the clock. "
         "Read the result as the resource garden://object/HASH.",
     .input = stream_tools_slice,
     .output = stream_tools_sliced,
     .hints = MCP_REPEATS,
     .run = jobs_slice},
    {.name = "stream_verify",
     .title = "Verify a recording",
     .about =
         "Reads every chunk of a finished recording again and compares it with its hash; fails "
         "and names the first that is missing or damaged.",
     .input = stream_tools_hash,
     .output = stream_tools_verified,
     .hints = MCP_READS,
     .run = jobs_verify},
    {0},
};
