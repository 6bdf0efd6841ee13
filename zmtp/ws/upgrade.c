#include "upgrade.h"

#include <string.h>

#include "../base/writer.h"
#include "base64.h"
#include "head.h"
#include "sha1.h"

enum {
    UPGRADE_KEY_SIZE = ZMTP__BASE64_SIZE(ZMTP__UPGRADE_NONCE),
    UPGRADE_ACCEPT_SIZE = ZMTP__BASE64_SIZE(ZMTP__SHA1_SIZE),
    UPGRADE_PROTOCOL_MAX = 32,
};

static const char upgrade_bare[] = "ZWS2.0";

// Why a server says no.
enum upgrade_refusal {
    UPGRADE_NOT_HTTP,
    UPGRADE_TOO_LARGE,
    UPGRADE_MALFORMED,
    UPGRADE_NO_HOST,
    UPGRADE_NOT_WEBSOCKET,
    UPGRADE_OTHER_VERSION,
    UPGRADE_BAD_KEY,
    UPGRADE_OTHER_PATH,
    UPGRADE_OTHER_ORIGIN,
    UPGRADE_OTHER_PROTOCOL,
    UPGRADE_WELCOME,
};
static const struct {
    int error;
    const char *status, *why;
} upgrade_refusals[] = {
    [UPGRADE_NOT_HTTP] = {ZMTP_ERR_GREETING, "400 Bad Request",
                          "the other side does not speak HTTP: is it a tcp:// peer?"},
    [UPGRADE_TOO_LARGE] = {ZMTP_ERR_LIMIT, "431 Request Header Fields Too Large",
                           "the request's head is larger than 4096 octets"},
    [UPGRADE_MALFORMED] = {ZMTP_ERR_GREETING, "400 Bad Request",
                           "the request is not a well-formed GET of HTTP/1.1"},
    [UPGRADE_NO_HOST] = {ZMTP_ERR_GREETING, "400 Bad Request",
                         "the request has not exactly one Host"},
    [UPGRADE_NOT_WEBSOCKET] = {ZMTP_ERR_GREETING, "426 Upgrade Required",
                               "this is a ZeroMQ endpoint over WebSocket, and the request does "
                               "not ask for an upgrade to that"},
    [UPGRADE_OTHER_VERSION] = {ZMTP_ERR_GREETING, "426 Upgrade Required",
                               "the request is for another version of WebSocket than 13"},
    [UPGRADE_BAD_KEY] = {ZMTP_ERR_GREETING, "400 Bad Request",
                         "the request's Sec-WebSocket-Key is not 16 octets in Base64"},
    [UPGRADE_OTHER_PATH] = {ZMTP_ERR_NOT_FOUND, "404 Not Found",
                            "the request is for another path than that of the endpoint"},
    [UPGRADE_OTHER_ORIGIN] = {ZMTP_ERR_DENIED, "403 Forbidden",
                              "the page that the request comes from is not allowed here"},
    [UPGRADE_OTHER_PROTOCOL] = {ZMTP_ERR_MECHANISM, "400 Bad Request",
                                "the request offers no subprotocol of our security mechanism"},
};

void zmtp__upgrade_say_why(struct zmtp__upgrade_verdict *verdict, int error, const char *why,
                           struct zmtp_bytes more)
{
    *verdict = (struct zmtp__upgrade_verdict){.error = error};
    uint8_t *const out = (uint8_t *)verdict->why;
    struct zmtp__writer w = zmtp__writer_of(out, sizeof verdict->why - 1);
    zmtp__write_bytes(&w, zmtp_bytes_text(why));
    const size_t left = w.size - w.filled;
    zmtp__write_bytes(&w, zmtp_bytes_of(more.data, more.size < left ? more.size : left));
    for (size_t i = 0; i < w.filled; i++)
        if (out[i] < 0x20 || out[i] >= 0x7F) out[i] = '?';
}

static void upgrade_text(struct zmtp__writer *w, const char *text)
{
    zmtp__write_bytes(w, zmtp_bytes_text(text));
}

// The subprotocol of our mechanism, terminated.
static void upgrade_protocol(const struct zmtp__upgrade *upgrade, char out[UPGRADE_PROTOCOL_MAX])
{
    memset(out, 0, UPGRADE_PROTOCOL_MAX);
    struct zmtp__writer w = zmtp__writer_of((uint8_t *)out, UPGRADE_PROTOCOL_MAX - 1);
    upgrade_text(&w, upgrade_bare);
    upgrade_text(&w, "/");
    upgrade_text(&w, upgrade->mechanism);
}

// No mechanism is as much as NULL, and less than any other.
static bool upgrade_takes_bare(const struct zmtp__upgrade *upgrade)
{
    return strcmp(upgrade->mechanism, "NULL") == 0;
}

// RFC 6455, section 4.2.2, item 5.4: the key and a constant, hashed.
static void upgrade_accept(struct zmtp_bytes key, uint8_t out[UPGRADE_ACCEPT_SIZE])
{
    static const char constant[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t text[UPGRADE_KEY_SIZE + sizeof constant - 1], digest[ZMTP__SHA1_SIZE];
    memcpy(text, key.data, UPGRADE_KEY_SIZE);
    memcpy(text + UPGRADE_KEY_SIZE, constant, sizeof constant - 1);
    zmtp__sha1(zmtp_bytes_of(text, sizeof text), digest);
    zmtp__base64_encode(zmtp_bytes_of(digest, sizeof digest), out);
}

size_t zmtp__upgrade_ask(const struct zmtp__upgrade *upgrade,
                         const uint8_t nonce[ZMTP__UPGRADE_NONCE], uint8_t *out)
{
    char protocol[UPGRADE_PROTOCOL_MAX];
    uint8_t key[UPGRADE_KEY_SIZE];
    upgrade_protocol(upgrade, protocol);
    zmtp__base64_encode(zmtp_bytes_of(nonce, ZMTP__UPGRADE_NONCE), key);
    struct zmtp__writer w = zmtp__writer_of(out, ZMTP__UPGRADE_OURS_MAX);
    upgrade_text(&w, "GET ");
    zmtp__write_bytes(&w, upgrade->path);
    upgrade_text(&w, " HTTP/1.1\r\nHost: ");
    zmtp__write_bytes(&w, upgrade->authority);
    upgrade_text(&w, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ");
    zmtp__write_bytes(&w, zmtp_bytes_of(key, sizeof key));
    upgrade_text(&w, "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ");
    upgrade_text(&w, protocol);
    if (upgrade_takes_bare(upgrade)) {
        upgrade_text(&w, ",");
        upgrade_text(&w, upgrade_bare);
    }
    upgrade_text(&w, "\r\n\r\n");
    return w.bad ? 0 : w.filled;
}

static size_t upgrade_write_refusal(enum upgrade_refusal refusal, uint8_t *out,
                                    struct zmtp__upgrade_verdict *verdict)
{
    const char *const why = upgrade_refusals[refusal].why;
    zmtp__upgrade_say_why(verdict, upgrade_refusals[refusal].error, why, (struct zmtp_bytes){0});
    struct zmtp__writer w = zmtp__writer_of(out, ZMTP__UPGRADE_OURS_MAX);
    upgrade_text(&w, "HTTP/1.1 ");
    upgrade_text(&w, upgrade_refusals[refusal].status);
    if (refusal == UPGRADE_NOT_WEBSOCKET || refusal == UPGRADE_OTHER_VERSION)
        upgrade_text(&w, "\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
                         "\r\nConnection: Upgrade, close");
    else
        upgrade_text(&w, "\r\nConnection: close");
    const size_t size = strlen(why) + 1;
    const char digits[] = {(char)('0' + size / 100), (char)('0' + size / 10 % 10),
                           (char)('0' + size % 10), '\0'};
    upgrade_text(&w, "\r\nContent-Type: text/plain\r\nContent-Length: ");
    upgrade_text(&w, size >= 100 ? digits : digits + 1);
    upgrade_text(&w, "\r\n\r\n");
    upgrade_text(&w, why);
    upgrade_text(&w, "\n");
    return w.bad ? 0 : w.filled;
}

size_t zmtp__upgrade_refuse(int error, uint8_t *out, struct zmtp__upgrade_verdict *verdict)
{
    return upgrade_write_refusal(error == ZMTP_ERR_LIMIT ? UPGRADE_TOO_LARGE : UPGRADE_NOT_HTTP,
                                 out, verdict);
}

// The path of a request's target, which may be a whole URI (RFC 9112, section 3.2.2) and may have a
// query, which is the page's own affair.
static struct zmtp_bytes upgrade_path(struct zmtp_bytes target)
{
    static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        const size_t size = strlen(schemes[i]);
        if (target.size <= size || !zmtp__text_is(zmtp_bytes_of(target.data, size), schemes[i]))
            continue;
        const uint8_t *const slash = memchr(target.data + size, '/', target.size - size);
        if (!slash) return zmtp_bytes_text("/");
        target = zmtp_bytes_of(slash, target.size - (size_t)(slash - target.data));
        break;
    }
    const uint8_t *const query = target.size > 0 ? memchr(target.data, '?', target.size) : NULL;
    return query ? zmtp_bytes_of(target.data, (size_t)(query - target.data)) : target;
}

// Splits "GET target HTTP/1.1". False: it is something else.
static bool upgrade_target(struct zmtp_bytes line, struct zmtp_bytes *out)
{
    static const char begin[] = "GET ", end[] = " HTTP/1.1";
    const size_t begin_size = sizeof begin - 1, end_size = sizeof end - 1;
    if (line.size <= begin_size + end_size) return false;
    if (memcmp(line.data, begin, begin_size) != 0) return false;
    if (memcmp(line.data + line.size - end_size, end, end_size) != 0) return false;
    *out = zmtp_bytes_of(line.data + begin_size, line.size - begin_size - end_size);
    return !memchr(out->data, ' ', out->size);
}

// A request has no body that could be taken for WebSocket frames.
static bool upgrade_has_body(const struct zmtp__head *head)
{
    struct zmtp_bytes value;
    if (zmtp__head_find(head, "Transfer-Encoding", &value) != 0) return true;
    const int found = zmtp__head_find(head, "Content-Length", &value);
    return found < 0 || (found > 0 && !zmtp__text_is(value, "0"));
}

// RFC 6455, section 10.2: a browser tells which page it acts for. A program tells nothing.
static bool upgrade_likes_origin(const struct zmtp__upgrade *upgrade, const struct zmtp__head *head)
{
    struct zmtp_bytes origin, allowed, rest = upgrade->origins;
    if (!rest.data) return true;
    const int found = zmtp__head_find(head, "Origin", &origin);
    if (found <= 0) return found == 0;
    while (zmtp__word_next(&rest, ' ', &allowed))
        if (zmtp_bytes_equal(allowed, origin)) return true;
    return false;
}

// RFC 6455, section 4.2.1, in the order in which the words of a refusal help most.
static enum upgrade_refusal upgrade_examine(const struct zmtp__upgrade *upgrade,
                                            const struct zmtp__head *head, struct zmtp_bytes *key)
{
    uint8_t nonce[ZMTP__UPGRADE_NONCE];
    struct zmtp_bytes target, value;
    if (!upgrade_target(head->line, &target) || upgrade_has_body(head)) return UPGRADE_MALFORMED;
    if (zmtp__head_find(head, "Host", &value) != 1) return UPGRADE_NO_HOST;
    if (!zmtp_bytes_equal(upgrade_path(target), upgrade->path)) return UPGRADE_OTHER_PATH;
    if (!zmtp__head_lists(head, "Upgrade", "websocket")) return UPGRADE_NOT_WEBSOCKET;
    if (!zmtp__head_lists(head, "Connection", "upgrade")) return UPGRADE_NOT_WEBSOCKET;
    if (zmtp__head_find(head, "Sec-WebSocket-Version", &value) != 1) return UPGRADE_OTHER_VERSION;
    if (!zmtp__text_is(value, "13")) return UPGRADE_OTHER_VERSION;
    if (zmtp__head_find(head, "Sec-WebSocket-Key", key) != 1) return UPGRADE_BAD_KEY;
    if (!zmtp__base64_decode(*key, nonce, sizeof nonce)) return UPGRADE_BAD_KEY;
    if (!upgrade_likes_origin(upgrade, head)) return UPGRADE_OTHER_ORIGIN;
    return UPGRADE_WELCOME;
}

size_t zmtp__upgrade_answer(const struct zmtp__upgrade *upgrade, struct zmtp_bytes head,
                            uint8_t *out, struct zmtp__upgrade_verdict *verdict)
{
    struct zmtp__head parsed;
    struct zmtp_bytes key = {0};
    if (zmtp__head_decode(head, &parsed) < 0)
        return upgrade_write_refusal(UPGRADE_MALFORMED, out, verdict);
    const enum upgrade_refusal refusal = upgrade_examine(upgrade, &parsed, &key);
    if (refusal != UPGRADE_WELCOME) return upgrade_write_refusal(refusal, out, verdict);
    char protocol[UPGRADE_PROTOCOL_MAX];
    upgrade_protocol(upgrade, protocol);
    *verdict = (struct zmtp__upgrade_verdict){0};
    if (!zmtp__head_lists(&parsed, "Sec-WebSocket-Protocol", protocol)) {
        verdict->bare = true;
        if (!upgrade_takes_bare(upgrade) ||
            !zmtp__head_lists(&parsed, "Sec-WebSocket-Protocol", upgrade_bare))
            return upgrade_write_refusal(UPGRADE_OTHER_PROTOCOL, out, verdict);
    }
    uint8_t accept[UPGRADE_ACCEPT_SIZE];
    upgrade_accept(key, accept);
    struct zmtp__writer w = zmtp__writer_of(out, ZMTP__UPGRADE_OURS_MAX);
    upgrade_text(&w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Accept: ");
    zmtp__write_bytes(&w, zmtp_bytes_of(accept, sizeof accept));
    upgrade_text(&w, "\r\nSec-WebSocket-Protocol: ");
    upgrade_text(&w, verdict->bare ? upgrade_bare : protocol);
    upgrade_text(&w, "\r\n\r\n");
    return w.bad ? 0 : w.filled;
}

// "HTTP/1.1 404 Not Found" -> "404 Not Found". False: it is no status line of HTTP/1.x.
static bool upgrade_status(struct zmtp_bytes line, struct zmtp_bytes *out)
{
    static const char begin[] = "HTTP/1.";
    const size_t begin_size = sizeof begin - 1;
    if (line.size < begin_size + 2 + 3 || memcmp(line.data, begin, begin_size) != 0) return false;
    if (line.data[begin_size + 1] != ' ') return false;
    *out = zmtp_bytes_of(line.data + begin_size + 2, line.size - begin_size - 2);
    return out->size == 3 || out->data[3] == ' ';
}

// RFC 6455, section 4.1, what a client makes of the answer; null: it is fine.
static const char *upgrade_fault(const struct zmtp__head *head,
                                 const uint8_t nonce[ZMTP__UPGRADE_NONCE])
{
    uint8_t key[UPGRADE_KEY_SIZE], accept[UPGRADE_ACCEPT_SIZE];
    struct zmtp_bytes value;
    if (!zmtp__head_lists(head, "Upgrade", "websocket") ||
        !zmtp__head_lists(head, "Connection", "upgrade"))
        return "the server switches to something else than WebSocket";
    zmtp__base64_encode(zmtp_bytes_of(nonce, ZMTP__UPGRADE_NONCE), key);
    upgrade_accept(zmtp_bytes_of(key, sizeof key), accept);
    if (zmtp__head_find(head, "Sec-WebSocket-Accept", &value) != 1 ||
        !zmtp_bytes_equal(value, zmtp_bytes_of(accept, sizeof accept)))
        return "the server's Sec-WebSocket-Accept does not answer our key";
    if (zmtp__head_find(head, "Sec-WebSocket-Extensions", &value) != 0)
        return "the server wants an extension of WebSocket that we did not offer";
    return NULL;
}

void zmtp__upgrade_judge(const struct zmtp__upgrade *upgrade,
                         const uint8_t nonce[ZMTP__UPGRADE_NONCE], struct zmtp_bytes head,
                         struct zmtp__upgrade_verdict *verdict)
{
    const struct zmtp_bytes nothing = {0};
    char protocol[UPGRADE_PROTOCOL_MAX];
    struct zmtp__head parsed;
    struct zmtp_bytes status, value;
    *verdict = (struct zmtp__upgrade_verdict){0};
    if (zmtp__head_decode(head, &parsed) < 0 || !upgrade_status(parsed.line, &status)) {
        zmtp__upgrade_say_why(verdict, ZMTP_ERR_GREETING,
                              "the server's answer is not well-formed HTTP", nothing);
        return;
    }
    if (memcmp(status.data, "101", 3) != 0) {
        zmtp__upgrade_say_why(verdict, ZMTP_ERR_GREETING,
                              "the server refuses the upgrade: ", status);
        return;
    }
    const char *const fault = upgrade_fault(&parsed, nonce);
    if (fault) {
        zmtp__upgrade_say_why(verdict, ZMTP_ERR_GREETING, fault, nothing);
        return;
    }
    upgrade_protocol(upgrade, protocol);
    if (zmtp__head_find(&parsed, "Sec-WebSocket-Protocol", &value) != 1) {
        zmtp__upgrade_say_why(verdict, ZMTP_ERR_MECHANISM, "the server does not choose ZWS 2.0",
                              nothing);
        return;
    }
    verdict->bare = upgrade_takes_bare(upgrade) && zmtp__text_is(value, upgrade_bare);
    if (!verdict->bare && !zmtp__text_is(value, protocol))
        zmtp__upgrade_say_why(verdict, ZMTP_ERR_MECHANISM,
                              "the server chooses a subprotocol that we did not offer: ", value);
}
