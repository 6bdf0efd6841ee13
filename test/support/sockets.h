// Sockets for tests, driven by their pipes alone. Messages are texts: parts are separated by '|', and
// an octet that is not printable, a '|' or a '\' is written "\x00". A command is "<NAME>data".
#ifndef TEST_SUPPORT_SOCKETS_H
#define TEST_SUPPORT_SOCKETS_H

#include "zmtp/msg/pipe.h"
#include "zmtp/socket.h"

// The native config with limits of |hwm| messages each way and nothing optional: no correlation, no
// mandatory routing.
struct zmtp_socket_config sockets_config(enum zmtp_socket_type type, size_t hwm);
// Each of these fails the test when it cannot.
struct zmtp_socket *sockets_open_with(const struct zmtp_socket_config *config);
struct zmtp_socket *sockets_open(enum zmtp_socket_type type, size_t hwm);

// The far end of a new pipe: of a connection that was accepted, its link up, or of an endpoint that is
// dialled, with no connection yet.
struct zmtp_pipe_end *sockets_accept(struct zmtp_socket *socket, const char *routing_id);
struct zmtp_pipe_end *sockets_dial(struct zmtp_socket *socket);
void sockets_connect(struct zmtp_pipe_end *far, const char *routing_id); // its link comes up
void sockets_drop(struct zmtp_pipe_end *far);                            // link down, end closed

// Between test and socket. Results of calls by name when they are not ZMTP_OK: "ZMTP_ERR_AGAIN".
const char *sockets_send(struct zmtp_socket *socket, const char *text);
const char *sockets_recv(struct zmtp_socket *socket); // the message as text, or the error
// Between test and far end, as a connection would. A send ignores limits.
void sockets_far_send(struct zmtp_pipe_end *far, const char *text);
bool sockets_far_try(struct zmtp_pipe_end *far, const char *text); // false: no memory
const char *sockets_far_recv(struct zmtp_pipe_end *far);           // "" when there is none
// The next two are these, in whichever order.
void sockets_far_assert_both(struct zmtp_pipe_end *far, const char *one, const char *other);

size_t sockets_pipes(const struct zmtp_socket *socket); // how many it holds
// Sum of the messages that wait to leave the socket.
size_t sockets_queued(const struct zmtp_socket *socket);
// Fails the test unless copies = |left| + queued + dropped after they were queued.
void sockets_assert_conserved(const struct zmtp_socket *socket, size_t left);

// Runs |body| with its first allocation failing, then the second, and so on until none does; then the
// same with all from the n-th on failing. Nothing may stay allocated after |body|.
void sockets_with_failing_memory(void (*body)(const struct zmtp_allocator *allocator));

#endif
