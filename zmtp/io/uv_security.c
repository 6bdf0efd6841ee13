// Security as the user sets it up, and the verdicts that the user gives.
#include "conn.h"
#include "guard.h"

void zmtp_uv_config_curve_server(struct zmtp_uv_config *config, const struct zmtp_key_pair *keys,
                                 struct zmtp_allow allow)
{
    if (!config) return;
    config->security =
        (struct zmtp_security){.mechanism = ZMTP_CURVE, .server = true, .crypto = zmtp_sodium()};
    if (keys) config->security.keys = *keys; // else the check has the words
    config->allow = allow;
}

void zmtp_uv_config_curve_client(struct zmtp_uv_config *config, const struct zmtp_key_pair *keys,
                                 const struct zmtp_key *server_key)
{
    if (!config) return;
    struct zmtp_security *const security = &config->security;
    *security = (struct zmtp_security){.mechanism = ZMTP_CURVE, .crypto = zmtp_sodium()};
    if (server_key) security->server_key = *server_key; // else the check has the words
    if (keys)
        security->keys = *keys;
    else if (security->crypto)
        zmtp_key_generate(&security->keys, security->crypto);
}

void zmtp_uv_config_plain_server(struct zmtp_uv_config *config)
{
    if (!config) return;
    config->security = (struct zmtp_security){.mechanism = ZMTP_PLAIN, .server = true};
    config->allow = (struct zmtp_allow){.kind = ZMTP_ALLOW_ASK};
}

void zmtp_uv_config_zap(struct zmtp_uv_config *config, const char *domain)
{
    if (!config) return;
    config->security.server = true;
    config->allow = (struct zmtp_allow){.kind = ZMTP_ALLOW_ZAP, .zap_domain = domain};
}

void zmtp_uv_config_plain_client(struct zmtp_uv_config *config, const char *username,
                                 const char *password)
{
    if (!config) return;
    config->security = (struct zmtp_security){.mechanism = ZMTP_PLAIN,
                                              .username = zmtp_bytes_text(username),
                                              .password = zmtp_bytes_text(password)};
}

int zmtp_uv_authorise(struct zmtp_uv_socket *socket, uint64_t ticket, enum zmtp_verdict verdict,
                      struct zmtp_bytes user_id, struct zmtp_bytes metadata)
{
    if (!socket) return ZMTP_ERR_ARGUMENT;
    if (!zmtp__engine_enter(socket->uv)) return ZMTP_ERR_STATE;
    // 0 is the ticket of those who have not asked yet.
    for (struct zmtp__conn *conn = ticket ? socket->conns : NULL; conn; conn = conn->next) {
        if (conn->ticket != ticket || !conn->peer) continue;
        const int result = zmtp_peer_authorise(conn->peer, verdict, user_id, metadata);
        if (result == ZMTP_ERR_STATE) break;
        zmtp__conn_alarm(conn, 0); // what follows happens from the loop
        zmtp__uv_socket_hush(socket);
        if (result == ZMTP_OK) return ZMTP_OK;
        return zmtp__uv_socket_fail(socket, result, "%s",
                                    result == ZMTP_ERR_ARGUMENT
                                        ? "the verdict, the user id or the metadata is out of range"
                                        : zmtp_err_text(result));
    }
    return zmtp__uv_socket_fail(
        socket, ZMTP_ERR_NOT_FOUND,
        "no guest with this ticket waits: it was judged before, or has gone");
}
