// A socket's options: each is taken by the types that it is for, and refused by all others.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "zmtp/socket.h"

static void set_conflate(struct zmtp_socket_config *c)
{
    c->conflate = true;
}
static void set_mandatory(struct zmtp_socket_config *c)
{
    c->router_mandatory = false;
}
static void set_all_max(struct zmtp_socket_config *c)
{
    c->send_bytes_all_max = 1;
}
static void set_handover(struct zmtp_socket_config *c)
{
    c->router_handover = true;
}
static void set_probe(struct zmtp_socket_config *c)
{
    c->probe_router = true;
}
static void set_correlate(struct zmtp_socket_config *c)
{
    c->req_correlate = false;
}
static void set_relaxed(struct zmtp_socket_config *c)
{
    c->req_relaxed = false;
}
static void set_in_flight(struct zmtp_socket_config *c)
{
    c->req_in_flight_max = 2;
}
static void set_timeout(struct zmtp_socket_config *c)
{
    c->req_timeout_ms = 1;
}
static void set_retries(struct zmtp_socket_config *c)
{
    c->req_retries = 1;
}
static void set_subscriptions(struct zmtp_socket_config *c)
{
    c->subscriptions_max = 0;
}
static void set_topic_bytes(struct zmtp_socket_config *c)
{
    c->topic_bytes_max = 1;
}
static void set_nodrop(struct zmtp_socket_config *c)
{
    c->nodrop = true;
}
static void set_invert(struct zmtp_socket_config *c)
{
    c->invert_matching = true;
}
static void set_only_first(struct zmtp_socket_config *c)
{
    c->only_first_subscribe = true;
}
static void set_mode(struct zmtp_socket_config *c)
{
    c->xpub_mode = ZMTP_XPUB_VERBOSE;
}
static void set_welcome(struct zmtp_socket_config *c)
{
    c->xpub_welcome = zmtp_bytes_text("hi");
}
static void set_notify(struct zmtp_socket_config *c)
{
    c->stream_notify = false;
}
static void set_datagram(struct zmtp_socket_config *c)
{
    c->datagram_max = 1;
}
static void set_verbose_end(struct zmtp_socket_config *c)
{
    c->xsub_verbose_unsubscribe = true;
}
static void set_verbose_sub(struct zmtp_socket_config *c)
{
    c->sub_verbose_subscribe = true;
}
static void set_tell_come(struct zmtp_socket_config *c)
{
    c->router_tell_come = true;
}
static void set_tell_gone(struct zmtp_socket_config *c)
{
    c->router_tell_gone = true;
}
static void set_hello(struct zmtp_socket_config *c)
{
    c->hello = zmtp_bytes_text("hi");
}
static void set_gone_notice(struct zmtp_socket_config *c)
{
    c->gone_notice = zmtp_bytes_text("gone");
}
static void set_lost_notice(struct zmtp_socket_config *c)
{
    c->lost_notice = zmtp_bytes_text("lost");
}

// As socket.h has it.
static const struct option {
    const char *name;
    void (*set)(struct zmtp_socket_config *config);
    const char *types; // as zmtp_socket_type_name tells them, a space around each
} options[] = {
    {"conflate", set_conflate, " PUSH PULL PUB SUB DEALER "},
    {"send_bytes_all_max", set_all_max, " ROUTER PUB XPUB RADIO "},
    {"router_mandatory", set_mandatory, " ROUTER "},
    {"router_handover", set_handover, " ROUTER "},
    {"probe_router", set_probe, " REQ DEALER ROUTER "},
    {"req_correlate", set_correlate, " REQ "},
    {"req_relaxed", set_relaxed, " REQ "},
    {"req_in_flight_max", set_in_flight, " REQ "},
    {"req_timeout_ms", set_timeout, " REQ "},
    {"req_retries", set_retries, " REQ "},
    {"subscriptions_max", set_subscriptions, " PUB XPUB RADIO "},
    {"topic_bytes_max", set_topic_bytes, " PUB XPUB RADIO "},
    {"nodrop", set_nodrop, " PUB XPUB RADIO XSUB "},
    {"invert_matching", set_invert, " PUB XPUB SUB "},
    {"only_first_subscribe", set_only_first, " PUB XPUB "},
    {"xpub_mode", set_mode, " XPUB "},
    {"xpub_welcome", set_welcome, " XPUB "},
    {"stream_notify", set_notify, " STREAM "},
    {"datagram_max", set_datagram, " RADIO DISH DGRAM "},
    {"router_tell_come", set_tell_come, " ROUTER "},
    {"router_tell_gone", set_tell_gone, " ROUTER "},
    {"hello", set_hello, " ROUTER DEALER SERVER CLIENT PEER "},
    {"gone_notice", set_gone_notice, " ROUTER SERVER PEER "},
    {"lost_notice", set_lost_notice, " DEALER CLIENT PEER "},
    {"sub_verbose_subscribe", set_verbose_sub, " SUB "},
    {"xsub_verbose_unsubscribe", set_verbose_end, " XSUB "},
};

static void check(const struct option *option, enum zmtp_socket_type type)
{
    struct zmtp_socket_config config;
    char name[16], words[64];
    const char *why = "";
    zmtp_socket_config_init(&config, type);
    assert_int_equal(zmtp_socket_config_check(&config, NULL), ZMTP_OK);
    option->set(&config);
    snprintf(name, sizeof name, " %s ", zmtp_socket_type_name(type));
    const bool taken = strstr(option->types, name) != NULL;
    const int result = zmtp_socket_config_check(&config, &why);
    if (result != (taken ? ZMTP_OK : ZMTP_ERR_ARGUMENT))
        fail_msg("%s of a %s: %s", option->name, name, zmtp_err_name(result));
    if (taken) return;
    struct zmtp_socket *socket;
    assert_int_equal(zmtp_socket_open(&socket, &config), ZMTP_ERR_ARGUMENT);
    assert_null(socket);
    snprintf(words, sizeof words, "socket.%s is for ", option->name);
    if (strncmp(why, words, strlen(words)) != 0) fail_msg("\"%s\"", why);
}

static void test_an_option_is_for_its_types_and_refused_by_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        for (enum zmtp_socket_type type = 0; type < ZMTP_SOCKET_TYPES; type++)
            check(&options[i], type);
}

static void test_the_words_name_every_type_that_has_the_option(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        struct zmtp_socket_config config;
        const char *why = "";
        zmtp_socket_config_init(&config, ZMTP_CHANNEL);
        options[i].set(&config);
        assert_int_equal(zmtp_socket_config_check(&config, &why), ZMTP_ERR_ARGUMENT);
        for (enum zmtp_socket_type type = 0; type < ZMTP_SOCKET_TYPES; type++) {
            char name[16];
            snprintf(name, sizeof name, " %s ", zmtp_socket_type_name(type));
            if (strstr(options[i].types, name))
                assert_non_null(strstr(why, zmtp_socket_type_name(type)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_option_is_for_its_types_and_refused_by_others),
        cmocka_unit_test(test_the_words_name_every_type_that_has_the_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
