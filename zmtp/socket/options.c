// A socket's config: what it is when nothing was said, and what is wrong with it.
#include "pattern.h"

#include <string.h>

// What fits into a packet of IPv4 behind the headers of IP and UDP.
enum { OPTIONS_DATAGRAM_MAX = 65507 };

void zmtp_socket_config_init(struct zmtp_socket_config *config, enum zmtp_socket_type type)
{
    if (!config) return;
    *config = (struct zmtp_socket_config){
        .type = type,
        .send_count_max = ZMTP_DEFAULT_HWM,
        .send_bytes_max = ZMTP_DEFAULT_HWM_BYTES,
        .recv_count_max = ZMTP_DEFAULT_HWM,
        .recv_bytes_max = ZMTP_DEFAULT_HWM_BYTES,
        .recv_bytes_gone_max = ZMTP_DEFAULT_RECV_BYTES_GONE_MAX,
        .router_mandatory = true,
        .req_correlate = true,
        .req_relaxed = true,
        .req_in_flight_max = ZMTP_DEFAULT_REQ_IN_FLIGHT_MAX,
        .stream_notify = true,
        .datagram_max = ZMTP_DEFAULT_DATAGRAM_MAX,
        .subscriptions_max = ZMTP_DEFAULT_SUBSCRIPTIONS_MAX,
        .topic_bytes_max = ZMTP_DEFAULT_TOPIC_BYTES_MAX,
    };
}

enum { OPTIONS_TEXTS = 6 };

static struct zmtp_bytes *options_text(struct zmtp_socket_config *config, size_t index)
{
    struct zmtp_bytes *const texts[OPTIONS_TEXTS] = {&config->routing_id,   &config->metadata,
                                                     &config->xpub_welcome, &config->hello,
                                                     &config->gone_notice,  &config->lost_notice};
    return texts[index];
}

int zmtp__config_copy_texts(struct zmtp_socket_config *config, struct zmtp_part *out,
                            const struct zmtp_allocator *allocator)
{
    uint8_t *room = NULL;
    size_t size = 0;
    for (size_t i = 0; i < OPTIONS_TEXTS; i++) {
        const size_t more = options_text(config, i)->size;
        if (more > SIZE_MAX - size) return ZMTP_ERR_MEMORY;
        size += more;
    }
    const int result = zmtp_part_reserve(out, size, &room, allocator);
    if (result < 0) return result;
    for (size_t i = 0; i < OPTIONS_TEXTS; i++) {
        const struct zmtp_bytes text = *options_text(config, i);
        if (text.size > 0) memcpy(room, text.data, text.size);
        room += text.size;
    }
    return ZMTP_OK;
}

void zmtp__config_turn_texts(struct zmtp_socket_config *config, const struct zmtp_part *texts)
{
    const uint8_t *at = zmtp_part_bytes(texts).data;
    for (size_t i = 0; i < OPTIONS_TEXTS; i++) {
        struct zmtp_bytes *const text = options_text(config, i);
        text->data = at;
        at += text->size;
    }
}

#define OPTIONS_OF(type) (1u << (type))

// Which types an option is for: of others it would have no effect, and whoever sets it expects one.
struct options_rule {
    bool set; // the option is not at its default
    unsigned types;
    const char *words;
};

static const char *options_stray(const struct zmtp_socket_config *config)
{
    const unsigned req = OPTIONS_OF(ZMTP_REQ), router = OPTIONS_OF(ZMTP_ROUTER);
    const unsigned dealer = OPTIONS_OF(ZMTP_DEALER), xpub = OPTIONS_OF(ZMTP_XPUB);
    const unsigned xsub = OPTIONS_OF(ZMTP_XSUB), sub = OPTIONS_OF(ZMTP_SUB);
    const unsigned pub = OPTIONS_OF(ZMTP_PUB) | xpub, radio = OPTIONS_OF(ZMTP_RADIO);
    const unsigned conflates =
        OPTIONS_OF(ZMTP_PUSH) | OPTIONS_OF(ZMTP_PULL) | OPTIONS_OF(ZMTP_PUB) | sub | dealer;
    const unsigned servers = router | OPTIONS_OF(ZMTP_SERVER) | OPTIONS_OF(ZMTP_PEER);
    const unsigned clients = dealer | OPTIONS_OF(ZMTP_CLIENT) | OPTIONS_OF(ZMTP_PEER);
    const unsigned datagrams = radio | OPTIONS_OF(ZMTP_DISH) | OPTIONS_OF(ZMTP_DGRAM);
    struct zmtp_socket_config normal;
    zmtp_socket_config_init(&normal, config->type);
    const struct options_rule rules[] = {
        {config->conflate, conflates, "socket.conflate is for PUSH, PULL, PUB, SUB and DEALER"},
        {config->send_bytes_all_max != 0, router | pub | radio,
         "socket.send_bytes_all_max is for ROUTER, PUB, XPUB and RADIO"},
        {config->router_mandatory != normal.router_mandatory, router,
         "socket.router_mandatory is for ROUTER"},
        {config->router_handover, router, "socket.router_handover is for ROUTER"},
        {config->router_tell_come, router, "socket.router_tell_come is for ROUTER"},
        {config->router_tell_gone, router, "socket.router_tell_gone is for ROUTER"},
        {config->hello.size > 0, servers | clients,
         "socket.hello is for ROUTER, DEALER, SERVER, CLIENT and PEER"},
        {config->gone_notice.size > 0, servers,
         "socket.gone_notice is for ROUTER, SERVER and PEER"},
        {config->lost_notice.size > 0, clients,
         "socket.lost_notice is for DEALER, CLIENT and PEER"},
        {config->probe_router, req | dealer | router,
         "socket.probe_router is for REQ, DEALER and ROUTER"},
        {config->req_correlate != normal.req_correlate, req, "socket.req_correlate is for REQ"},
        {config->req_relaxed != normal.req_relaxed, req, "socket.req_relaxed is for REQ"},
        {config->req_in_flight_max != normal.req_in_flight_max, req,
         "socket.req_in_flight_max is for REQ"},
        {config->req_timeout_ms != 0, req, "socket.req_timeout_ms is for REQ"},
        {config->req_retries != 0, req, "socket.req_retries is for REQ"},
        {config->subscriptions_max != normal.subscriptions_max, pub | radio,
         "socket.subscriptions_max is for PUB, XPUB and RADIO"},
        {config->topic_bytes_max != normal.topic_bytes_max, pub | radio,
         "socket.topic_bytes_max is for PUB, XPUB and RADIO"},
        {config->nodrop, pub | radio | xsub, "socket.nodrop is for PUB, XPUB, RADIO and XSUB"},
        {config->invert_matching, pub | sub, "socket.invert_matching is for PUB, XPUB and SUB"},
        {config->only_first_subscribe, pub, "socket.only_first_subscribe is for PUB and XPUB"},
        {config->xpub_mode != ZMTP_XPUB_NORMAL, xpub, "socket.xpub_mode is for XPUB"},
        {config->xpub_welcome.size > 0, xpub, "socket.xpub_welcome is for XPUB"},
        {config->stream_notify != normal.stream_notify, OPTIONS_OF(ZMTP_STREAM),
         "socket.stream_notify is for STREAM"},
        {config->datagram_max != normal.datagram_max, datagrams,
         "socket.datagram_max is for RADIO, DISH and DGRAM"},
        {config->sub_verbose_subscribe, OPTIONS_OF(ZMTP_SUB),
         "socket.sub_verbose_subscribe is for SUB"},
        {config->xsub_verbose_unsubscribe, xsub, "socket.xsub_verbose_unsubscribe is for XSUB"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].set && !(rules[i].types & OPTIONS_OF(config->type))) return rules[i].words;
    return NULL;
}

const char *zmtp__options_flaw(const struct zmtp_socket_config *config)
{
    if (!zmtp__octets_ok(config->routing_id)) return "socket.routing_id has a size and no octets";
    if (!zmtp__routing_id_ok(config, config->routing_id))
        return "socket.routing_id has more than 255 octets, or begins with a zero octet, which "
               "needs socket.routing_id_any";
    if (!zmtp__octets_ok(config->xpub_welcome))
        return "socket.xpub_welcome has a size and no octets";
    if (!zmtp__octets_ok(config->hello)) return "socket.hello has a size and no octets";
    if (!zmtp__octets_ok(config->gone_notice)) return "socket.gone_notice has a size and no octets";
    if (!zmtp__octets_ok(config->lost_notice)) return "socket.lost_notice has a size and no octets";
    if (!zmtp__octets_ok(config->metadata)) return "socket.metadata has a size and no octets";
    if (zmtp_metadata_check_application(config->metadata) < 0)
        return "socket.metadata has more than 1024 octets, or is no row of properties whose names "
               "begin with X-";
    if (config->req_in_flight_max == 0 || config->req_in_flight_max > ZMTP_REQ_IN_FLIGHT_LIMIT)
        return "socket.req_in_flight_max is not within 1 and 65536";
    if (!config->req_correlate &&
        (config->req_in_flight_max > 1 || config->req_timeout_ms > 0 || config->req_retries > 0))
        return "socket.req_in_flight_max, req_timeout_ms and req_retries need "
               "socket.req_correlate, as replies are told apart by their numbers";
    if ((unsigned)config->xpub_mode > ZMTP_XPUB_LAST_VALUE)
        return "socket.xpub_mode is none of enum zmtp_xpub_mode";
    if (config->nodrop && config->send_bytes_all_max != 0)
        return "socket.send_bytes_all_max drops what socket.nodrop forbids to drop";
    if (config->datagram_max == 0 || config->datagram_max > OPTIONS_DATAGRAM_MAX)
        return "socket.datagram_max is not within 1 and 65507";
    return options_stray(config);
}
