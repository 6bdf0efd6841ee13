#include "http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <zmtp/base.h>

#include "../core/error.h"
#include "../http/httpd.h"

enum {
    HTTP_CONNECTIONS_MAX = 32,
    HTTP_HOST_SIZE = 256,
    HTTP_ORIGINS_SIZE = 1024,
    HTTP_COOKIE_SIZE = 512,
    HTTP_NAME_SIZE = 32,
};

struct http {
    struct http_config config;
    struct httpd *httpd;
    char origins[HTTP_ORIGINS_SIZE];
    char cookie[HTTP_NAME_SIZE]; // its name: a browser shows its cookies to every port of a host
};

// ---- Answers

struct http_answer http_line(unsigned status, const char *line)
{
    char *text = strdup(line);
    return (struct http_answer){.status = status,
                                .type = "text/plain; charset=utf-8",
                                .text = text,
                                .size = text ? strlen(text) : 0};
}

const char *http_argument(const struct http_question *question, const char *name)
{
    return MHD_lookup_connection_value(question->connection, MHD_GET_ARGUMENT_KIND, name);
}

static enum MHD_Result http_say(struct MHD_Connection *connection, const struct http_answer *from,
                                const char *name, const char *value)
{
    static char no_memory[] = "There is no memory for an answer; try again.\n";
    struct http_answer answer = *from;
    if (!answer.text)
        answer = (struct http_answer){.status = MHD_HTTP_SERVICE_UNAVAILABLE,
                                      .type = "text/plain; charset=utf-8",
                                      .text = no_memory,
                                      .size = sizeof no_memory - 1,
                                      .lent = true};
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answer.size, answer.text, answer.lent ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE);
    if (!response) {
        if (!answer.lent) free(answer.text);
        return MHD_NO; // the connection closes
    }
    const char *policy = answer.policy ? answer.policy : "default-src 'none'";
    const char *headers[][2] = {{"Content-Type", answer.type},
                                {"Content-Security-Policy", policy},
                                {"X-Content-Type-Options", "nosniff"},
                                {"Referrer-Policy", "no-referrer"},
                                {"Cross-Origin-Resource-Policy", "same-origin"},
                                {"Cross-Origin-Opener-Policy", "same-origin"},
                                {"Cache-Control", "no-store"},
                                {name, value}};
    bool whole = true;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (headers[i][0])
            whole = MHD_add_response_header(response, headers[i][0], headers[i][1]) && whole;
    const enum MHD_Result result =
        whole ? MHD_queue_response(connection, answer.status, response) : MHD_NO;
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result http_refuse(struct MHD_Connection *connection, unsigned status,
                                   const char *line)
{
    const struct http_answer answer = http_line(status, line);
    return http_say(connection, &answer, NULL, NULL);
}

// ---- Who may ask

static const char *http_header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

// Is |host|, which may have a port behind it, this machine by a name that nobody can lead elsewhere? Or the
// one that was told.
static bool http_host_is_ours(const struct http *http, const char *host)
{
    char name[HTTP_HOST_SIZE];
    struct in_addr v4;
    if (strncmp(host, "[::1]", 5) == 0) return host[5] == '\0' || host[5] == ':';
    const size_t size = strcspn(host, ":");
    if (size == 0 || size >= sizeof name) return false;
    memcpy(name, host, size);
    name[size] = '\0';
    if (http->config.host && strcasecmp(name, http->config.host) == 0) return true;
    if (strcasecmp(name, "localhost") == 0) return true;
    return inet_pton(AF_INET, name, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

static bool http_origin_is_ours(const struct http *http, const char *origin)
{
    const size_t size = strlen(origin);
    for (const char *at = http->origins; *at; at += strcspn(at, " "), at += strspn(at, " "))
        if (strcspn(at, " ") == size && strncmp(at, origin, size) == 0) return true;
    return false;
}

// As long for a wrong token as for the right one, wherever they begin to differ.
static bool http_token_is(const struct http *http, const char *given)
{
    const char *token = http->config.token;
    if (!token || !given) return false;
    const size_t size = strlen(token), given_size = strlen(given);
    unsigned differ = size != given_size;
    for (size_t i = 0; i < size; i++)
        differ |= (unsigned)(token[i] ^ (i < given_size ? given[i] : 0));
    return !differ;
}

static bool http_shows_token(const struct http *http, struct MHD_Connection *connection)
{
    static const char bearer[] = "Bearer ";
    const char *given = http_header(connection, "Authorization");
    if (given && strncmp(given, bearer, sizeof bearer - 1) == 0)
        return http_token_is(http, given + sizeof bearer - 1);
    return http_token_is(http,
                         MHD_lookup_connection_value(connection, MHD_COOKIE_KIND, http->cookie));
}

// Null: it may; or why not.
static const char *http_objection(const struct http *http, struct MHD_Connection *connection,
                                  bool post)
{
    const char *host = http_header(connection, "Host");
    const char *origin = http_header(connection, "Origin");
    if (!host || !http_host_is_ours(http, host))
        return "This server answers to 127.0.0.1, [::1] and localhost only, and to the name that "
               "--http-host gives it.\n";
    if (origin ? !http_origin_is_ours(http, origin) : post)
        return "This is for this server's own page only.\n";
    return NULL;
}

// The token in the address becomes a cookie, and vanishes from the address.
static enum MHD_Result http_give_cookie(const struct http *http, struct MHD_Connection *connection)
{
    char cookie[HTTP_COOKIE_SIZE];
    (void)snprintf(cookie, sizeof cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict", http->cookie,
                   http->config.token);
    const struct http_answer answer = {
        .status = MHD_HTTP_OK,
        .type = "text/html; charset=utf-8",
        .text = (char *)(uintptr_t) "<!doctype html><meta http-equiv=refresh content='0;url=/'>",
        .size = sizeof "<!doctype html><meta http-equiv=refresh content='0;url=/'>" - 1,
        .lent = true};
    return http_say(connection, &answer, "Set-Cookie", cookie);
}

static enum MHD_Result http_request(void *user, struct MHD_Connection *connection, const char *path,
                                    const char *method, const char *version, const char *upload,
                                    size_t *upload_size, void **state)
{
    static int begun;
    const struct http *http = user;
    (void)version;
    (void)upload;
    *upload_size = 0;
    if (!*state) { // the head came; the answer waits for the end of the request
        *state = &begun;
        return MHD_YES;
    }
    const struct http_question question = {
        .path = path, .post = strcmp(method, "POST") == 0, .connection = connection};
    if (!question.post && strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return http_refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
                           "GET, HEAD and POST are allowed.\n");
    const char *objection = http_objection(http, connection, question.post);
    if (objection) return http_refuse(connection, MHD_HTTP_FORBIDDEN, objection);
    const bool opened =
        strcmp(path, "/") == 0 && http_token_is(http, http_argument(&question, "token"));
    if (http->config.token && opened) return http_give_cookie(http, connection);
    if (http->config.token && !http_shows_token(http, connection))
        return http_refuse(connection, MHD_HTTP_UNAUTHORIZED,
                           "A token is asked for here: open /?token=TOKEN once, with what the file "
                           "of gardend's --http-token holds.\n");
    const struct http_answer answer = http->config.answer(&question, http->config.user);
    return http_say(connection, &answer, NULL, NULL);
}

// ---- Life

// What a browser calls our page, by whichever name it was opened.
static void http_name_origins(struct http *http)
{
    const unsigned port = httpd_port(http->httpd);
    const char *host = http->config.host;
    int size =
        snprintf(http->origins, sizeof http->origins,
                 "http://127.0.0.1:%u http://localhost:%u http://[::1]:%u", port, port, port);
    if (host && size > 0)
        (void)snprintf(http->origins + size, sizeof http->origins - (size_t)size,
                       " https://%.100s http://%.100s http://%.100s:%u", host, host, host, port);
}

static void http_closed(void *user)
{
    zmtp_free(NULL, user, sizeof(struct http));
}

int http_open(struct http **out, const struct http_config *config, struct garden_error *error)
{
    *out = NULL;
    struct http *http = zmtp_alloc(NULL, sizeof *http);
    if (!http) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for HTTP");
    *http = (struct http){.config = *config};
    const struct httpd_config httpd = {
        .loop = config->loop,
        .address = config->address,
        .port_usual = 9464,
        .connections_max = HTTP_CONNECTIONS_MAX,
        .request = http_request,
        .closed = http_closed,
        .user = http,
    };
    const int result = httpd_open(&http->httpd, &httpd, error);
    if (result < 0) {
        http_closed(http);
        return result;
    }
    http_name_origins(http);
    (void)snprintf(http->cookie, sizeof http->cookie, "garden-%u",
                   (unsigned)httpd_port(http->httpd));
    *out = http;
    return GARDEN_OK;
}

void http_close(struct http *http)
{
    if (http) httpd_close(http->httpd);
}

uint16_t http_port(const struct http *http)
{
    return httpd_port(http->httpd);
}

const char *http_origins(const struct http *http)
{
    return http->origins;
}
