#include "left.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct left_search {
    const struct garden_store *store;
    const char *uri; // null: any
    struct left best;
    size_t count, held;           // |held|: of those, which a process records
    char nameless[LEFT_RUN_SIZE]; // one that ended just before its manifest was removed
    char other[GARDEN_URI_MAX];   // of another stream; empty: there is none
};

static bool left_look(void *context, const char *run)
{
    struct left_search *search = context;
    struct garden_manifest manifest;
    if (strlen(run) >= sizeof search->best.run) return true;
    if (garden_recording_peek(search->store, run, &manifest, NULL) < 0) {
        memcpy(search->nameless, run, strlen(run) + 1);
        return true;
    }
    struct left *best = &search->best;
    if (!search->uri || strcmp(search->uri, manifest.stream_uri) == 0) {
        const bool newer = search->count == 0 || manifest.started_ns > best->started_ns;
        if (search->count > 0 && strcmp(best->uri, manifest.stream_uri) != 0)
            memcpy(search->other, newer ? best->uri : manifest.stream_uri, sizeof search->other);
        if (garden_recording_held(search->store, run)) search->held++;
        search->count++;
        if (newer) {
            memcpy(best->run, run, strlen(run) + 1);
            memcpy(best->uri, manifest.stream_uri, sizeof best->uri);
            best->started_ns = manifest.started_ns;
        }
    }
    garden_manifest_fini(&manifest);
    return true;
}

int left_find(const struct tool *tool, const struct garden_store *store, const char *uri,
              struct left *out)
{
    struct garden_error error;
    struct left_search search = {.store = store, .uri = uri};
    if (garden_recording_each_left(store, left_look, &search, &error) < 0)
        return tool_fail(tool, "%s", error.text);
    if (search.count == 0 && search.nameless[0] != '\0') {
        *out = (struct left){.uri = ""};
        memcpy(out->run, search.nameless, sizeof out->run);
        return TOOL_OK;
    }
    if (search.count == 0)
        return tool_fail(tool, "no capture%s%.200s was left in this store", uri ? " of " : "",
                         uri ? uri : "");
    if (search.other[0] != '\0')
        return tool_usage(tool, "captures of %.150s and of %.150s were left: name one with --uri",
                          search.best.uri, search.other);
    *out = search.best;
    return TOOL_OK;
}

void left_tell_unfinished(const struct tool *tool, const char *store)
{
    if (access(store, F_OK) != 0 && errno == ENOENT)
        (void)tool_fail(tool, "the store %s is gone, and what was captured with it", store);
    else
        (void)tool_fail(tool,
                        "leaving it unfinished; once the store can be written to, run: gardenctl "
                        "capture --recover --store %s",
                        store);
}

void left_tell_running(const struct tool *tool, const char *store, const char *uri)
{
    (void)tool_fail(tool,
                    "its stream goes on: 'gardenctl capture --resume --store %s' takes it up, "
                    "'gardenctl end-stream %s' ends it for --recover",
                    store, uri);
}

void left_tell_taken(const struct tool *tool, const struct garden_store *store, const char *folder,
                     const char *uri)
{
    struct left_search search = {.store = store, .uri = uri};
    (void)garden_recording_each_left(store, left_look, &search, NULL); // then there is none
    if (search.count > search.held && search.held == 0)
        (void)tool_fail(tool,
                        "an earlier capture of it was left in this store: 'gardenctl capture "
                        "--resume --store %s' goes on with it, 'gardenctl end-stream %s' ends it "
                        "for --recover",
                        folder, uri);
    else
        (void)tool_fail(tool,
                        "another process captures it%s: wait until that is done ('gardenctl top' "
                        "shows how far it is), or capture the same source under another name "
                        "(--uri %s-2)",
                        search.held > 0 ? " into this store" : " into another store, or did", uri);
}
