// Every option of sockets, of every type, drafts among both: its default, and which values it takes. Types that
// answer alike share a line.
#include <stdint.h>

#include "say.h"

enum { TYPES = ZMQ_CHANNEL + 1, OPTION_NUMBERS = 113, LINE_MAX_SIZE = 512 };

// GSSAPI and TLS are not to be had here, filters by address differ on purpose, and descriptors have any number.
static int is_left_out(int option)
{
    return (option >= ZMQ_GSSAPI_SERVER && option <= ZMQ_GSSAPI_PLAINTEXT) ||
           option == ZMQ_GSSAPI_PRINCIPAL_NAMETYPE ||
           option == ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE || option == ZMQ_TCP_ACCEPT_FILTER ||
           (option >= ZMQ_CURVE_SERVER && option <= ZMQ_CURVE_SERVERKEY) || // that libzmq had none
           (option >= ZMQ_WSS_KEY_PEM && option <= ZMQ_WSS_TRUST_SYSTEM) || option == ZMQ_FD ||
           option == ZMQ_METADATA;
}

static size_t add(char *line, size_t used, const char *word)
{
    const size_t size = strlen(word);
    if (used + size + 2 > LINE_MAX_SIZE) return used;
    line[used] = ' ';
    memcpy(line + used + 1, word, size + 1);
    return used + size + 1;
}

static size_t add_result(char *line, size_t used, int result)
{
    return add(line, used, result < 0 ? error_word(errno) : "ok");
}

static size_t add_number(char *line, size_t used, void *socket, int option)
{
    char word[24];
    int value = 0;
    size_t size = sizeof value;
    if (zmq_getsockopt(socket, option, &value, &size) < 0) return used;
    snprintf(word, sizeof word, "(%d)", value);
    return add(line, used, word);
}

static void describe(void *context, int type, int option, char line[LINE_MAX_SIZE])
{
    static const int values[] = {-2, -1, 0, 1, 2, 3, 4, 8, 255, 256, 100000};
    void *socket = zmq_socket(context, type);
    char octets[300] = {0}, word[64];
    size_t used = 0, size = sizeof octets;
    line[0] = '\0';
    int value = 0;
    size_t small = sizeof value;
    if (zmq_getsockopt(socket, option, &value, &small) == 0) {
        snprintf(word, sizeof word, "is %d", value);
        used = add(line, used, word);
    } else if (zmq_getsockopt(socket, option, octets, &size) == 0) {
        snprintf(word, sizeof word, "is %zu octets", size);
        used = add(line, used, word);
    } else {
        used = add(line, used, error_word(errno));
    }
    used = add(line, used, "takes");
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        used = add_result(line, used, zmq_setsockopt(socket, option, &values[i], sizeof values[i]));
        used = add_number(line, used, socket, option);
    }
    used = add_result(line, used, zmq_setsockopt(socket, option, octets, 3));
    used = add_result(line, used, zmq_setsockopt(socket, option, "words", 5));
    used = add_result(line, used, zmq_setsockopt(socket, option, "", 0));
    (void)add_result(line, used, zmq_setsockopt(socket, option, NULL, 0));
    zmq_close(socket);
}

static void group(int option, char lines[TYPES][LINE_MAX_SIZE])
{
    char name[32];
    int told[TYPES] = {0};
    snprintf(name, sizeof name, "option %d", option);
    for (int type = 0; type < TYPES; type++) {
        char types[128] = "";
        if (told[type]) continue;
        for (int other = type; other < TYPES; other++) {
            if (strcmp(lines[type], lines[other]) != 0) continue;
            told[other] = 1;
            snprintf(types + strlen(types), sizeof types - strlen(types), " %d", other);
        }
        say(name, "types%s:%s", types, lines[type]);
    }
}

int main(void)
{
    static char lines[TYPES][LINE_MAX_SIZE];
    void *context = zmq_ctx_new();
    for (int option = 0; option < OPTION_NUMBERS; option++) {
        if (is_left_out(option)) continue;
        for (int type = 0; type < TYPES; type++)
            describe(context, type, option, lines[type]);
        group(option, lines);
    }
    say_result("term", zmq_ctx_term(context));
    return 0;
}
