// What the daemon's side of the lanes shares between its two files: server.c takes requests and publishes
// events, doors.c opens the sockets.
#ifndef GARDEN_UV_INSIDE_H
#define GARDEN_UV_INSIDE_H

#include <uv.h>
#include <zmtp/uv.h>

#include "../core/history.h"
#include "../core/record.h"
#include "../server.h"

enum {
    // A lane has a door of its own, and one for pages behind those of all lanes.
    SERVER_DOORS = 2 * GARDEN_LANES,
    SERVER_WEB_IOPUB = GARDEN_LANES + GARDEN_LANE_IOPUB,
};

struct server_lane {
    struct garden_server *server;
    enum garden_lane lane;
    struct zmtp_uv_socket *socket; // null: not open
    bool waiting;                  // there may be messages in it
    bool web;                      // for pages
};

struct garden_server {
    struct garden_server_config config;
    struct garden_endpoints endpoints, web_endpoints;
    struct garden_uuid session;
    struct server_lane lanes[SERVER_DOORS];
    struct server_request *first; // unanswered
    size_t request_count;
    size_t web_subscriptions; // of pages
    bool encrypted;           // the lanes; pages' are not
    struct garden__record record;
    struct garden__history history;
    struct garden_buffer octets; // the message being encoded
    struct garden_server_counters counters;
    uv_check_t turn;  // runs when the loop has read
    uv_idle_t wake;   // active: messages wait, so the loop does not sleep
    bool query_first; // of the two lanes of a slice
    size_t closing;
    void (*closed)(void *user);
    void *closed_user;
};

int garden__doors_open_lane(struct garden_server *server, struct zmtp_uv *uv,
                            enum garden_lane which, struct garden_error *error);
// What the doors' sockets tell.
void garden__server_on_readable(struct zmtp_uv_socket *socket, void *user);
void garden__server_on_subscription(struct zmtp_uv_socket *socket, struct zmtp_msg *msg,
                                    void *user);

#endif
