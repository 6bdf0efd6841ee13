#include "resources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../query.h"
#include "contents.h"
#include "jobs.h"
#include "recordings.h"
#include "streams.h"
#include "tools.h"

// ---- Those that there always are

struct resource {
    const char *uri, *name, *about, *mime_type;
    void (*read)(struct mcp_call *call);
};

static const char *resources_uri(const struct mcp_call *call)
{
    return json_string_value(json_object_get(call->params, "uri"));
}

static void resource_contents(struct mcp_call *call, json_t *contents)
{
    call_result(call, contents ? json_pack("{s:[o]}", "contents", contents) : NULL);
}

static void resource_text(struct mcp_call *call, const char *uri, const char *mime_type,
                          const char *text, size_t size)
{
    resource_contents(
        call, json_pack("{s:s, s:s, s:s%}", "uri", uri, "mimeType", mime_type, "text", text, size));
}

static void resource_json(struct mcp_call *call, const char *uri, json_t *json)
{
    size_t size;
    char *text = rpc_print(json, &size);
    json_decref(json);
    if (text)
        resource_text(call, uri, "application/json", text, size);
    else
        call_result(call, NULL);
    free(text);
}

static void resources_read_content(struct mcp_call *call, const char *variant, json_t *content,
                                   const json_t *metadata)
{
    (void)variant;
    (void)metadata;
    resource_json(call, resources_uri(call), json_incref(content));
}

static void resources_read_state(struct mcp_call *call)
{
    requests_send(call, GARDEN_CONTROL_REQUEST, "DebugDump", NULL, resources_read_content);
}

static void resources_read_transport(struct mcp_call *call)
{
    requests_send(call, GARDEN_SHELL_REQUEST, "GetTransportState", NULL, resources_read_content);
}

static void resources_read_regions(struct mcp_call *call)
{
    requests_send(call, GARDEN_SHELL_REQUEST, "GetRegions", json_pack("{s:n}", "range"),
                  resources_read_content);
}

static void resources_read_approvals(struct mcp_call *call)
{
    requests_send(call, GARDEN_SHELL_REQUEST, "GetPendingApprovals", NULL, resources_read_content);
}

static void resources_read_events(struct mcp_call *call)
{
    requests_send(call, GARDEN_SHELL_REQUEST, "GetEvents", json_pack("{s:i}", "from_seq", 0),
                  resources_read_content);
}

static void resources_read_schema(struct mcp_call *call)
{
    struct garden_buffer text;
    garden_buffer_init(&text, NULL, 0);
    if (garden_query_schema_print(garden_query_own_schema(), &text) == GARDEN_OK)
        resource_text(call, resources_uri(call), "application/graphql", (const char *)text.data,
                      text.size);
    else
        call_result(call, NULL);
    garden_buffer_fini(&text);
}

static const char resources_is_json[] = "application/json";
static const struct resource resources_fixed[] = {
    {"garden://state", "state", "All that the daemon tells of itself", resources_is_json,
     resources_read_state},
    {"garden://transport", "transport", "The playhead and the tempo", resources_is_json,
     resources_read_transport},
    {"garden://regions", "regions", "The timeline", resources_is_json, resources_read_regions},
    {"garden://approvals", "approvals", "Latent content that waits for a decision",
     resources_is_json, resources_read_approvals},
    {"garden://events", "events",
     "The oldest events that the daemon keeps; subscribe to hear of new ones", resources_is_json,
     resources_read_events},
    {"garden://schema", "schema", "What graph_query can ask", "application/graphql",
     resources_read_schema},
};
enum { RESOURCES_FIXED = sizeof resources_fixed / sizeof *resources_fixed };

static const struct resource *resources_find(const char *uri)
{
    for (size_t i = 0; i < RESOURCES_FIXED; i++)
        if (strcmp(resources_fixed[i].uri, uri) == 0) return &resources_fixed[i];
    return NULL;
}

// ---- Streams

static const char resources_stream[] = "garden://stream/";

void resource_stream_uri(const char *uri, char *out, size_t size)
{
    static const char plain[] = "-._~";
    size_t filled = (size_t)snprintf(out, size, "%s", resources_stream);
    for (; *uri && filled + 4 <= size; uri++) {
        const bool keeps = (*uri >= '0' && *uri <= '9') || (*uri >= 'a' && *uri <= 'z') ||
                           (*uri >= 'A' && *uri <= 'Z') || strchr(plain, *uri);
        filled += (size_t)snprintf(out + filled, size - filled, keeps ? "%c" : "%%%02X",
                                   (unsigned char)*uri);
    }
}

// The stream that |uri| is the resource of; null: there is none.
static const struct stream *resources_find_stream(const struct mcp *mcp, const char *uri)
{
    char own[3 * GARDEN_URI_MAX + 32];
    const struct stream *stream = mcp->streams ? streams_next(mcp->streams, NULL) : NULL;
    for (; stream; stream = streams_next(mcp->streams, stream)) {
        resource_stream_uri(stream_uri(stream), own, sizeof own);
        if (strcmp(own, uri) == 0) return stream;
    }
    return NULL;
}

// ---- Lists

// A page is made by a job, so that a large store holds up nobody. A cursor is the place
// where the next one begins: a number among what is not in the store, or HASH/NUMBER, an entry of a manifest's. So
// it costs the same wherever it is, and stays good when others come or go.
struct resources_page {
    struct job job;
    json_t *list;
    char next[GARDEN_HASH_TEXT_SIZE + 24]; // the cursor of the next one; empty: there is none
    uint64_t before;                       // entries of the first place that were on pages before
    bool in_store;                         // the first place is a manifest's
    struct garden_hash from;
    struct garden_store *store; // null: there is nothing in it
    struct garden_manifests walk;
};
enum { RESOURCES_PAGE = 100, RESOURCES_TURN_NS = 20000000 };

// False: |cursor| is none.
static bool resources_cursor(struct resources_page *page, const json_t *cursor)
{
    const char *text = json_string_value(cursor);
    const size_t size = GARDEN_HASH_TEXT_SIZE - 1;
    char hash[GARDEN_HASH_TEXT_SIZE], *end = NULL;
    if (!cursor) return true;
    if (!text) return false;
    if (strlen(text) > size && text[size] == '/') {
        (void)snprintf(hash, sizeof hash, "%.64s", text);
        if (garden_hash_parse(hash, &page->from) < 0) return false;
        page->in_store = true;
        text += size + 1;
    }
    if (text[0] < '0' || text[0] > '9') return false;
    page->before = strtoull(text, &end, 10);
    return *end == '\0';
}

// False: the page is full, and this is not on it.
static bool resources_page_add(struct resources_page *page, const char *uri, const char *name,
                               const char *about, const char *mime_type)
{
    if (json_array_size(page->list) == RESOURCES_PAGE) return false;
    (void)json_array_append_new(page->list,
                                json_pack("{s:s, s:s, s:s, s:s}", "uri", uri, "name", name,
                                          "description", about, "mimeType", mime_type));
    return true;
}

static bool resources_add_chunk(struct resources_page *page, const char *hash,
                                const struct garden_manifest *manifest, uint64_t number)
{
    char uri[160], name[64], about[100];
    const struct garden_manifest_chunk *chunk = &manifest->chunks[number];
    (void)snprintf(uri, sizeof uri, "garden://chunk/%s/%llu", hash, (unsigned long long)number);
    (void)snprintf(name, sizeof name, "chunk %llu", (unsigned long long)number);
    (void)snprintf(about, sizeof about, "%llu frames from %llu on",
                   (unsigned long long)chunk->sample_count,
                   (unsigned long long)chunk->first_sample);
    return resources_page_add(page, uri, name, about,
                              manifest->frame_size == 1 ? "audio/midi" : "audio/wav");
}

// The recording, and its chunks behind it. False: the page is full.
static bool resources_add_recording(struct resources_page *page, const struct garden_hash *hash,
                                    const struct garden_manifest *manifest)
{
    const bool first = page->in_store && garden_hash_equal(hash, &page->from);
    char text[GARDEN_HASH_TEXT_SIZE], uri[160], about[GARDEN_URI_MAX + 100];
    garden_hash_text(hash, text);
    (void)snprintf(uri, sizeof uri, "garden://manifest/%s", text);
    (void)snprintf(about, sizeof about, "A recording of %s: %llu frames in %zu chunks",
                   manifest->stream_uri, (unsigned long long)manifest->total_samples,
                   manifest->chunk_count);
    for (uint64_t i = first ? page->before : 0; i <= manifest->chunk_count; i++) {
        if (i == 0 ? resources_page_add(page, uri, "manifest", about, resources_is_json)
                   : resources_add_chunk(page, text, manifest, i - 1))
            continue;
        (void)snprintf(page->next, sizeof page->next, "%s/%llu", text, (unsigned long long)i);
        return false;
    }
    return true;
}

// What is not in the store. False: the page is full.
static bool resources_add_others(struct resources_page *page, const struct mcp *mcp)
{
    char uri[3 * GARDEN_URI_MAX + 32];
    const struct stream *stream = mcp->streams ? streams_next(mcp->streams, NULL) : NULL;
    bool room = true;
    uint64_t index = 0;
    for (; index < RESOURCES_FIXED && room; index += room)
        if (index >= page->before)
            room =
                resources_page_add(page, resources_fixed[index].uri, resources_fixed[index].name,
                                   resources_fixed[index].about, resources_fixed[index].mime_type);
    for (; stream && room; stream = streams_next(mcp->streams, stream), index += room) {
        if (index < page->before) continue;
        resource_stream_uri(stream_uri(stream), uri, sizeof uri);
        room = resources_page_add(page, uri, stream_uri(stream),
                                  "How the capture goes, or how it ended", resources_is_json);
    }
    if (!room) (void)snprintf(page->next, sizeof page->next, "%llu", (unsigned long long)index);
    return room;
}

static int resources_step(struct job *job, struct garden_error *error)
{
    struct resources_page *page = (struct resources_page *)job;
    const uint64_t until_ns = uv_hrtime() + RESOURCES_TURN_NS;
    struct garden_hash hash;
    struct garden_manifest manifest;
    while (!page->walk.over && uv_hrtime() < until_ns) {
        const int result = garden_manifests_step(&page->walk, &hash, &manifest, error);
        if (result < 0) return result;
        if (result == 0) continue;
        const bool room = resources_add_recording(page, &hash, &manifest);
        garden_manifest_fini(&manifest);
        if (!room) return 0;
    }
    job_progress(job, page->walk.folder, 256, "folders of the store");
    return !page->walk.over;
}

static void resources_end(struct job *job, bool done)
{
    struct resources_page *page = (struct resources_page *)job;
    json_t *result = done ? json_pack("{s:O}", "resources", page->list) : NULL;
    if (result && page->next[0])
        (void)json_object_set_new(result, "nextCursor", json_string(page->next));
    if (page->store) {
        garden_manifests_close(&page->walk);
        garden_store_close(page->store);
    }
    json_decref(page->list);
    if (done) call_result(job->call, result);
}

void resources_list(struct mcp_call *call)
{
    const struct streams *streams = call->mcp->streams;
    struct garden_error error = {.text = "There is no memory for a list"};
    struct resources_page *page = calloc(1, sizeof *page);
    if (!page || !(page->list = json_array())) {
        free(page);
        call_refuse(call, RPC_INTERNAL, "%s", error.text);
        return;
    }
    page->job = (struct job){.call = call, .step = resources_step, .end = resources_end};
    if (!resources_cursor(page, json_object_get(call->params, "cursor"))) {
        resources_end(&page->job, false);
        call_refuse(call, RPC_INVALID_PARAMS,
                    "Invalid params: cursor: expected the nextCursor of the page before");
    } else if ((page->in_store || resources_add_others(page, call->mcp)) && streams &&
               recordings_open(streams_store(streams), &page->store, &error) < 0) {
        resources_end(&page->job, false);
        call_refuse(call, RPC_INTERNAL, "%s", error.text);
    } else if (page->store) {
        garden_manifests_open(&page->walk, page->store, page->in_store ? &page->from : NULL);
        job_start(&page->job, call);
        return;
    } else {
        resources_end(&page->job, true);
    }
    free(page);
}

void resources_templates(struct mcp_call *call)
{
    static const struct {
        const char *uri, *name, *about, *mime_type;
    } templates[] = {
        {"garden://stream/{uri}", "stream", "How a capture of this server goes, by its uri",
         resources_is_json},
        {"garden://manifest/{hash}", "manifest",
         "A finished recording: its chunks, gaps and totals", resources_is_json},
        {"garden://chunk/{manifest}/{number}", "chunk", "A sealed chunk as a WAV file",
         "audio/wav"},
        {"garden://slice/{manifest}/{from}-{to}", "slice",
         "The frames [from, to) of a recording as a WAV file", "audio/wav"},
        {"garden://object/{hash}", "object", "An object of the store, as stream_slice makes them",
         "application/octet-stream"},
    };
    if (json_object_get(call->params, "cursor")) {
        call_refuse(call, RPC_INVALID_PARAMS,
                    "Invalid params: cursor: expected none, there is one page");
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "uriTemplate",
                                                    templates[i].uri, "name", templates[i].name,
                                                    "description", templates[i].about, "mimeType",
                                                    templates[i].mime_type));
    call_result(call, json_pack("{s:o}", "resourceTemplates", list));
}

// ---- Reading and subscribing

static void resources_refuse(struct mcp_call *call, const char *uri)
{
    if (uri)
        call_refuse(call, RPC_NO_RESOURCE, "Resource not found: %.200s", uri);
    else
        call_refuse(call, RPC_INVALID_PARAMS, "Invalid params: uri: expected a text");
}

void resources_read(struct mcp_call *call)
{
    const char *uri = resources_uri(call);
    const struct resource *resource = uri ? resources_find(uri) : NULL;
    const struct stream *stream = uri ? resources_find_stream(call->mcp, uri) : NULL;
    if (resource)
        resource->read(call);
    else if (stream)
        resource_json(call, uri, stream_json(stream));
    else if (!uri || !contents_read(call, uri))
        resources_refuse(call, uri);
}

// What does not change is not subscribed to.
void resources_subscribe(struct mcp_call *call)
{
    const char *uri = resources_uri(call);
    struct mcp_session *session = call->session;
    if (!uri || (!resources_find(uri) && !resources_find_stream(call->mcp, uri)))
        resources_refuse(call, uri);
    else if (json_object_size(session->subscriptions) >= session->mcp->limits.subscriptions_max)
        call_refuse(call, RPC_INVALID_PARAMS, "There are too many subscriptions already");
    else if (json_object_set_new(session->subscriptions, uri, json_true()) < 0)
        call_result(call, NULL);
    else
        call_result(call, json_object());
}

void resources_unsubscribe(struct mcp_call *call)
{
    const char *uri = resources_uri(call);
    if (!uri) {
        resources_refuse(call, uri);
        return;
    }
    (void)json_object_del(call->session->subscriptions,
                          uri); // one that is not there is gone already
    call_result(call, json_object());
}
