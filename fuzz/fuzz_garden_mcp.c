// What a client of garden-mcp sends: any octets as lines, in a session of any version, without a daemon. Every
// line is answered with JSON or with nothing, octets in pieces give what they give as a whole, and nothing is
// under way afterwards.
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fuzz.h"

#include "garden/mcp/lines.h"
#include "garden/mcp/mcp.h"

struct mcp_run {
    struct mcp mcp;
    struct mcp_session session;
    struct lines lines;
    struct garden_buffer said;
    bool reads; // what it says, too: the other run has to say the same octets, so one of them does
};

// Whether a text this long was said before, octet for octet: the lists of tools and their schemas are the same
// each time, and reading 60 KB again and again is no search for anything.
static bool mcp_said_before(const char *text, size_t size)
{
    enum { KEPT = 16, LONG = 2048 };
    static struct garden_buffer kept[KEPT];
    static size_t next;
    if (size < LONG) return false;
    for (size_t i = 0; i < KEPT; i++)
        if (kept[i].size == size && memcmp(kept[i].data, text, size) == 0) return true;
    garden_buffer_fini(&kept[next]);
    garden_buffer_init(&kept[next], NULL, 0);
    (void)garden_buffer_append(&kept[next], text, size); // without memory it is read again
    next = (next + 1) % KEPT;
    return false;
}

static void mcp_say(struct mcp_run *run, const json_t *message)
{
    size_t size = 0;
    char *text = rpc_print(message, &size);
    char why[256];
    json_t *id;
    fuzz_check(text != NULL);
    if (run->reads && !mcp_said_before(text, size)) {
        json_t *again = rpc_parse(zmtp_bytes_of((const uint8_t *)text, size), why, sizeof why, &id);
        fuzz_check(again != NULL && json_equal(again, message));
        json_decref(again);
    }
    (void)garden_buffer_append(&run->said, text, size);
    free(text);
}

static void mcp_answered(void *user, const json_t *answer)
{
    if (!answer) return;
    const json_t *one = json_is_array(answer) ? json_array_get(answer, 0) : answer;
    fuzz_check((json_object_get(one, "result") == NULL) != (json_object_get(one, "error") == NULL));
    fuzz_check(json_object_get(one, "id") != NULL);
    mcp_say(user, answer);
}

static void mcp_told(struct mcp_session *session, struct mcp_exchange *exchange,
                     const json_t *message)
{
    (void)exchange;
    fuzz_check(json_object_get(message, "method") != NULL);
    mcp_say(session->user, message);
}

static void mcp_line(void *user, struct zmtp_bytes line, bool whole)
{
    struct mcp_run *run = user;
    if (whole) fuzz_check(mcp_receive(&run->session, line, mcp_answered, run) == NULL);
}

static void mcp_play(struct mcp_run *run, struct zmtp_bytes in, size_t piece, bool reads)
{
    enum { LINE_MAX_OCTETS = 4096, SAID_MAX = 64 * 1024 * 1024 };
    memset(run, 0, sizeof *run);
    run->reads = reads;
    mcp_init(&run->mcp, NULL);
    run->session.notify = mcp_told;
    run->session.user = run;
    garden_buffer_init(&run->said, NULL, SAID_MAX);
    lines_init(&run->lines, LINE_MAX_OCTETS, mcp_line, run);
    fuzz_check(session_open(&run->mcp, &run->session) == GARDEN_OK);
    if (in.size > 0) {
        run->session.version = in.data[0] % (MCP_2025_11_25 + 1);
        run->session.ready = run->session.version != MCP_NONE;
    }
    for (size_t at = in.size > 0; at < in.size; at += piece)
        lines_put(&run->lines,
                  zmtp_bytes_of(in.data + at, in.size - at < piece ? in.size - at : piece));
    lines_end(&run->lines);
    fuzz_check(run->session.call_count == 0 && run->session.calls == NULL);
    session_close(&run->session);
    lines_fini(&run->lines);
    fuzz_check(run->mcp.sessions == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mcp_run whole, split;
    json_object_seed(1); // the same order each time
    mcp_play(&whole, zmtp_bytes_of(data, size), SIZE_MAX / 2, true);
    mcp_play(&split, zmtp_bytes_of(data, size), 7, false);
    fuzz_check(whole.said.size == split.said.size);
    fuzz_check(whole.said.size == 0 ||
               memcmp(whole.said.data, split.said.data, whole.said.size) == 0);
    garden_buffer_fini(&whole.said);
    garden_buffer_fini(&split.said);
    return 0;
}
