#include "http.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/error.h"
#include "../http/httpd.h"
#include "headers.h"
#include "outbox.h"

enum {
    HTTP_CONNECTIONS_MAX = 128,
    HTTP_BEAT_MS = 10000, // how often a quiet stream says that it lives
    HTTP_BLOCK = 32 * 1024,
    HTTP_ID_SIZE = 33,
};

struct http_session {
    struct mcp_session session;
    struct http *http;
    struct http_session *next;
    char id[HTTP_ID_SIZE];
    struct outbox outbox;
    uint64_t told;               // the last number that a stream took
    bool over;                   // it ends just now
    struct http_request *stream; // of a GET; null: none
    int64_t used_ms;
};

enum http_phase {
    HTTP_READING,
    HTTP_WAITING,   // for the answer; the connection is suspended
    HTTP_ANSWERED,  // by |answer|, which is still to be sent
    HTTP_STREAMING, // events, as they come
    HTTP_OVER,
};
// One request, as long as libmicrohttpd knows it.
struct http_request {
    struct http *http;
    struct http_request *next, **at; // all of them
    struct MHD_Connection *connection;
    enum http_phase phase;
    bool suspended;
    bool inside;   // mcp_receive is under way
    bool stranger; // whose body is not kept: it is refused when it has come
    bool too_large;
    bool ended; // nothing more comes on its stream
    struct garden_buffer body;
    struct http_session *session;  // of a stream of a GET; null: it has gone
    struct mcp_exchange *exchange; // that it waits for
    struct outbox_stream stream;
    char *answer; // of |answer_size| octets; null: there is none
    size_t answer_size;
    bool answer_is_error;
    bool answer_is_nobodys; // an error of something that was no request
    bool orphan;            // its session ended first
};

struct http {
    struct http_config config;
    struct httpd *httpd;
    struct http_session *sessions;
    struct http_request *requests;
    uv_timer_t beat;
    bool closing;
};

// ---- Answers

static const char *http_header(const struct http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static bool http_origin_right(const struct http_request *request);

// Sends it, and lets a page that may ask read it. Without |response| there was no memory: the connection closes.
static enum MHD_Result http_queue(struct http_request *request, unsigned status,
                                  struct MHD_Response *response)
{
    const char *origin = http_header(request, "Origin");
    if (!response) return MHD_NO;
    if (origin && http_origin_right(request)) {
        (void)MHD_add_response_header(response, "Access-Control-Allow-Origin", origin);
        (void)MHD_add_response_header(response, "Access-Control-Expose-Headers", "Mcp-Session-Id");
        (void)MHD_add_response_header(response, "Vary", "Origin");
    }
    const enum MHD_Result result = MHD_queue_response(request->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

// The last answer to it: a constant text, with a header unless |name| is null.
static enum MHD_Result http_say(struct http_request *request, unsigned status, char *text,
                                const char *name, const char *value)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_PERSISTENT);
    request->phase = HTTP_OVER;
    if (response && text[0])
        (void)MHD_add_response_header(response, "Content-Type", "text/plain; charset=utf-8");
    if (response && name) (void)MHD_add_response_header(response, name, value);
    return http_queue(request, status, response);
}

static enum MHD_Result http_refuse(struct http_request *request, unsigned status, char *text)
{
    return http_say(request, status, text, NULL, NULL);
}

static void http_wake(struct http_request *request)
{
    if (!request->suspended) return;
    request->suspended = false;
    httpd_resume(request->http->httpd, request->connection);
}

// ---- Sessions

static int64_t http_now(const struct http *http)
{
    return (int64_t)uv_now(http->config.mcp->loop);
}

// Its stream ends, and its calls.
static void http_session_end(struct http_session *session)
{
    struct http_session **at = &session->http->sessions;
    while (*at != session)
        at = &(*at)->next;
    *at = session->next;
    if (session->stream) {
        session->stream->session = NULL;
        session->stream->ended = true;
        http_wake(session->stream);
    }
    session->over = true;
    session_close(&session->session);
    outbox_fini(&session->outbox);
    free(session);
}

// What nobody asked for: to the stream of the request that it is about, or of the session; and kept for a while.
static void http_notify(struct mcp_session *own, struct mcp_exchange *exchange,
                        const json_t *message)
{
    struct http_session *session = own->user;
    struct http_request *request = exchange && exchange->ended ? exchange->user : NULL;
    if (exchange && (!request || request->phase != HTTP_STREAMING)) return; // nobody can hear it
    const uint64_t number = exchange ? 0 : outbox_put(&session->outbox, message);
    size_t size = 0;
    char *text = exchange ? rpc_print(message, &size) : NULL;
    const char *kept = exchange ? text : outbox_get(&session->outbox, number);
    if (!exchange) request = session->stream;
    // A stream that cannot take it is ended: its client comes again and tells what it had last.
    if (request && kept && outbox_stream_put(&request->stream, number, kept) < 0)
        request->ended = true;
    if (request && !exchange) session->told = number;
    if (request) http_wake(request);
    free(text);
}

// Makes room: the session that was quiet for longest, and has no stream or call, goes.
static bool http_make_room(struct http *http)
{
    struct http_session *oldest = NULL;
    uint32_t count = 0;
    for (struct http_session *session = http->sessions; session; session = session->next) {
        count++;
        if (session->stream || session->session.call_count > 0) continue;
        if (!oldest || session->used_ms < oldest->used_ms) oldest = session;
    }
    if (count < http->config.sessions_max) return true;
    if (oldest) http_session_end(oldest);
    return oldest != NULL;
}

static struct http_session *http_session_begin(struct http *http)
{
    uint8_t random[(HTTP_ID_SIZE - 1) / 2];
    struct http_session *session = http_make_room(http) ? calloc(1, sizeof *session) : NULL;
    if (!session) return NULL;
    randombytes_buf(random, sizeof random);
    (void)sodium_bin2hex(session->id, sizeof session->id, random, sizeof random);
    session->http = http;
    session->used_ms = http_now(http);
    session->session.notify = http_notify;
    session->session.user = session;
    outbox_init(&session->outbox);
    if (session_open(http->config.mcp, &session->session) < 0) {
        free(session);
        return NULL;
    }
    session->next = http->sessions;
    http->sessions = session;
    return session;
}

static struct http_session *http_session_find(struct http *http, const char *id)
{
    struct http_session *session = http->sessions;
    while (session && strcmp(session->id, id) != 0)
        session = session->next;
    if (session) session->used_ms = http_now(http);
    return session;
}

// ---- Streams of events

static ssize_t http_read_stream(void *user, uint64_t position, char *out, size_t size)
{
    struct http_request *request = user;
    (void)position;
    const size_t count = outbox_stream_take(&request->stream, out, size);
    if (count > 0) return (ssize_t)count;
    if (request->ended || request->http->closing) return MHD_CONTENT_READER_END_OF_STREAM;
    request->suspended = true;
    MHD_suspend_connection(request->connection);
    return 0;
}

static enum MHD_Result http_stream(struct http_request *request, const char *session_id)
{
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, HTTP_BLOCK, http_read_stream, request, NULL);
    if (!response) return MHD_NO; // the connection closes
    request->phase = HTTP_STREAMING;
    (void)MHD_add_response_header(response, "Content-Type", "text/event-stream");
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    if (session_id) (void)MHD_add_response_header(response, "Mcp-Session-Id", session_id);
    return http_queue(request, MHD_HTTP_OK, response);
}

// A client that has gone is found by writing to it.
static void http_beat(uv_timer_t *timer)
{
    const struct http *http = timer->data;
    for (struct http_request *request = http->requests; request; request = request->next) {
        if (request->phase != HTTP_STREAMING || !request->suspended) continue;
        outbox_stream_beat(&request->stream);
        http_wake(request);
    }
}

// ---- GET and DELETE

static bool http_accepts(const struct http_request *request, const char *type)
{
    return header_accepts(http_header(request, "Accept"), type);
}

// Goes on behind the event that the client had last, or behind what a stream took last.
static enum MHD_Result http_get(struct http_request *request, struct http_session *session)
{
    static char no_stream[] = "Accept: expected text/event-stream.\n";
    const char *last = http_header(request, "Last-Event-ID");
    if (!http_accepts(request, "text/event-stream"))
        return http_refuse(request, MHD_HTTP_NOT_ACCEPTABLE, no_stream);
    struct http_request *old = session->stream;
    if (old) { // which nobody may read any more
        old->session = NULL;
        old->ended = true;
        http_wake(old);
    }
    if (last && last[0] >= '0' && last[0] <= '9') {
        const uint64_t number = strtoull(last, NULL, 10);
        if (number < session->outbox.next) session->told = number;
    }
    if (session->told + 1 < session->outbox.oldest) session->told = session->outbox.oldest - 1;
    while (session->told + 1 < session->outbox.next) {
        const char *text = outbox_get(&session->outbox, ++session->told);
        if (text) (void)outbox_stream_put(&request->stream, session->told, text); // it is bounded
    }
    outbox_stream_beat(&request->stream); // so that the head goes out
    session->stream = request;
    request->session = session;
    return http_stream(request, NULL);
}

static enum MHD_Result http_delete(struct http_request *request, struct http_session *session)
{
    static char done[] = "";
    http_session_end(session);
    return http_refuse(request, MHD_HTTP_NO_CONTENT, done);
}

// ---- POST

// Called once all that came together is answered.
static void http_ended(void *user, const json_t *answer)
{
    struct http_request *request = user;
    const struct http_session *session =
        request->exchange ? request->exchange->session->user : NULL;
    request->orphan = session && session->over;
    request->exchange = NULL;
    request->answer = answer ? rpc_print(answer, &request->answer_size) : NULL;
    request->answer_is_error = json_object_get(answer, "error") != NULL;
    request->answer_is_nobodys =
        request->answer_is_error && json_is_null(json_object_get(answer, "id"));
    if (request->inside) return;
    if (request->phase == HTTP_STREAMING) {
        if (request->answer) (void)outbox_stream_put(&request->stream, 0, request->answer);
        request->ended = true; // without an answer, too: then it was cancelled, or has no room
    } else {
        request->phase = HTTP_ANSWERED;
    }
    http_wake(request);
}

// Sends what there is to send, as JSON.
static enum MHD_Result http_answer(struct http_request *request, unsigned status,
                                   const char *session_id)
{
    static char none[] = "";
    char *text = request->answer;
    request->phase = HTTP_OVER;
    request->answer = NULL;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(text ? request->answer_size : 0, text ? text : none,
                                        text ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!response) {
        free(text);
        return MHD_NO;
    }
    if (text) (void)MHD_add_response_header(response, "Content-Type", "application/json");
    if (session_id) (void)MHD_add_response_header(response, "Mcp-Session-Id", session_id);
    return http_queue(request, text ? status : (unsigned)MHD_HTTP_ACCEPTED, response);
}

static bool http_wants_progress(const struct http_session *session,
                                const struct mcp_exchange *exchange)
{
    for (const struct mcp_call *call = session->session.calls; call; call = call->next)
        if (call->exchange == exchange && call->progress) return true;
    return false;
}

static enum MHD_Result http_receive(struct http_request *request, struct http_session *session,
                                    bool fresh)
{
    request->inside = true;
    request->exchange =
        mcp_receive(&session->session, garden_buffer_bytes(&request->body), http_ended, request);
    request->inside = false;
    if (!request->exchange) {
        // What has not led to a session leaves none.
        const bool begun = session->session.version != MCP_NONE;
        // What is no request is not accepted; a request is, and may be answered with an error.
        const bool bad = request->answer_is_nobodys || (fresh && request->answer_is_error);
        const unsigned status = bad ? MHD_HTTP_BAD_REQUEST : MHD_HTTP_OK;
        const enum MHD_Result result =
            http_answer(request, status, fresh && begun ? session->id : NULL);
        if (fresh && !begun) http_session_end(session);
        return result;
    }
    if (http_wants_progress(session, request->exchange)) {
        outbox_stream_beat(&request->stream);
        return http_stream(request, NULL);
    }
    request->phase = HTTP_WAITING;
    request->suspended = true;
    MHD_suspend_connection(request->connection);
    return MHD_YES;
}

static enum MHD_Result http_post(struct http_request *request, struct http_session *session)
{
    static char no_type[] = "Content-Type: expected application/json.\n",
                no_accept[] = "Accept: expected application/json and text/event-stream.\n",
                too_large[] = "The message is too large (garden-mcp --message-max).\n",
                no_room[] = "There are too many sessions; end one of them.\n";
    if (!header_is_type(http_header(request, "Content-Type"), "application/json"))
        return http_refuse(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, no_type);
    if (!http_accepts(request, "application/json") || !http_accepts(request, "text/event-stream"))
        return http_refuse(request, MHD_HTTP_NOT_ACCEPTABLE, no_accept);
    if (request->too_large) return http_refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, too_large);
    const bool fresh = !session;
    if (fresh) session = http_session_begin(request->http);
    if (!session) return http_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, no_room);
    return http_receive(request, session, fresh);
}

// ---- Who may ask

static bool http_origin_allowed(const struct http *http, const char *origin)
{
    const char *const *allowed = http->config.origins;
    for (size_t i = 0; i < HTTP_ORIGINS_MAX && allowed[i]; i++)
        if (strcmp(allowed[i], origin) == 0) return true;
    if (strncmp(origin, "http://", 7) == 0) return httpd_is_loopback(origin + 7);
    return strncmp(origin, "https://", 8) == 0 && httpd_is_loopback(origin + 8);
}

static bool http_origin_right(const struct http_request *request)
{
    const char *origin = http_header(request, "Origin");
    return !origin || http_origin_allowed(request->http, origin);
}

// A name that leads here by somebody else's doing is not one of ours.
static bool http_host_right(const struct http_request *request)
{
    const char *host = http_header(request, "Host");
    return host && httpd_is_loopback(host);
}

static bool http_token_right(const struct http *http, const char *given)
{
    static const char scheme[] = "Bearer ";
    const size_t size = strlen(http->config.token);
    if (!given || strncasecmp(given, scheme, sizeof scheme - 1) != 0) return false;
    given += sizeof scheme - 1;
    return strlen(given) == size && sodium_memcmp(given, http->config.token, size) == 0;
}

static enum MHD_Result http_unauthorized(struct http_request *request)
{
    static char text[] = "Authorization: expected Bearer and the token of --token-file.\n";
    return http_say(request, MHD_HTTP_UNAUTHORIZED, text, "WWW-Authenticate", "Bearer");
}

// A browser asks, without the token, whether a page may ask (CORS, preflight).
static enum MHD_Result http_preflight(struct http_request *request)
{
    static char none[] = "";
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, none, MHD_RESPMEM_PERSISTENT);
    request->phase = HTTP_OVER;
    if (!response) return MHD_NO;
    (void)MHD_add_response_header(response, "Access-Control-Allow-Methods", "POST, GET, DELETE");
    (void)MHD_add_response_header(response, "Access-Control-Allow-Headers",
                                  "Authorization, Content-Type, Mcp-Session-Id, "
                                  "Mcp-Protocol-Version, Last-Event-ID");
    (void)MHD_add_response_header(response, "Access-Control-Max-Age", "600");
    return http_queue(request, MHD_HTTP_NO_CONTENT, response);
}

// What is asked of the session that it names; a POST may begin one.
static enum MHD_Result http_route(struct http_request *request, const char *method)
{
    static char no_method[] = "POST, GET and DELETE are allowed.\n",
                no_id[] = "Mcp-Session-Id: expected the one that initialize gave.\n",
                no_session[] = "There is no such session any more: initialize anew.\n",
                no_version[] = "MCP-Protocol-Version: expected one that is spoken here.\n";
    const bool post = strcmp(method, "POST") == 0, get = strcmp(method, "GET") == 0;
    const char *id = http_header(request, "Mcp-Session-Id");
    const char *version = http_header(request, "MCP-Protocol-Version");
    struct http_session *session = id ? http_session_find(request->http, id) : NULL;
    if (!post && !get && strcmp(method, "DELETE") != 0)
        return http_say(request, MHD_HTTP_METHOD_NOT_ALLOWED, no_method, "Allow",
                        "POST, GET, DELETE");
    if (version && session_version_find(version) == MCP_NONE)
        return http_refuse(request, MHD_HTTP_BAD_REQUEST, no_version);
    if (id && !session) return http_refuse(request, MHD_HTTP_NOT_FOUND, no_session);
    if (post) return http_post(request, session);
    if (!session) return http_refuse(request, MHD_HTTP_BAD_REQUEST, no_id);
    return get ? http_get(request, session) : http_delete(request, session);
}

static enum MHD_Result http_judge(struct http_request *request, const char *path,
                                  const char *method)
{
    static char no_host[] = "Host: expected an address of loopback.\n",
                no_origin[] = "Origin: this page may not ask (garden-mcp --allow-origin).\n",
                no_path[] = "There is /mcp.\n";
    if (!http_host_right(request)) return http_refuse(request, MHD_HTTP_FORBIDDEN, no_host);
    if (!http_origin_right(request)) return http_refuse(request, MHD_HTTP_FORBIDDEN, no_origin);
    if (strcmp(method, "OPTIONS") == 0 && http_header(request, "Access-Control-Request-Method"))
        return http_preflight(request);
    if (request->stranger) return http_unauthorized(request);
    if (strcmp(path, "/mcp") != 0) return http_refuse(request, MHD_HTTP_NOT_FOUND, no_path);
    return http_route(request, method);
}

// ---- libmicrohttpd's calls

static struct http_request *http_request_begin(struct http *http, struct MHD_Connection *connection)
{
    struct http_request *request = calloc(1, sizeof *request);
    if (!request) return NULL;
    request->http = http;
    request->connection = connection;
    garden_buffer_init(&request->body, NULL, http->config.mcp->limits.message_max);
    outbox_stream_init(&request->stream);
    request->next = http->requests;
    request->at = &http->requests;
    if (request->next) request->next->at = &request->next;
    http->requests = request;
    return request;
}

static enum MHD_Result http_asked(void *user, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    static char ended[] = "The session ended before the answer: initialize anew.\n";
    struct http *http = user;
    struct http_request *request = *state;
    (void)version;
    if (!request) { // the head came; the answer waits for the end of the request
        *state = request = http_request_begin(http, connection);
        if (!request) return MHD_NO;
        request->stranger = !http_host_right(request) || !http_origin_right(request) ||
                            !http_token_right(http, http_header(request, "Authorization"));
        return MHD_YES;
    }
    if (*upload_size > 0) {
        if (!request->stranger && garden_buffer_append(&request->body, upload, *upload_size) < 0)
            request->too_large = true;
        *upload_size = 0;
        return MHD_YES;
    }
    switch (request->phase) {
    case HTTP_READING:
        return http->closing ? MHD_NO : http_judge(request, path, method);
    case HTTP_ANSWERED:
        return request->orphan ? http_refuse(request, MHD_HTTP_NOT_FOUND, ended)
                               : http_answer(request, MHD_HTTP_OK, NULL);
    case HTTP_WAITING:
        return http->closing ? MHD_NO : MHD_YES;
    case HTTP_STREAMING:
    case HTTP_OVER:
        break;
    }
    return MHD_YES;
}

static void http_completed(void *user, struct MHD_Connection *connection, void **state,
                           enum MHD_RequestTerminationCode how)
{
    struct http_request *request = *state;
    (void)user;
    (void)connection;
    (void)how;
    *state = NULL;
    if (!request) return;
    mcp_exchange_forget(request->exchange);
    if (request->session && request->session->stream == request) request->session->stream = NULL;
    *request->at = request->next;
    if (request->next) request->next->at = request->at;
    garden_buffer_fini(&request->body);
    outbox_stream_fini(&request->stream);
    free(request->answer);
    free(request);
}

// ---- Life

uint16_t http_port(const struct http *http)
{
    return httpd_port(http->httpd);
}

static void http_closed(void *user)
{
    free(user);
}

static void http_beat_closed(uv_handle_t *handle)
{
    const struct http *http = handle->data;
    httpd_close(http->httpd);
}

void http_close(struct http *http)
{
    if (!http) return;
    http->closing = true;
    while (http->sessions)
        http_session_end(http->sessions);
    // None may be suspended when the server stops.
    for (struct http_request *request = http->requests; request; request = request->next)
        http_wake(request);
    uv_close((uv_handle_t *)&http->beat, http_beat_closed);
}

int http_open(struct http **out, const struct http_config *config, struct garden_error *error)
{
    struct http *http = calloc(1, sizeof *http);
    *out = NULL;
    if (!http) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for HTTP");
    http->config = *config;
    const struct httpd_config httpd = {
        .loop = config->mcp->loop,
        .address = config->address,
        .port_usual = 7500,
        .connections_max = HTTP_CONNECTIONS_MAX,
        .request = http_asked,
        .completed = http_completed,
        .closed = http_closed,
        .user = http,
    };
    const int result = httpd_open(&http->httpd, &httpd, error);
    if (result < 0) {
        free(http);
        return result;
    }
    (void)uv_timer_init(config->mcp->loop, &http->beat); // does not fail
    http->beat.data = http;
    (void)uv_timer_start(&http->beat, http_beat, HTTP_BEAT_MS, HTTP_BEAT_MS);
    *out = http;
    return GARDEN_OK;
}

// ---- The token

static int http_token_make(const char *path, char out[HTTP_TOKEN_SIZE], struct garden_error *error)
{
    uint8_t random[32];
    randombytes_buf(random, sizeof random);
    (void)sodium_bin2hex(out, HTTP_TOKEN_SIZE, random, sizeof random);
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return garden__fail(error, GARDEN_ERR_SYSTEM, "--token-file %.120s cannot be made: %s",
                            path, strerror(errno));
    const size_t size = strlen(out);
    const bool written =
        write(file, out, size) == (ssize_t)size && write(file, "\n", 1) == 1 && fsync(file) == 0;
    if (close(file) == 0 && written) return GARDEN_OK;
    (void)unlink(path); // half a token is none
    return garden__fail(error, GARDEN_ERR_SYSTEM, "--token-file %.120s cannot be written", path);
}

int http_token(const char *path, char out[HTTP_TOKEN_SIZE], struct garden_error *error)
{
    struct stat status;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 && errno == ENOENT) return http_token_make(path, out, error);
    if (file < 0)
        return garden__fail(error, GARDEN_ERR_SYSTEM, "--token-file %.120s cannot be read: %s",
                            path, strerror(errno));
    const bool own =
        fstat(file, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 077) == 0;
    char text[HTTP_TOKEN_SIZE + 1]; // one more octet tells a token that is too long
    const ssize_t size = own ? read(file, text, sizeof text - 1) : 0;
    (void)close(file); // nothing was written
    if (!own)
        return garden__fail(error, GARDEN_ERR_ACCESS,
                            "--token-file %.120s: others may read it; chmod 600 it", path);
    text[size > 0 ? size : 0] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    const size_t length = strlen(text);
    if (length < 16 || length >= HTTP_TOKEN_SIZE ||
        text[strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz"
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._~+/=")])
        return garden__fail(error, GARDEN_ERR_FORMAT,
                            "--token-file %.120s: expected a token of 16 to 128 letters, digits "
                            "and -._~+/=; an absent file is made with one",
                            path);
    memcpy(out, text, length + 1);
    return GARDEN_OK;
}
