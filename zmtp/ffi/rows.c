// Generated from ffi.h and mock.h: zmtp/pkg/ffi_abi --write
// clang-format off
#include "manifest.h"

#include "mock.h"

const struct zmtp__ffi_constant zmtp__ffi_constants[] = {
    {"ZMTP_FFI_VERSION", ZMTP_FFI_VERSION},
    {"ZMTP_FFI_OK", ZMTP_FFI_OK},
    {"ZMTP_FFI_ARGUMENT", ZMTP_FFI_ARGUMENT},
    {"ZMTP_FFI_STATE", ZMTP_FFI_STATE},
    {"ZMTP_FFI_UNSUPPORTED", ZMTP_FFI_UNSUPPORTED},
    {"ZMTP_FFI_ENDPOINT", ZMTP_FFI_ENDPOINT},
    {"ZMTP_FFI_TRANSPORT", ZMTP_FFI_TRANSPORT},
    {"ZMTP_FFI_AGAIN", ZMTP_FFI_AGAIN},
    {"ZMTP_FFI_MEMORY", ZMTP_FFI_MEMORY},
    {"ZMTP_FFI_UNREACHABLE", ZMTP_FFI_UNREACHABLE},
    {"ZMTP_FFI_IN_USE", ZMTP_FFI_IN_USE},
    {"ZMTP_FFI_NOT_FOUND", ZMTP_FFI_NOT_FOUND},
    {"ZMTP_FFI_ACCESS", ZMTP_FFI_ACCESS},
    {"ZMTP_FFI_DESCRIPTORS", ZMTP_FFI_DESCRIPTORS},
    {"ZMTP_FFI_SYSTEM", ZMTP_FFI_SYSTEM},
    {"ZMTP_FFI_NO_REPLY", ZMTP_FFI_NO_REPLY},
    {"ZMTP_FFI_LIMIT", ZMTP_FFI_LIMIT},
    {"ZMTP_FFI_HANDLE", ZMTP_FFI_HANDLE},
    {"ZMTP_FFI_CLOSED", ZMTP_FFI_CLOSED},
    {"ZMTP_FFI_LIBRARY", ZMTP_FFI_LIBRARY},
    {"ZMTP_FFI_PAIR", ZMTP_FFI_PAIR},
    {"ZMTP_FFI_PUB", ZMTP_FFI_PUB},
    {"ZMTP_FFI_SUB", ZMTP_FFI_SUB},
    {"ZMTP_FFI_REQ", ZMTP_FFI_REQ},
    {"ZMTP_FFI_REP", ZMTP_FFI_REP},
    {"ZMTP_FFI_DEALER", ZMTP_FFI_DEALER},
    {"ZMTP_FFI_ROUTER", ZMTP_FFI_ROUTER},
    {"ZMTP_FFI_PULL", ZMTP_FFI_PULL},
    {"ZMTP_FFI_PUSH", ZMTP_FFI_PUSH},
    {"ZMTP_FFI_XPUB", ZMTP_FFI_XPUB},
    {"ZMTP_FFI_XSUB", ZMTP_FFI_XSUB},
    {"ZMTP_FFI_STREAM", ZMTP_FFI_STREAM},
    {"ZMTP_FFI_SERVER", ZMTP_FFI_SERVER},
    {"ZMTP_FFI_CLIENT", ZMTP_FFI_CLIENT},
    {"ZMTP_FFI_RADIO", ZMTP_FFI_RADIO},
    {"ZMTP_FFI_DISH", ZMTP_FFI_DISH},
    {"ZMTP_FFI_GATHER", ZMTP_FFI_GATHER},
    {"ZMTP_FFI_SCATTER", ZMTP_FFI_SCATTER},
    {"ZMTP_FFI_DGRAM", ZMTP_FFI_DGRAM},
    {"ZMTP_FFI_PEER", ZMTP_FFI_PEER},
    {"ZMTP_FFI_CHANNEL", ZMTP_FFI_CHANNEL},
    {"ZMTP_FFI_IN", ZMTP_FFI_IN},
    {"ZMTP_FFI_OUT", ZMTP_FFI_OUT},
    {"ZMTP_FFI_ERROR", ZMTP_FFI_ERROR},
    {"ZMTP_FFI_ENDED", ZMTP_FFI_ENDED},
    {"ZMTP_FFI_KIND_CONTEXT", ZMTP_FFI_KIND_CONTEXT},
    {"ZMTP_FFI_KIND_SOCKET", ZMTP_FFI_KIND_SOCKET},
    {"ZMTP_FFI_KIND_MESSAGE", ZMTP_FFI_KIND_MESSAGE},
    {"ZMTP_FFI_KIND_POLLER", ZMTP_FFI_KIND_POLLER},
    {"ZMTP_FFI_KIND_MONITOR", ZMTP_FFI_KIND_MONITOR},
    {"ZMTP_FFI_CONTEXT_IO_THREADS", ZMTP_FFI_CONTEXT_IO_THREADS},
    {"ZMTP_FFI_CONTEXT_MAX_SOCKETS", ZMTP_FFI_CONTEXT_MAX_SOCKETS},
    {"ZMTP_FFI_CONTEXT_IPV6", ZMTP_FFI_CONTEXT_IPV6},
    {"ZMTP_FFI_OPTION_AFFINITY", ZMTP_FFI_OPTION_AFFINITY},
    {"ZMTP_FFI_OPTION_ROUTING_ID", ZMTP_FFI_OPTION_ROUTING_ID},
    {"ZMTP_FFI_OPTION_SNDBUF", ZMTP_FFI_OPTION_SNDBUF},
    {"ZMTP_FFI_OPTION_RCVBUF", ZMTP_FFI_OPTION_RCVBUF},
    {"ZMTP_FFI_OPTION_TYPE", ZMTP_FFI_OPTION_TYPE},
    {"ZMTP_FFI_OPTION_LINGER", ZMTP_FFI_OPTION_LINGER},
    {"ZMTP_FFI_OPTION_RECONNECT_IVL", ZMTP_FFI_OPTION_RECONNECT_IVL},
    {"ZMTP_FFI_OPTION_BACKLOG", ZMTP_FFI_OPTION_BACKLOG},
    {"ZMTP_FFI_OPTION_RECONNECT_IVL_MAX", ZMTP_FFI_OPTION_RECONNECT_IVL_MAX},
    {"ZMTP_FFI_OPTION_MAXMSGSIZE", ZMTP_FFI_OPTION_MAXMSGSIZE},
    {"ZMTP_FFI_OPTION_SNDHWM", ZMTP_FFI_OPTION_SNDHWM},
    {"ZMTP_FFI_OPTION_RCVHWM", ZMTP_FFI_OPTION_RCVHWM},
    {"ZMTP_FFI_OPTION_MULTICAST_HOPS", ZMTP_FFI_OPTION_MULTICAST_HOPS},
    {"ZMTP_FFI_OPTION_LAST_ENDPOINT", ZMTP_FFI_OPTION_LAST_ENDPOINT},
    {"ZMTP_FFI_OPTION_ROUTER_MANDATORY", ZMTP_FFI_OPTION_ROUTER_MANDATORY},
    {"ZMTP_FFI_OPTION_TCP_KEEPALIVE", ZMTP_FFI_OPTION_TCP_KEEPALIVE},
    {"ZMTP_FFI_OPTION_TCP_KEEPALIVE_CNT", ZMTP_FFI_OPTION_TCP_KEEPALIVE_CNT},
    {"ZMTP_FFI_OPTION_TCP_KEEPALIVE_IDLE", ZMTP_FFI_OPTION_TCP_KEEPALIVE_IDLE},
    {"ZMTP_FFI_OPTION_TCP_KEEPALIVE_INTVL", ZMTP_FFI_OPTION_TCP_KEEPALIVE_INTVL},
    {"ZMTP_FFI_OPTION_IMMEDIATE", ZMTP_FFI_OPTION_IMMEDIATE},
    {"ZMTP_FFI_OPTION_XPUB_VERBOSE", ZMTP_FFI_OPTION_XPUB_VERBOSE},
    {"ZMTP_FFI_OPTION_IPV6", ZMTP_FFI_OPTION_IPV6},
    {"ZMTP_FFI_OPTION_MECHANISM", ZMTP_FFI_OPTION_MECHANISM},
    {"ZMTP_FFI_OPTION_PLAIN_SERVER", ZMTP_FFI_OPTION_PLAIN_SERVER},
    {"ZMTP_FFI_OPTION_PLAIN_USERNAME", ZMTP_FFI_OPTION_PLAIN_USERNAME},
    {"ZMTP_FFI_OPTION_PLAIN_PASSWORD", ZMTP_FFI_OPTION_PLAIN_PASSWORD},
    {"ZMTP_FFI_OPTION_CURVE_SERVER", ZMTP_FFI_OPTION_CURVE_SERVER},
    {"ZMTP_FFI_OPTION_CURVE_PUBLICKEY", ZMTP_FFI_OPTION_CURVE_PUBLICKEY},
    {"ZMTP_FFI_OPTION_CURVE_SECRETKEY", ZMTP_FFI_OPTION_CURVE_SECRETKEY},
    {"ZMTP_FFI_OPTION_CURVE_SERVERKEY", ZMTP_FFI_OPTION_CURVE_SERVERKEY},
    {"ZMTP_FFI_OPTION_PROBE_ROUTER", ZMTP_FFI_OPTION_PROBE_ROUTER},
    {"ZMTP_FFI_OPTION_REQ_CORRELATE", ZMTP_FFI_OPTION_REQ_CORRELATE},
    {"ZMTP_FFI_OPTION_REQ_RELAXED", ZMTP_FFI_OPTION_REQ_RELAXED},
    {"ZMTP_FFI_OPTION_CONFLATE", ZMTP_FFI_OPTION_CONFLATE},
    {"ZMTP_FFI_OPTION_ZAP_DOMAIN", ZMTP_FFI_OPTION_ZAP_DOMAIN},
    {"ZMTP_FFI_OPTION_ROUTER_HANDOVER", ZMTP_FFI_OPTION_ROUTER_HANDOVER},
    {"ZMTP_FFI_OPTION_TOS", ZMTP_FFI_OPTION_TOS},
    {"ZMTP_FFI_OPTION_CONNECT_ROUTING_ID", ZMTP_FFI_OPTION_CONNECT_ROUTING_ID},
    {"ZMTP_FFI_OPTION_HANDSHAKE_IVL", ZMTP_FFI_OPTION_HANDSHAKE_IVL},
    {"ZMTP_FFI_OPTION_XPUB_NODROP", ZMTP_FFI_OPTION_XPUB_NODROP},
    {"ZMTP_FFI_OPTION_XPUB_MANUAL", ZMTP_FFI_OPTION_XPUB_MANUAL},
    {"ZMTP_FFI_OPTION_XPUB_WELCOME_MSG", ZMTP_FFI_OPTION_XPUB_WELCOME_MSG},
    {"ZMTP_FFI_OPTION_STREAM_NOTIFY", ZMTP_FFI_OPTION_STREAM_NOTIFY},
    {"ZMTP_FFI_OPTION_INVERT_MATCHING", ZMTP_FFI_OPTION_INVERT_MATCHING},
    {"ZMTP_FFI_OPTION_HEARTBEAT_IVL", ZMTP_FFI_OPTION_HEARTBEAT_IVL},
    {"ZMTP_FFI_OPTION_HEARTBEAT_TTL", ZMTP_FFI_OPTION_HEARTBEAT_TTL},
    {"ZMTP_FFI_OPTION_HEARTBEAT_TIMEOUT", ZMTP_FFI_OPTION_HEARTBEAT_TIMEOUT},
    {"ZMTP_FFI_OPTION_XPUB_VERBOSER", ZMTP_FFI_OPTION_XPUB_VERBOSER},
    {"ZMTP_FFI_OPTION_CONNECT_TIMEOUT", ZMTP_FFI_OPTION_CONNECT_TIMEOUT},
    {"ZMTP_FFI_OPTION_TCP_MAXRT", ZMTP_FFI_OPTION_TCP_MAXRT},
    {"ZMTP_FFI_OPTION_BINDTODEVICE", ZMTP_FFI_OPTION_BINDTODEVICE},
    {"ZMTP_FFI_OPTION_METADATA", ZMTP_FFI_OPTION_METADATA},
    {"ZMTP_FFI_NEWS_CONNECTED", ZMTP_FFI_NEWS_CONNECTED},
    {"ZMTP_FFI_NEWS_CONNECT_DELAYED", ZMTP_FFI_NEWS_CONNECT_DELAYED},
    {"ZMTP_FFI_NEWS_CONNECT_RETRIED", ZMTP_FFI_NEWS_CONNECT_RETRIED},
    {"ZMTP_FFI_NEWS_LISTENING", ZMTP_FFI_NEWS_LISTENING},
    {"ZMTP_FFI_NEWS_BIND_FAILED", ZMTP_FFI_NEWS_BIND_FAILED},
    {"ZMTP_FFI_NEWS_ACCEPTED", ZMTP_FFI_NEWS_ACCEPTED},
    {"ZMTP_FFI_NEWS_ACCEPT_FAILED", ZMTP_FFI_NEWS_ACCEPT_FAILED},
    {"ZMTP_FFI_NEWS_CLOSED", ZMTP_FFI_NEWS_CLOSED},
    {"ZMTP_FFI_NEWS_DISCONNECTED", ZMTP_FFI_NEWS_DISCONNECTED},
    {"ZMTP_FFI_NEWS_MONITOR_STOPPED", ZMTP_FFI_NEWS_MONITOR_STOPPED},
    {"ZMTP_FFI_NEWS_HANDSHAKE_FAILED_NO_DETAIL", ZMTP_FFI_NEWS_HANDSHAKE_FAILED_NO_DETAIL},
    {"ZMTP_FFI_NEWS_HANDSHAKE_SUCCEEDED", ZMTP_FFI_NEWS_HANDSHAKE_SUCCEEDED},
    {"ZMTP_FFI_NEWS_HANDSHAKE_FAILED_PROTOCOL", ZMTP_FFI_NEWS_HANDSHAKE_FAILED_PROTOCOL},
    {"ZMTP_FFI_NEWS_HANDSHAKE_FAILED_AUTH", ZMTP_FFI_NEWS_HANDSHAKE_FAILED_AUTH},
    {"ZMTP_FFI_NEWS_ALL", ZMTP_FFI_NEWS_ALL},
    {"ZMTP_FFI_STAT_SENT", ZMTP_FFI_STAT_SENT},
    {"ZMTP_FFI_STAT_COPIES", ZMTP_FFI_STAT_COPIES},
    {"ZMTP_FFI_STAT_LEFT", ZMTP_FFI_STAT_LEFT},
    {"ZMTP_FFI_STAT_QUEUED", ZMTP_FFI_STAT_QUEUED},
    {"ZMTP_FFI_STAT_LOST", ZMTP_FFI_STAT_LOST},
    {"ZMTP_FFI_STAT_ARRIVED", ZMTP_FFI_STAT_ARRIVED},
    {"ZMTP_FFI_STAT_RECEIVED", ZMTP_FFI_STAT_RECEIVED},
    {"ZMTP_FFI_STAT_WAITING", ZMTP_FFI_STAT_WAITING},
    {"ZMTP_FFI_STAT_DISCARDED", ZMTP_FFI_STAT_DISCARDED},
    {"ZMTP_FFI_STAT_DROPPED", ZMTP_FFI_STAT_DROPPED},
    {"ZMTP_FFI_STAT_SUBSCRIBERS", ZMTP_FFI_STAT_SUBSCRIBERS},
    {"ZMTP_FFI_ENDPOINT_MAX", ZMTP_FFI_ENDPOINT_MAX},
    {"ZMTP_FFI_KEY_TEXT_SIZE", ZMTP_FFI_KEY_TEXT_SIZE},
    {"ZMTP_FFI_KEY_SIZE", ZMTP_FFI_KEY_SIZE},
    {"ZMTP_FFI_PARTS_MAX", ZMTP_FFI_PARTS_MAX},
};
const int32_t zmtp__ffi_constants_count = sizeof zmtp__ffi_constants / sizeof *zmtp__ffi_constants;

const struct zmtp__ffi_function zmtp__ffi_functions[] = {
    {"zmtp_ffi_version", "int32()", ""},
    {"zmtp_ffi_library_version", "text()", ""},
    {"zmtp_ffi_uv_version", "int32()", ""},
    {"zmtp_ffi_check", "int32()", ""},
    {"zmtp_ffi_has", "int32(text)", "capability"},
    {"zmtp_ffi_code_name", "text(int32)", "code"},
    {"zmtp_ffi_code_text", "text(int32)", "code"},
    {"zmtp_ffi_news_name", "text(int32)", "news"},
    {"zmtp_ffi_constant_count", "int32()", ""},
    {"zmtp_ffi_constant_name", "text(int32)", "index"},
    {"zmtp_ffi_constant_value", "int64(int32)", "index"},
    {"zmtp_ffi_constant_find", "int32(text,int64_room)", "name,value"},
    {"zmtp_ffi_function_count", "int32()", ""},
    {"zmtp_ffi_function_name", "text(int32)", "index"},
    {"zmtp_ffi_function_signature", "text(int32)", "index"},
    {"zmtp_ffi_manifest", "text()", ""},
    {"zmtp_ffi_close", "int32(uint64)", "handle"},
    {"zmtp_ffi_kind", "int32(uint64)", "handle"},
    {"zmtp_ffi_handle_count", "int32()", ""},
    {"zmtp_ffi_context_open", "int64()", ""},
    {"zmtp_ffi_context_set", "int32(uint64,int32,int64)", "context,option,value"},
    {"zmtp_ffi_context_get", "int64(uint64,int32)", "context,option"},
    {"zmtp_ffi_drain", "int32(uint64,int32)", "context,wait_ms"},
    {"zmtp_ffi_socket_open", "int64(uint64,int32)", "context,type"},
    {"zmtp_ffi_bind", "int32(uint64,text)", "socket,endpoint"},
    {"zmtp_ffi_connect", "int32(uint64,text)", "socket,endpoint"},
    {"zmtp_ffi_connect_peer", "int64(uint64,text)", "socket,endpoint"},
    {"zmtp_ffi_unbind", "int32(uint64,text)", "socket,endpoint"},
    {"zmtp_ffi_disconnect", "int32(uint64,text)", "socket,endpoint"},
    {"zmtp_ffi_subscribe", "int32(uint64,octets,size)", "socket,octets,size"},
    {"zmtp_ffi_unsubscribe", "int32(uint64,octets,size)", "socket,octets,size"},
    {"zmtp_ffi_join", "int32(uint64,text)", "socket,group"},
    {"zmtp_ffi_leave", "int32(uint64,text)", "socket,group"},
    {"zmtp_ffi_set_number", "int32(uint64,int32,int64)", "socket,option,value"},
    {"zmtp_ffi_get_number", "int32(uint64,int32,int64_room)", "socket,option,value"},
    {"zmtp_ffi_set_octets", "int32(uint64,int32,octets,size)", "socket,option,octets,size"},
    {"zmtp_ffi_get_octets", "int64(uint64,int32,room,size)", "socket,option,room,size"},
    {"zmtp_ffi_send_try", "int32(uint64,octets,size,int32)", "socket,octets,size,more"},
    {"zmtp_ffi_send_wait", "int32(uint64,octets,size,int32,int32)", "socket,octets,size,more,wait_ms"},
    {"zmtp_ffi_receive_try", "int64(uint64,room,size)", "socket,room,size"},
    {"zmtp_ffi_receive_wait", "int64(uint64,room,size,int32)", "socket,room,size,wait_ms"},
    {"zmtp_ffi_next_size", "int64(uint64)", "socket"},
    {"zmtp_ffi_more", "int32(uint64)", "socket"},
    {"zmtp_ffi_message_open", "int64()", ""},
    {"zmtp_ffi_message_clear", "int32(uint64)", "message"},
    {"zmtp_ffi_message_add", "int32(uint64,octets,size)", "message,octets,size"},
    {"zmtp_ffi_message_count", "int32(uint64)", "message"},
    {"zmtp_ffi_message_size", "int64(uint64,int32)", "message,index"},
    {"zmtp_ffi_message_get", "int64(uint64,int32,room,size)", "message,index,room,size"},
    {"zmtp_ffi_message_routing_id", "int64(uint64)", "message"},
    {"zmtp_ffi_message_set_routing_id", "int32(uint64,uint32)", "message,routing_id"},
    {"zmtp_ffi_message_property", "int64(uint64,text,room,size)", "message,name,room,size"},
    {"zmtp_ffi_message_send_try", "int32(uint64,uint64)", "socket,message"},
    {"zmtp_ffi_message_send_wait", "int32(uint64,uint64,int32)", "socket,message,wait_ms"},
    {"zmtp_ffi_message_receive_try", "int32(uint64,uint64)", "socket,message"},
    {"zmtp_ffi_message_receive_wait", "int32(uint64,uint64,int32)", "socket,message,wait_ms"},
    {"zmtp_ffi_events", "int32(uint64)", "socket"},
    {"zmtp_ffi_events_wait", "int32(uint64,int32,int32)", "socket,events,wait_ms"},
    {"zmtp_ffi_descriptor", "int32(uint64)", "handle"},
    {"zmtp_ffi_poller_open", "int64()", ""},
    {"zmtp_ffi_poller_add", "int32(uint64,uint64,int32)", "poller,handle,events"},
    {"zmtp_ffi_poller_add_descriptor", "int32(uint64,int32,int32)", "poller,descriptor,events"},
    {"zmtp_ffi_poller_remove", "int32(uint64,uint64)", "poller,handle"},
    {"zmtp_ffi_poller_remove_descriptor", "int32(uint64,int32)", "poller,descriptor"},
    {"zmtp_ffi_poller_count", "int32(uint64)", "poller"},
    {"zmtp_ffi_poller_try", "int32(uint64)", "poller"},
    {"zmtp_ffi_poller_wait", "int32(uint64,int32)", "poller,wait_ms"},
    {"zmtp_ffi_poller_handle", "int64(uint64,int32)", "poller,index"},
    {"zmtp_ffi_poller_descriptor", "int32(uint64,int32)", "poller,index"},
    {"zmtp_ffi_poller_events", "int32(uint64,int32)", "poller,index"},
    {"zmtp_ffi_monitor_open", "int64(uint64,int32)", "socket,news"},
    {"zmtp_ffi_monitor_try", "int32(uint64)", "monitor"},
    {"zmtp_ffi_monitor_wait", "int32(uint64,int32)", "monitor,wait_ms"},
    {"zmtp_ffi_monitor_value", "int64(uint64)", "monitor"},
    {"zmtp_ffi_monitor_endpoint", "int64(uint64,room,size)", "monitor,room,size"},
    {"zmtp_ffi_stat", "int64(uint64,int32)", "socket,stat"},
    {"zmtp_ffi_keygen", "int32(room,room)", "public_key,secret_key"},
    {"zmtp_ffi_key_public", "int32(text,room)", "secret_key,public_key"},
};
const int32_t zmtp__ffi_functions_count = sizeof zmtp__ffi_functions / sizeof *zmtp__ffi_functions;

const struct zmtp__ffi_function zmtp__ffi_mocks[] = {
    {"zmtp_mock_loss", "int32(uint64,int32,uint32)", "socket,per_mille,seed"},
    {"zmtp_mock_drop", "int32(uint64,int32)", "socket,count"},
    {"zmtp_mock_lost", "int64(uint64)", "socket"},
    {"zmtp_mock_delay", "int32(uint64,int32)", "socket,delay_ms"},
    {"zmtp_mock_cut", "int32(text,int32)", "endpoint,for_ms"},
    {"zmtp_mock_fail", "int32(text,int32,int32,int32)", "function,code,after,times"},
    {"zmtp_mock_reply", "int32(text,octets,size,octets,size)", "endpoint,request,request_size,reply,reply_size"},
    {"zmtp_mock_reset", "int32()", ""},
};
const int32_t zmtp__ffi_mocks_count = sizeof zmtp__ffi_mocks / sizeof *zmtp__ffi_mocks;

// A header has changed, and this file has not.
#define SAME(name, ...) \
    _Static_assert(_Generic(&name, __VA_ARGS__: 1, default: 0), "zmtp/pkg/ffi_abi --write")
SAME(zmtp_ffi_version, int32_t (*)(void));
SAME(zmtp_ffi_library_version, const char * (*)(void));
SAME(zmtp_ffi_uv_version, int32_t (*)(void));
SAME(zmtp_ffi_check, int32_t (*)(void));
SAME(zmtp_ffi_has, int32_t (*)(const char *));
SAME(zmtp_ffi_code_name, const char * (*)(int32_t));
SAME(zmtp_ffi_code_text, const char * (*)(int32_t));
SAME(zmtp_ffi_news_name, const char * (*)(int32_t));
SAME(zmtp_ffi_constant_count, int32_t (*)(void));
SAME(zmtp_ffi_constant_name, const char * (*)(int32_t));
SAME(zmtp_ffi_constant_value, int64_t (*)(int32_t));
SAME(zmtp_ffi_constant_find, int32_t (*)(const char *, int64_t *));
SAME(zmtp_ffi_function_count, int32_t (*)(void));
SAME(zmtp_ffi_function_name, const char * (*)(int32_t));
SAME(zmtp_ffi_function_signature, const char * (*)(int32_t));
SAME(zmtp_ffi_manifest, const char * (*)(void));
SAME(zmtp_ffi_close, int32_t (*)(uint64_t));
SAME(zmtp_ffi_kind, int32_t (*)(uint64_t));
SAME(zmtp_ffi_handle_count, int32_t (*)(void));
SAME(zmtp_ffi_context_open, int64_t (*)(void));
SAME(zmtp_ffi_context_set, int32_t (*)(uint64_t, int32_t, int64_t));
SAME(zmtp_ffi_context_get, int64_t (*)(uint64_t, int32_t));
SAME(zmtp_ffi_drain, int32_t (*)(uint64_t, int32_t));
SAME(zmtp_ffi_socket_open, int64_t (*)(uint64_t, int32_t));
SAME(zmtp_ffi_bind, int32_t (*)(uint64_t, const char *));
SAME(zmtp_ffi_connect, int32_t (*)(uint64_t, const char *));
SAME(zmtp_ffi_connect_peer, int64_t (*)(uint64_t, const char *));
SAME(zmtp_ffi_unbind, int32_t (*)(uint64_t, const char *));
SAME(zmtp_ffi_disconnect, int32_t (*)(uint64_t, const char *));
SAME(zmtp_ffi_subscribe, int32_t (*)(uint64_t, const void *, size_t));
SAME(zmtp_ffi_unsubscribe, int32_t (*)(uint64_t, const void *, size_t));
SAME(zmtp_ffi_join, int32_t (*)(uint64_t, const char *));
SAME(zmtp_ffi_leave, int32_t (*)(uint64_t, const char *));
SAME(zmtp_ffi_set_number, int32_t (*)(uint64_t, int32_t, int64_t));
SAME(zmtp_ffi_get_number, int32_t (*)(uint64_t, int32_t, int64_t *));
SAME(zmtp_ffi_set_octets, int32_t (*)(uint64_t, int32_t, const void *, size_t));
SAME(zmtp_ffi_get_octets, int64_t (*)(uint64_t, int32_t, void *, size_t));
SAME(zmtp_ffi_send_try, int32_t (*)(uint64_t, const void *, size_t, int32_t));
SAME(zmtp_ffi_send_wait, int32_t (*)(uint64_t, const void *, size_t, int32_t, int32_t));
SAME(zmtp_ffi_receive_try, int64_t (*)(uint64_t, void *, size_t));
SAME(zmtp_ffi_receive_wait, int64_t (*)(uint64_t, void *, size_t, int32_t));
SAME(zmtp_ffi_next_size, int64_t (*)(uint64_t));
SAME(zmtp_ffi_more, int32_t (*)(uint64_t));
SAME(zmtp_ffi_message_open, int64_t (*)(void));
SAME(zmtp_ffi_message_clear, int32_t (*)(uint64_t));
SAME(zmtp_ffi_message_add, int32_t (*)(uint64_t, const void *, size_t));
SAME(zmtp_ffi_message_count, int32_t (*)(uint64_t));
SAME(zmtp_ffi_message_size, int64_t (*)(uint64_t, int32_t));
SAME(zmtp_ffi_message_get, int64_t (*)(uint64_t, int32_t, void *, size_t));
SAME(zmtp_ffi_message_routing_id, int64_t (*)(uint64_t));
SAME(zmtp_ffi_message_set_routing_id, int32_t (*)(uint64_t, uint32_t));
SAME(zmtp_ffi_message_property, int64_t (*)(uint64_t, const char *, void *, size_t));
SAME(zmtp_ffi_message_send_try, int32_t (*)(uint64_t, uint64_t));
SAME(zmtp_ffi_message_send_wait, int32_t (*)(uint64_t, uint64_t, int32_t));
SAME(zmtp_ffi_message_receive_try, int32_t (*)(uint64_t, uint64_t));
SAME(zmtp_ffi_message_receive_wait, int32_t (*)(uint64_t, uint64_t, int32_t));
SAME(zmtp_ffi_events, int32_t (*)(uint64_t));
SAME(zmtp_ffi_events_wait, int32_t (*)(uint64_t, int32_t, int32_t));
SAME(zmtp_ffi_descriptor, int32_t (*)(uint64_t));
SAME(zmtp_ffi_poller_open, int64_t (*)(void));
SAME(zmtp_ffi_poller_add, int32_t (*)(uint64_t, uint64_t, int32_t));
SAME(zmtp_ffi_poller_add_descriptor, int32_t (*)(uint64_t, int32_t, int32_t));
SAME(zmtp_ffi_poller_remove, int32_t (*)(uint64_t, uint64_t));
SAME(zmtp_ffi_poller_remove_descriptor, int32_t (*)(uint64_t, int32_t));
SAME(zmtp_ffi_poller_count, int32_t (*)(uint64_t));
SAME(zmtp_ffi_poller_try, int32_t (*)(uint64_t));
SAME(zmtp_ffi_poller_wait, int32_t (*)(uint64_t, int32_t));
SAME(zmtp_ffi_poller_handle, int64_t (*)(uint64_t, int32_t));
SAME(zmtp_ffi_poller_descriptor, int32_t (*)(uint64_t, int32_t));
SAME(zmtp_ffi_poller_events, int32_t (*)(uint64_t, int32_t));
SAME(zmtp_ffi_monitor_open, int64_t (*)(uint64_t, int32_t));
SAME(zmtp_ffi_monitor_try, int32_t (*)(uint64_t));
SAME(zmtp_ffi_monitor_wait, int32_t (*)(uint64_t, int32_t));
SAME(zmtp_ffi_monitor_value, int64_t (*)(uint64_t));
SAME(zmtp_ffi_monitor_endpoint, int64_t (*)(uint64_t, void *, size_t));
SAME(zmtp_ffi_stat, int64_t (*)(uint64_t, int32_t));
SAME(zmtp_ffi_keygen, int32_t (*)(void *, void *));
SAME(zmtp_ffi_key_public, int32_t (*)(const char *, void *));
SAME(zmtp_mock_loss, int32_t (*)(uint64_t, int32_t, uint32_t));
SAME(zmtp_mock_drop, int32_t (*)(uint64_t, int32_t));
SAME(zmtp_mock_lost, int64_t (*)(uint64_t));
SAME(zmtp_mock_delay, int32_t (*)(uint64_t, int32_t));
SAME(zmtp_mock_cut, int32_t (*)(const char *, int32_t));
SAME(zmtp_mock_fail, int32_t (*)(const char *, int32_t, int32_t, int32_t));
SAME(zmtp_mock_reply, int32_t (*)(const char *, const void *, size_t, const void *, size_t));
SAME(zmtp_mock_reset, int32_t (*)(void));
