// ZAP 1.0 (RFC 27): a server asks a handler whether somebody may come in, and who that is. Requests and
// replies are messages; this header makes and reads them, on either side. It does no I/O.
//
// A server asks by itself, see ZMTP_ALLOW_ZAP in uv.h. A handler is a REP or ROUTER that is bound at
// ZMTP_ZAP_ENDPOINT, in the same engine or in one that shares its names (zmtp_uv_join); with a REP it comes down to
// this (examples/zap.c):
//
//     struct zmtp_zap_request request;
//     struct zmtp_zap_reply reply = {.verdict = ZMTP_VERDICT_DENY};
//     if (zmtp_zap_request_decode(msg, false, &request) < 0) return;
//     if (known(&request.credentials)) reply.verdict = ZMTP_VERDICT_ALLOW;
//     zmtp_zap_reply_encode(&answer, msg, &request, &reply);
#ifndef ZMTP_ZAP_H
#define ZMTP_ZAP_H

#include "curve.h"
#include "msg.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ZMTP_ZAP_ENDPOINT "inproc://zeromq.zap.01"

// Views live as long as what they were taken from, or made of.
struct zmtp_zap_request {
    struct zmtp_bytes id; // the server's own; the reply repeats it
    struct zmtp_bytes domain;
    // "192.0.2.1", "2001:db8::1"; over ipc "localhost:uid:gid:pid", over vsock empty. inproc asks nobody.
    struct zmtp_bytes address;
    struct zmtp_bytes routing_id; // that the peer announced, if it has by then
    struct zmtp_bytes mechanism;  // its name
    bool known; // the mechanism is NULL, PLAIN or CURVE, and |credentials| are filled in
    // A password of PLAIN lies in the request, a message like any other: it came over the wire as it is, and
    // nothing on its way wipes it. A handler that must leave none behind wipes the part before it lets go of
    // the message, and knows that the queue of inproc had a copy.
    struct zmtp_credentials credentials;
    size_t envelope; // parts of the message before the version
};
struct zmtp_zap_reply {
    struct zmtp_bytes id;
    enum zmtp_verdict verdict;
    struct zmtp_bytes text;     // for people: at most 255 printable octets of ASCII
    struct zmtp_bytes user_id;  // with ZMTP_VERDICT_ALLOW; at most 255 octets
    struct zmtp_bytes metadata; // too: properties (zmtp_property_encode)
};

// Fills |msg|, which is empty, with a request as a DEALER sends it. ZMTP_ERR_ARGUMENT for a domain,
// address or mechanism that is no text of at most 255 octets of ASCII, for a routing id that is longer,
// and when the mechanism is not |known|; ZMTP_ERR_MEMORY. On failure |msg| is empty.
int zmtp_zap_request_encode(struct zmtp_msg *msg, const struct zmtp_zap_request *request);
// Reads one that a REP received, or, |enveloped|, a ROUTER: then routing ids and an empty part come
// first. ZMTP_ERR_ARGUMENT when it is no request of ZAP 1.0, or not one that RFC 27 allows.
int zmtp_zap_request_decode(const struct zmtp_msg *msg, bool enveloped,
                            struct zmtp_zap_request *out);
// Fills |msg|, which is empty, with the reply to |request|, which was read from |question|: id and
// envelope are taken from there. ZMTP_ERR_ARGUMENT for what RFC 27 does not allow, ZMTP_ERR_MEMORY. On
// failure |msg| is empty.
int zmtp_zap_reply_encode(struct zmtp_msg *msg, const struct zmtp_msg *question,
                          const struct zmtp_zap_request *request,
                          const struct zmtp_zap_reply *reply);
// Reads one that a DEALER received. ZMTP_ERR_ARGUMENT and a constant sentence at |*why|, if that is not
// null, unless it is just as RFC 27 has it; only user ids may be of any octets. Whose it is the id
// tells, which is there also when the rest is wrong, as soon as the message has three parts.
int zmtp_zap_reply_decode(const struct zmtp_msg *msg, struct zmtp_zap_reply *out, const char **why);

#ifdef __cplusplus
}
#endif
#endif
