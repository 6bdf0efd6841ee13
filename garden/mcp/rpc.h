// JSON-RPC 2.0 as the Model Context Protocol uses it: octets to a checked message, and answers. Nothing here
// does I/O or knows a method. Whatever comes, there is a message to act on or an error to answer.
#ifndef GARDEN_MCP_RPC_H
#define GARDEN_MCP_RPC_H

#include <jansson.h>
#include <stdbool.h>

#include <zmtp/base.h>

enum rpc_code {
    RPC_PARSE = -32700,
    RPC_INVALID_REQUEST = -32600,
    RPC_NO_METHOD = -32601,
    RPC_INVALID_PARAMS = -32602,
    RPC_INTERNAL = -32603,
    RPC_NO_RESOURCE = -32002, // the Model Context Protocol's own: there is no such resource
};

// Octets as JSON of any kind; a reference of the caller's. Null: they are none, and |why| (of |size| octets)
// says what is wrong and where. Duplicate names, text that is not UTF-8, texts with \u0000, and integers beyond 64
// bits are refused; |*id| is that of the request that the last two were in, for the answer that its sender
// waits for: a reference of the caller's, or null where it cannot be told.
json_t *rpc_parse(struct zmtp_bytes in, char *why, size_t size, json_t **id);

enum rpc_kind { RPC_REQUEST, RPC_NOTIFICATION, RPC_RESPONSE, RPC_WRONG };
// One message; it borrows from the JSON that it was read from.
struct rpc_message {
    enum rpc_kind kind;
    json_t *id; // of a request or a response, and of a wrong one where it could be told; or null
    const char *method; // of a request or a notification
    json_t *params;     // an object; null: there are none
    enum rpc_code code; // of a wrong one
    const char *why;    // a constant sentence
};
void rpc_read(json_t *json, struct rpc_message *out);

// Makes UTF-8 of |text|, should a cut have left it in the middle of a character.
void rpc_clean(char *text);

// Answers; null when there is no memory. |id| is borrowed, null is JSON's null; |result| is taken.
json_t *rpc_result(json_t *id, json_t *result);
json_t *rpc_error(json_t *id, enum rpc_code code, const char *text);
// |params| is taken; null: no memory.
json_t *rpc_notification(const char *method, json_t *params);

// A compact line without its end, to be freed with free(); null: no memory.
char *rpc_print(const json_t *json, size_t *out_size);

#endif
