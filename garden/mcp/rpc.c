#include "rpc.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../value.h"

void rpc_clean(char *text)
{
    if (garden_text_valid(garden_text_of(text))) return;
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80) *text = '?';
}

static bool rpc_is_id(const json_t *id)
{
    return json_is_string(id) || json_is_integer(id);
}

// The id of a request that is JSON, with something that is not taken in it; null: it cannot be told.
static json_t *rpc_salvage_id(struct zmtp_bytes in)
{
    // A number beyond 64 bits is read as one that is near: an id is told from it where each integer has its own.
    static const double exact_max = 9007199254740992.0; // 2^53
    json_t *json =
        json_loadb((const char *)in.data, in.size,
                   JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    json_t *id = json_object_get(json, "method") ? json_object_get(json, "id") : NULL;
    const double value = json_real_value(id);
    if (json_is_string(id))
        json_incref(id);
    else if (json_is_real(id) && fabs(value) < exact_max && trunc(value) == value)
        id = json_integer((json_int_t)value);
    else
        id = NULL;
    json_decref(json);
    return id;
}

json_t *rpc_parse(struct zmtp_bytes in, char *why, size_t size, json_t **id)
{
    json_error_t error;
    *id = NULL;
    // A scalar is JSON too, though no message: it is told so.
    json_t *json = json_loadb((const char *)in.data, in.size,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (json) return json;
    const char *text = error.text;
    if (json_error_code(&error) == json_error_null_character)
        text = "\\u0000 cannot be in a text";
    else if (json_error_code(&error) == json_error_numeric_overflow)
        text = "a number is too large";
    if (text != error.text) *id = rpc_salvage_id(in);
    (void)snprintf(why, size, "%s: %s, octet %d", *id ? "Invalid request" : "Parse error", text,
                   error.position > 0 ? error.position : 0);
    rpc_clean(why);
    return NULL;
}

static void rpc_wrong(struct rpc_message *out, enum rpc_code code, const char *why)
{
    out->kind = RPC_WRONG;
    out->code = code;
    out->why = why;
}

static void rpc_read_call(json_t *json, struct rpc_message *out)
{
    const json_t *method = json_object_get(json, "method");
    json_t *params = json_object_get(json, "params");
    if (!json_is_string(method)) {
        rpc_wrong(out, RPC_INVALID_REQUEST, "Invalid request: method: expected a text");
        return;
    }
    if (params && !json_is_object(params)) {
        rpc_wrong(out, RPC_INVALID_PARAMS, "Invalid params: params: expected an object");
        // A notification is never answered.
        if (!json_object_get(json, "id")) out->kind = RPC_NOTIFICATION;
        out->method = "";
        return;
    }
    out->kind = out->id ? RPC_REQUEST : RPC_NOTIFICATION;
    out->method = json_string_value(method);
    out->params = params;
}

void rpc_read(json_t *json, struct rpc_message *out)
{
    *out = (struct rpc_message){.kind = RPC_WRONG};
    if (!json_is_object(json)) {
        rpc_wrong(out, RPC_INVALID_REQUEST, "Invalid request: expected an object");
        return;
    }
    const json_t *version = json_object_get(json, "jsonrpc");
    json_t *id = json_object_get(json, "id");
    const bool answers = json_object_get(json, "result") || json_object_get(json, "error");
    if (rpc_is_id(id)) out->id = id;
    if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0)
        rpc_wrong(out, RPC_INVALID_REQUEST, "Invalid request: jsonrpc: expected \"2.0\"");
    else if (answers && !json_object_get(json, "method"))
        out->kind = RPC_RESPONSE;
    else if (id && !rpc_is_id(id))
        rpc_wrong(out, RPC_INVALID_REQUEST, "Invalid request: id: expected a text or an integer");
    else
        rpc_read_call(json, out);
}

static json_t *rpc_id(json_t *id)
{
    return id ? json_incref(id) : json_null();
}

json_t *rpc_result(json_t *id, json_t *result)
{
    if (!result) return NULL;
    return json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", "id", rpc_id(id), "result", result);
}

json_t *rpc_error(json_t *id, enum rpc_code code, const char *text)
{
    return json_pack("{s:s, s:o, s:{s:i, s:s}}", "jsonrpc", "2.0", "id", rpc_id(id), "error",
                     "code", (int)code, "message", text);
}

json_t *rpc_notification(const char *method, json_t *params)
{
    if (!params) return NULL;
    return json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", method, "params", params);
}

char *rpc_print(const json_t *json, size_t *out_size)
{
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    *out_size = text ? strlen(text) : 0;
    return text;
}
