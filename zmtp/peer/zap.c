#include "../zap.h"

#include <string.h>

#include "../base/reader.h"

enum {
    ZAP_REPLY_PARTS = 7,   // the delimiter, version, id, status, text, user id, metadata
    ZAP_REQUEST_PARTS = 6, // version, id, domain, address, routing id, mechanism; then credentials
    ZAP_PROPERTIES_MAX = 64, // of a user; each is compared with those before it
};

static const char zap_version[] = "1.0";

// RFC 27, Message Format: strings are ASCII, and have at most 255 characters.
static bool zap_is_string(struct zmtp_bytes octets)
{
    if (!zmtp__octets_ok(octets) || octets.size > UINT8_MAX) return false;
    for (size_t i = 0; i < octets.size; i++)
        if (octets.data[i] < 0x20 || octets.data[i] > 0x7E) return false;
    return true;
}

static bool zap_is(struct zmtp_bytes octets, const char *text)
{
    return zmtp_bytes_equal(octets, zmtp_bytes_text(text));
}

static const struct {
    enum zmtp_verdict verdict;
    const char *status;
} zap_verdicts[] = {
    {ZMTP_VERDICT_ALLOW, "200"},
    {ZMTP_VERDICT_LATER, "300"},
    {ZMTP_VERDICT_DENY, "400"},
    {ZMTP_VERDICT_BROKEN, "500"},
};
enum { ZAP_VERDICTS = sizeof zap_verdicts / sizeof zap_verdicts[0] };

// Appends |count| parts; if that fails |msg| is empty again.
static int zap_append(struct zmtp_msg *msg, const struct zmtp_bytes *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int result = zmtp_msg_append(msg, parts[i]);
        if (result == ZMTP_OK) continue;
        zmtp_msg_fini(msg);
        return result;
    }
    return ZMTP_OK;
}

static size_t zap_credentials(const struct zmtp_credentials *credentials, struct zmtp_bytes out[2])
{
    switch (credentials->mechanism) {
    case ZMTP_NULL:
        break;
    case ZMTP_PLAIN:
        out[0] = credentials->username;
        out[1] = credentials->password;
        return 2;
    case ZMTP_CURVE:
        out[0] = zmtp_bytes_of(credentials->public_key.octets, ZMTP_KEY_SIZE);
        return 1;
    }
    return 0;
}

int zmtp_zap_request_encode(struct zmtp_msg *msg, const struct zmtp_zap_request *request)
{
    if (!msg || !request) return ZMTP_ERR_ARGUMENT;
    if (msg->count > 0 || !request->known) return ZMTP_ERR_ARGUMENT;
    if ((unsigned)request->credentials.mechanism > ZMTP_CURVE) return ZMTP_ERR_ARGUMENT;
    if (!zap_is_string(request->domain) || !zap_is_string(request->address))
        return ZMTP_ERR_ARGUMENT;
    if (request->routing_id.size > UINT8_MAX) return ZMTP_ERR_ARGUMENT;
    const char *const mechanism = zmtp_mechanism_name(request->credentials.mechanism);
    const struct zmtp_bytes parts[] = {{0},
                                       zmtp_bytes_text(zap_version),
                                       request->id,
                                       request->domain,
                                       request->address,
                                       request->routing_id,
                                       zmtp_bytes_text(mechanism)};
    struct zmtp_bytes credentials[2];
    const size_t count = zap_credentials(&request->credentials, credentials);
    const int result = zap_append(msg, parts, sizeof parts / sizeof parts[0]);
    return result < 0 ? result : zap_append(msg, credentials, count);
}

// Reads the credentials, parts |first| to the end. False: they are not what the mechanism has.
static bool zap_read_credentials(const struct zmtp_msg *msg, size_t first,
                                 struct zmtp_zap_request *out)
{
    const size_t count = msg->count - first;
    const struct zmtp_bytes one = zmtp_msg_bytes(msg, first);
    struct zmtp_credentials *const credentials = &out->credentials;
    out->known = true;
    if (zap_is(out->mechanism, "NULL")) {
        credentials->mechanism = ZMTP_NULL;
        return count == 0;
    }
    if (zap_is(out->mechanism, "PLAIN")) {
        credentials->mechanism = ZMTP_PLAIN;
        credentials->username = one;
        credentials->password = zmtp_msg_bytes(msg, first + 1);
        return count == 2;
    }
    if (zap_is(out->mechanism, "CURVE")) {
        if (count != 1 || one.size != ZMTP_KEY_SIZE) return false;
        credentials->mechanism = ZMTP_CURVE;
        memcpy(credentials->public_key.octets, one.data, ZMTP_KEY_SIZE);
        return true;
    }
    out->known = false;
    return true;
}

// Parts before the version: 0 for a REP; for a ROUTER routing ids, of which there may be several (RFC
// 27, Proxy Handlers), and the delimiter.
static size_t zap_envelope(const struct zmtp_msg *msg, bool enveloped)
{
    size_t envelope = 0;
    if (!enveloped) return 0;
    while (envelope < msg->count && zmtp_msg_bytes(msg, envelope).size > 0)
        envelope++;
    return envelope + 1;
}

int zmtp_zap_request_decode(const struct zmtp_msg *msg, bool enveloped,
                            struct zmtp_zap_request *out)
{
    if (!msg || !out) return ZMTP_ERR_ARGUMENT;
    const size_t first = zap_envelope(msg, enveloped);
    if (msg->count < ZAP_REQUEST_PARTS || first > msg->count - ZAP_REQUEST_PARTS)
        return ZMTP_ERR_ARGUMENT;
    struct zmtp_zap_request request = {.id = zmtp_msg_bytes(msg, first + 1),
                                       .domain = zmtp_msg_bytes(msg, first + 2),
                                       .address = zmtp_msg_bytes(msg, first + 3),
                                       .routing_id = zmtp_msg_bytes(msg, first + 4),
                                       .mechanism = zmtp_msg_bytes(msg, first + 5),
                                       .envelope = first};
    if (!zap_is(zmtp_msg_bytes(msg, first), zap_version)) return ZMTP_ERR_ARGUMENT;
    if (!zap_is_string(request.domain) || !zap_is_string(request.address)) return ZMTP_ERR_ARGUMENT;
    if (request.routing_id.size > UINT8_MAX) return ZMTP_ERR_ARGUMENT;
    if (request.mechanism.size == 0 || !zap_is_string(request.mechanism)) return ZMTP_ERR_ARGUMENT;
    if (!zap_read_credentials(msg, first + ZAP_REQUEST_PARTS, &request)) return ZMTP_ERR_ARGUMENT;
    *out = request;
    return ZMTP_OK;
}

// What RFC 27 does not allow about a reply; null: nothing.
static const char *zap_reply_flaw(const struct zmtp_zap_reply *reply)
{
    const bool allowed = reply->verdict == ZMTP_VERDICT_ALLOW;
    if (!zap_is_string(reply->text))
        return "the status text of the ZAP reply is no text of at most 255 characters of ASCII";
    if (reply->user_id.size > UINT8_MAX)
        return "the user id of the ZAP reply has more than 255 octets";
    if (!allowed && reply->user_id.size > 0)
        return "the ZAP reply has a user id, and does not let that user in";
    if (reply->metadata.size > ZMTP_USER_METADATA_MAX)
        return "the metadata of the ZAP reply have more than 64 KiB";
    if (zmtp_metadata_check(reply->metadata, ZAP_PROPERTIES_MAX) < 0)
        return "the metadata of the ZAP reply are malformed, or more than 64 properties";
    return NULL;
}

int zmtp_zap_reply_encode(struct zmtp_msg *msg, const struct zmtp_msg *question,
                          const struct zmtp_zap_request *request,
                          const struct zmtp_zap_reply *reply)
{
    if (!msg || !question || !request || !reply) return ZMTP_ERR_ARGUMENT;
    const char *status = NULL;
    for (size_t i = 0; i < ZAP_VERDICTS; i++)
        if (zap_verdicts[i].verdict == reply->verdict) status = zap_verdicts[i].status;
    if (msg->count > 0 || !status || zap_reply_flaw(reply)) return ZMTP_ERR_ARGUMENT;
    for (size_t i = 0; i < request->envelope; i++) {
        const struct zmtp_bytes part = zmtp_msg_bytes(question, i);
        const int result = zap_append(msg, &part, 1);
        if (result < 0) return result;
    }
    const struct zmtp_bytes parts[] = {zmtp_bytes_text(zap_version),
                                       request->id,
                                       zmtp_bytes_text(status),
                                       reply->text,
                                       reply->user_id,
                                       reply->metadata};
    return zap_append(msg, parts, sizeof parts / sizeof parts[0]);
}

static bool zap_read_status(struct zmtp_bytes status, enum zmtp_verdict *out)
{
    for (size_t i = 0; i < ZAP_VERDICTS; i++) {
        if (!zap_is(status, zap_verdicts[i].status)) continue;
        *out = zap_verdicts[i].verdict;
        return true;
    }
    return false;
}

static const char *zap_read_reply(const struct zmtp_msg *msg, struct zmtp_zap_reply *reply)
{
    if (msg->count != ZAP_REPLY_PARTS)
        return "the ZAP reply has not just the seven parts of one that goes to a DEALER";
    if (zmtp_msg_bytes(msg, 0).size > 0) return "the ZAP reply does not begin with an empty part";
    if (!zap_is(zmtp_msg_bytes(msg, 1), zap_version))
        return "the ZAP reply is of another version than 1.0";
    if (!zap_read_status(zmtp_msg_bytes(msg, 3), &reply->verdict))
        return "the status of the ZAP reply is none of 200, 300, 400 and 500";
    reply->text = zmtp_msg_bytes(msg, 4);
    reply->user_id = zmtp_msg_bytes(msg, 5);
    reply->metadata = zmtp_msg_bytes(msg, 6);
    return zap_reply_flaw(reply);
}

int zmtp_zap_reply_decode(const struct zmtp_msg *msg, struct zmtp_zap_reply *out, const char **why)
{
    if (!msg || !out) return ZMTP_ERR_ARGUMENT;
    struct zmtp_zap_reply reply = {.id = zmtp_msg_bytes(msg, 2), .verdict = ZMTP_VERDICT_LATER};
    const char *const flaw = zap_read_reply(msg, &reply);
    if (flaw && why) *why = flaw;
    // Nothing of a reply that is wrong is believed but whose it is.
    *out = flaw ? (struct zmtp_zap_reply){.id = reply.id, .verdict = ZMTP_VERDICT_LATER} : reply;
    return flaw ? ZMTP_ERR_ARGUMENT : ZMTP_OK;
}
