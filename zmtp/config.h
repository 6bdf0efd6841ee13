// Defaults and versions. Every limit here is the default of a run-time option of the same name; the
// reason for its value stands beside it.
#ifndef ZMTP_CONFIG_H
#define ZMTP_CONFIG_H

enum { ZMTP_VERSION_MAJOR = 0, ZMTP_VERSION_MINOR = 1, ZMTP_VERSION_PATCH = 0 };
#define ZMTP_VERSION "0.1.0"

enum {
    // One connection before its handshake is done: frames of at most 4 KiB, so that a stranger holds
    // at most 8 KiB of ours.
    ZMTP_DEFAULT_HANDSHAKE_FRAME_MAX = 4096,
    // Wall clock from the first octet to the end of the handshake.
    ZMTP_DEFAULT_HANDSHAKE_MS = 10000,
    // Part of it: how long whoever judges the credentials may take; then it is a no.
    ZMTP_DEFAULT_AUTHORISE_MS = 5000,
    // Connections of one listener that have not finished their handshake; beyond, the oldest goes.
    ZMTP_DEFAULT_PENDING_MAX = 128,
    // CURVE: connections that a listener accepts in a second and whose handshake comes to no end, as each may say HELLO
    // once, and to hear it costs about 0.1 ms: so strangers get a tenth of a core. Who comes in has paid as much for
    // it, and does not count.
    ZMTP_DEFAULT_HELLO_RATE_MAX = 1000,
    // One message, all parts, counted while it is still unfinished.
    ZMTP_DEFAULT_MESSAGE_MAX = 64 * 1024 * 1024,
    ZMTP_DEFAULT_PARTS_MAX = 1024,
    // One command after the handshake; the longest that mean something carry a topic.
    ZMTP_DEFAULT_COMMAND_MAX = 64 * 1024,
    // A queue of one pipe, one direction: whichever limit is met first.
    ZMTP_DEFAULT_HWM = 1000,
    ZMTP_DEFAULT_HWM_BYTES = 8 * 1024 * 1024,
    // What connections that have gone left to be received, of one socket: as much as eight that are there
    // may have waiting, so that many who speak and go are heard, and few hundred descriptors hold more.
    ZMTP_DEFAULT_RECV_BYTES_GONE_MAX = 64 * 1024 * 1024,
    // REQ: requests that wait for replies at a time, as RFC 28 has it; and the most that may be asked for,
    // as the list of them is walked through when a peer comes or goes.
    ZMTP_DEFAULT_REQ_IN_FLIGHT_MAX = 1,
    ZMTP_REQ_IN_FLIGHT_LIMIT = 65536,
    // One remote subscriber's subscriptions.
    ZMTP_DEFAULT_SUBSCRIPTIONS_MAX = 16384,
    ZMTP_DEFAULT_TOPIC_BYTES_MAX = 1024 * 1024,
    // One datagram: libzmq's receivers have room for so much.
    ZMTP_DEFAULT_DATAGRAM_MAX = 8192,
    // Metadata of a READY command.
    ZMTP_DEFAULT_METADATA_MAX = 8192,
    ZMTP_DEFAULT_PROPERTIES_MAX = 32,
    // Properties of the application that we tell; with all else they fit into one command of a handshake
    // that a peer with our own limits takes. Not an option: room for them is kept on the stack.
    ZMTP_APPLICATION_METADATA_MAX = 1024,
    // What an authoriser may tell about a user, kept as long as messages of that user are.
    ZMTP_USER_METADATA_MAX = 64 * 1024,
    // Commands that nobody knows: this many are counted and skipped, then the connection closes.
    ZMTP_DEFAULT_UNKNOWN_COMMANDS_MAX = 64,
    // Heartbeats: a PING when nothing was heard for the interval, dead when nothing came for the
    // timeout after it; the TTL tells the other side when to give us up.
    ZMTP_DEFAULT_HEARTBEAT_INTERVAL_MS = 5000,
    ZMTP_DEFAULT_HEARTBEAT_TIMEOUT_MS = 10000,
    ZMTP_DEFAULT_HEARTBEAT_TTL_MS = 20000,
    // Reconnects: first delay, cap; beyond the cap the delay is jittered, see base.h.
    ZMTP_DEFAULT_RECONNECT_MIN_MS = 100,
    ZMTP_DEFAULT_RECONNECT_MAX_MS = 30000,
    // How long one address of a name may take to answer a dial, then the next one is tried: time for
    // the system to ask three times.
    ZMTP_DEFAULT_CONNECT_MS = 5000,
    // How long name servers may take before a dial counts as failed; they are not asked again while
    // they may still answer.
    ZMTP_DEFAULT_RESOLVE_MS = 10000,
    // Connections that the system holds until they are accepted; it may have a lower limit itself.
    ZMTP_DEFAULT_BACKLOG = 1024,
    // How long close() waits for queued messages to leave.
    ZMTP_DEFAULT_LINGER_MS = 2000,
};

// Octets of a part kept inside its struct; larger bodies live in a slab.
enum { ZMTP_PART_INLINE = 48 };
// Parts of a message kept inside its struct; more need an allocation.
enum { ZMTP_MSG_INLINE_PARTS = 3 };
// The unit of buffering: one read, one write batch. 64 KiB and the headers around them, so that a body
// of that round size needs no slab of its own.
enum { ZMTP_SLAB_SIZE = 68 * 1024 };

#endif
