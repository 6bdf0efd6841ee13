// Codes for what the system denies, of the real library: each is provoked, none is written down as with the mock.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract.h"

enum { NOBODY = 65534 };

// A size for which no machine has room, so that memory is asked for and there is none; what is behind the octets that
// are shown is never looked at.
#define BEYOND ((size_t)1 << (sizeof(size_t) > 4 ? 56 : 31))

// With a sanitizer, too, memory that is not there is null, and no end.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void check_memory(void)
{
    const struct two two = join(ZMTP_FFI_PULL, ZMTP_FFI_PUSH);
    const uint64_t message = OPENED(zmtp_ffi_message_open());
    CHECK("a part that no memory holds",
          zmtp_ffi_message_add(message, "x", BEYOND) == ZMTP_FFI_MEMORY);
    CHECK("is not there", zmtp_ffi_message_count(message) == 0);
    CHECK("nor is such a message sent",
          zmtp_ffi_send_try(two.dialler, "x", BEYOND, 0) == ZMTP_FFI_MEMORY);
    CHECK("and the next one is", send_text(two.dialler, "next", 0) && hears(two.binder, "next"));
    zmtp_ffi_close(message);
    zmtp_ffi_close(two.context);
}

// A folder in which this process may do nothing.
static void check_access(void)
{
    char folder[] = "/tmp/zmtp-denied-XXXXXX", endpoint[64], deep[80];
    if (!mkdtemp(folder)) {
        CHECK("a folder", false);
        return;
    }
    (void)chmod(folder, 0500);
    const bool root = geteuid() == 0; // who may do everything, everywhere
    if (root && seteuid(NOBODY) != 0) CHECK("another user", false);
    const uint64_t context = OPENED(zmtp_ffi_context_open());
    const uint64_t socket = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PULL));
    (void)snprintf(endpoint, sizeof endpoint, "ipc://%s/name", folder);
    CHECK("a path where one may not write", zmtp_ffi_bind(socket, endpoint) == ZMTP_FFI_ACCESS);
    CHECK("and one where one may",
          zmtp_ffi_bind(socket, "ipc://@zmtp-denied-*") != ZMTP_FFI_ACCESS);
    if (root && seteuid(0) != 0) CHECK("this user again", false);
    // A link that leads to itself is no lack of a right, nor of the file: the system fails.
    (void)chmod(folder, 0700);
    (void)snprintf(deep, sizeof deep, "%s/loop", folder);
    (void)snprintf(endpoint, sizeof endpoint, "ipc://%s/loop/name", folder);
    CHECK("a link to itself", symlink(deep, deep) == 0);
    CHECK("a path that goes in circles", zmtp_ffi_bind(socket, endpoint) == ZMTP_FFI_SYSTEM);
    CHECK("the socket is whole", zmtp_ffi_bind(socket, "tcp://127.0.0.1:*") == ZMTP_FFI_OK);
    zmtp_ffi_close(context);
    (void)unlink(deep);
    (void)rmdir(folder);
}

static void check_descriptors(void)
{
    const uint64_t context = OPENED(zmtp_ffi_context_open());
    const uint64_t socket = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PULL));
    const uint64_t other = OPENED(zmtp_ffi_socket_open(context, ZMTP_FFI_PUSH));
    CHECK("while there are some", zmtp_ffi_bind(socket, "tcp://127.0.0.1:*") == ZMTP_FFI_OK);
    struct rlimit before, none;
    (void)getrlimit(RLIMIT_NOFILE, &before);
    const int next = dup(0); // the lowest that is free
    close(next);
    none = before;
    none.rlim_cur = (rlim_t)next;
    (void)setrlimit(RLIMIT_NOFILE, &none);
    const int32_t bound = zmtp_ffi_bind(socket, "tcp://127.0.0.1:*");
    const int32_t first = zmtp_ffi_connect(other, endpoint_of(socket));
    const int64_t poller = zmtp_ffi_poller_open();
    (void)setrlimit(RLIMIT_NOFILE, &before);
    CHECK("a bind without a descriptor", bound == ZMTP_FFI_DESCRIPTORS);
    CHECK("a first connect, whose socket needs some", first == ZMTP_FFI_DESCRIPTORS);
    CHECK("a poller", poller == ZMTP_FFI_DESCRIPTORS);
    CHECK("and when there are some again",
          zmtp_ffi_connect(other, endpoint_of(socket)) == ZMTP_FFI_OK && send_text(other, "x", 0) &&
              hears(socket, "x"));
    zmtp_ffi_close(context);
}

// An accepted peer does not come back by itself; one that was dialled may.
static void check_no_reply(void)
{
    const struct two two = join(ZMTP_FFI_REQ, ZMTP_FFI_REP);
    char room[8];
    CHECK("a request comes", send_text(two.binder, "ask", 0) && hears(two.dialler, "ask"));
    zmtp_ffi_close(two.dialler);
    CHECK("who dialled and was asked goes without a word",
          zmtp_ffi_receive_wait(two.binder, room, sizeof room, SOON_MS) == ZMTP_FFI_NO_REPLY);
    const uint64_t next = OPENED(zmtp_ffi_socket_open(two.context, ZMTP_FFI_REP));
    CHECK("another comes", zmtp_ffi_connect(next, endpoint_of(two.binder)) == ZMTP_FFI_OK);
    CHECK("and is asked", send_text(two.binder, "again", 0) && hears(next, "again") &&
                              send_text(next, "yes", 0) && hears(two.binder, "yes"));
    zmtp_ffi_close(two.context);
}

static void check_peer_closed(void)
{
    const struct two two = join(ZMTP_FFI_REP, ZMTP_FFI_REQ);
    char room[8], where[ZMTP_FFI_ENDPOINT_MAX];
    strcpy(where, endpoint_of(two.binder));
    CHECK("a request goes", send_text(two.dialler, "ask", 0) && hears(two.binder, "ask"));
    zmtp_ffi_close(two.binder);
    CHECK("whom it dialled and asked goes without a word",
          zmtp_ffi_receive_wait(two.dialler, room, sizeof room, SOON_MS) == ZMTP_FFI_STATE);
    const uint64_t next = OPENED(zmtp_ffi_socket_open(two.context, ZMTP_FFI_REP));
    CHECK("another is there in its place", zmtp_ffi_bind(next, where) == ZMTP_FFI_OK);
    CHECK("and is asked", send_text(two.dialler, "again", 0) && hears(next, "again") &&
                              send_text(next, "yes", 0) && hears(two.dialler, "yes"));
    zmtp_ffi_close(two.context);
}

int main(void)
{
    // First of all: a context that was closed gives its descriptors back when its thread gets to it, below the limit that
    // says that none is left.
    check_descriptors();
    check_memory();
    check_access();
    check_no_reply();
    check_peer_closed();
    CHECK("nothing is left", zmtp_ffi_handle_count() == 0);
    return check_end();
}
