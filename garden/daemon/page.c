#include "page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"
#include "page_files.h"

enum {
    PAGE_OK = 200,
    PAGE_BAD = 400,
    PAGE_NOT_FOUND = 404,
    PAGE_NOT_ALLOWED = 405,
    PAGE_CONFLICT = 409,
    PAGE_JSON_MAX = 1024 * 1024
};

// Where the page's scripts may connect to: this server, and the five ports that were bound.
void page_init(struct page *page)
{
    const struct garden_endpoints *endpoints = garden_server_web_endpoints(page->requests->server);
    int size = snprintf(page->policy, sizeof page->policy,
                        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' "
                        "data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
                        "connect-src 'self'");
    for (size_t i = 0; i < GARDEN_LANES && size > 0 && (size_t)size < sizeof page->policy; i++) {
        const char *endpoint = endpoints->of[i];
        const char *host = strstr(endpoint, "://");
        if (!host) continue;
        const int length = (int)(host + 3 - endpoint + (int)strcspn(host + 3, "/"));
        size += snprintf(page->policy + size, sizeof page->policy - (size_t)size, " %.*s", length,
                         endpoint);
    }
}

// ---- JSON

// |value| may be null: there was no memory.
static struct http_answer page_json(const struct garden_value *value, int result)
{
    struct garden_buffer octets;
    struct http_answer answer = {.status = PAGE_OK, .type = "application/json"};
    garden_buffer_init(&octets, NULL, PAGE_JSON_MAX);
    if (result == GARDEN_OK) result = garden_json_encode(value, &octets);
    const struct zmtp_bytes bytes = garden_buffer_bytes(&octets);
    answer.text = result == GARDEN_OK ? malloc(bytes.size + 1) : NULL;
    if (answer.text) {
        memcpy(answer.text, bytes.data, bytes.size);
        answer.size = bytes.size;
    }
    garden_buffer_fini(&octets);
    return answer;
}

static struct garden_value page_text(const char *text)
{
    return garden_value_text(garden_text_of(text));
}

static struct http_answer page_lanes(const struct page *page)
{
    const struct garden_endpoints *endpoints = garden_server_web_endpoints(page->requests->server);
    char session[GARDEN_UUID_TEXT_SIZE + 1];
    garden_uuid_format(garden_server_session(page->requests->server), session);
    struct garden_entry lanes[GARDEN_LANES];
    for (size_t i = 0; i < GARDEN_LANES; i++)
        lanes[i] =
            garden_entry_of(garden_lane_name((enum garden_lane)i), page_text(endpoints->of[i]));
    struct garden_entry all[] = {
        garden_entry_of("session", page_text(session)),
        garden_entry_of("version", page_text(GARDEN_VERSION)),
        garden_entry_of("topics", garden_value_bool(page->topics)),
        garden_entry_of("store", garden_value_bool(page->captures.store != NULL)),
        garden_entry_of("endpoints", garden_value_map(lanes, GARDEN_LANES)),
    };
    const struct garden_value value = garden_value_map(all, sizeof all / sizeof *all);
    return page_json(&value, GARDEN_OK);
}

static void page_write_stats(const struct page *page, FILE *out, enum garden_lane lane, bool web)
{
    struct garden_server *server = page->requests->server;
    const int64_t wanted = garden_server_stats_json(server, lane, web, NULL, 0);
    char *text = wanted >= 0 ? malloc((size_t)wanted + 1) : NULL;
    const bool whole =
        text && garden_server_stats_json(server, lane, web, text, (size_t)wanted + 1) == wanted;
    (void)fputs(whole ? text : "null", out); // whether all was written is asked at the end
    free(text);
}

static struct http_answer page_stats(const struct page *page)
{
    struct http_answer answer = {.status = PAGE_OK, .type = "application/json"};
    FILE *out = open_memstream(&answer.text, &answer.size);
    if (!out) return answer;
    for (size_t i = 0; i < GARDEN_LANES; i++) {
        const enum garden_lane lane = (enum garden_lane)i;
        (void)fprintf(out, "%s\"%s\":{\"own\":", i > 0 ? "," : "{", garden_lane_name(lane));
        page_write_stats(page, out, lane, false);
        (void)fputs(",\"page\":", out);
        page_write_stats(page, out, lane, true);
        (void)fputc('}', out);
    }
    (void)fputc('}', out);
    const bool whole = !ferror(out);
    if (fclose(out) == 0 && whole) return answer;
    free(answer.text);
    answer.text = NULL;
    return answer;
}

// ---- Captures

static struct http_answer page_captures(const struct page *page)
{
    struct garden_arena arena;
    struct garden_value value;
    garden_arena_init(&arena, NULL, 0);
    const int result = captures_tell(&page->captures, &arena, &value);
    const struct http_answer answer = page_json(&value, result);
    garden_arena_fini(&arena);
    return answer;
}

static struct http_answer page_capture(struct page *page, const struct http_question *question)
{
    struct garden_error error;
    uint64_t id = 0;
    int result;
    if (strcmp(question->path, "/captures/stop") == 0) {
        const char *text = http_argument(question, "id");
        id = text ? strtoull(text, NULL, 10) : 0;
        result = captures_stop(&page->captures, id, &error);
    } else {
        result = captures_start(&page->captures, http_argument(question, "device"),
                                http_argument(question, "uri"), &id, &error);
    }
    if (result < 0)
        return http_line(result == GARDEN_ERR_ARGUMENT ? PAGE_BAD : PAGE_CONFLICT, error.text);
    struct garden_entry entry = garden_entry_of("id", garden_value_uint(id));
    const struct garden_value value = garden_value_map(&entry, 1);
    return page_json(&value, GARDEN_OK);
}

// ---- All

static struct http_answer page_metrics(const struct page *page)
{
    struct http_answer answer = {.status = PAGE_OK,
                                 .type = "text/plain; version=0.0.4; charset=utf-8"};
    answer.text = metrics_text(page->requests, page->place, page->uv, &answer.size);
    return answer;
}

static struct http_answer page_post(struct page *page, const struct http_question *question)
{
    const bool known =
        strcmp(question->path, "/captures") == 0 || strcmp(question->path, "/captures/stop") == 0;
    if (!page->wanted || !known) return http_line(PAGE_NOT_ALLOWED, "GET and HEAD are allowed.\n");
    return page_capture(page, question);
}

static struct http_answer page_file(const struct page *page, const char *path)
{
    if (strcmp(path, "/") == 0) path = page->has_websocket ? "/index.html" : "/without.html";
    for (const struct page_file *at = page_files; at->path; at++)
        if (strcmp(at->path, path) == 0)
            return (struct http_answer){.status = PAGE_OK,
                                        .type = at->type,
                                        .policy = page->policy,
                                        .text = (char *)(uintptr_t)at->octets,
                                        .size = at->size,
                                        .lent = true};
    return http_line(PAGE_NOT_FOUND, "There is /metrics, and the page at /.\n");
}

struct http_answer page_answer(const struct http_question *question, void *user)
{
    struct page *page = user;
    if (question->post) return page_post(page, question);
    if (strcmp(question->path, "/metrics") == 0) return page_metrics(page);
    if (!page->wanted)
        return http_line(PAGE_NOT_FOUND, "There is /metrics. --no-page keeps the page away.\n");
    if (strcmp(question->path, "/lanes.json") == 0) return page_lanes(page);
    if (strcmp(question->path, "/stats.json") == 0) return page_stats(page);
    if (strcmp(question->path, "/captures.json") == 0) return page_captures(page);
    return page_file(page, question->path);
}
