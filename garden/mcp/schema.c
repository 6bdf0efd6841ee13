#include "schema.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../store.h"
#include "../value.h"

enum { SCHEMA_PATH_SIZE = 160 };

// ---- Printing

static json_t *schema_typed(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

static json_t *schema_number(const struct mcp_field *field, const char *type)
{
    json_t *out = schema_typed(type);
    if (!out || (field->min == 0 && field->max == 0 && !field->above_min)) return out;
    const bool whole = field->type == MCP_INTEGER;
    const char *least = field->above_min ? "exclusiveMinimum" : "minimum";
    (void)json_object_set_new(out, least,
                              whole ? json_integer((json_int_t)field->min) : json_real(field->min));
    if (field->max > field->min)
        (void)json_object_set_new(
            out, "maximum", whole ? json_integer((json_int_t)field->max) : json_real(field->max));
    return out;
}

static json_t *schema_enum(const struct mcp_field *field)
{
    json_t *values = json_array();
    for (const char *const *value = field->values; *value; value++)
        (void)json_array_append_new(values, json_string(*value));
    return json_pack("{s:s, s:o}", "type", "string", "enum", values);
}

static json_t *schema_leaf(const struct mcp_field *field)
{
    switch (field->type) {
    case MCP_TEXT:
        return schema_typed("string");
    case MCP_UUID:
        return json_pack("{s:s, s:s}", "type", "string", "format", "uuid");
    case MCP_HASH:
        return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[0-9a-fA-F]{64}$");
    case MCP_REAL:
        return schema_number(field, "number");
    case MCP_INTEGER:
        return schema_number(field, "integer");
    case MCP_FLAG:
        return schema_typed("boolean");
    case MCP_ENUM:
        return schema_enum(field);
    case MCP_TEXTS:
        return json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "string");
    case MCP_INTEGERS:
        return json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "integer");
    case MCP_MAPS:
        return json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "object");
    case MCP_MAP:
    case MCP_OBJECT:
    case MCP_OBJECTS:
    case MCP_CHOICE:
        break;
    }
    return schema_typed("object");
}

// One property of an object: |out| is taken.
static bool schema_put(json_t *properties, const struct mcp_field *field, json_t *out, bool closed)
{
    if (!out) return false;
    if (field->about) (void)json_object_set_new(out, "description", json_string(field->about));
    json_t *type = json_object_get(out, "type");
    if (!closed && field->optional && json_is_string(type))
        (void)json_object_set_new(out, "type", json_pack("[O, s]", type, "null"));
    return json_object_set_new(properties, field->name, out) == 0;
}

// An object of |fields|, each printed by |print|. What is not closed is given by a tool, not taken.
static json_t *schema_object(const struct mcp_field *fields, bool closed,
                             json_t *(*print)(const struct mcp_field *field, bool closed))
{
    json_t *properties = json_object(), *required = json_array();
    bool done = properties && required;
    for (const struct mcp_field *field = fields; done && field->name; field++) {
        done = schema_put(properties, field, print(field, closed), closed);
        if (done && !field->optional)
            done = json_array_append_new(required, json_string(field->name)) == 0;
    }
    json_t *out = json_pack("{s:s, s:o, s:o}", "type", "object", "properties", properties,
                            "required", required);
    if (out && closed) (void)json_object_set_new(out, "additionalProperties", json_false());
    if (done) return out;
    json_decref(out);
    return NULL;
}

static json_t *schema_print_leaf(const struct mcp_field *field, bool closed)
{
    (void)closed;
    return schema_leaf(field);
}

static json_t *schema_list(json_t *items)
{
    return json_pack("{s:s, s:o}", "type", "array", "items", items);
}

static json_t *schema_print_inner(const struct mcp_field *field, bool closed)
{
    if (field->type == MCP_OBJECT) return schema_object(field->fields, closed, schema_print_leaf);
    if (field->type == MCP_OBJECTS)
        return schema_list(schema_object(field->fields, closed, schema_print_leaf));
    return schema_leaf(field);
}

static json_t *schema_choices(const struct mcp_field *field, bool closed)
{
    json_t *any = json_array();
    for (const struct mcp_choice *choice = field->choices; choice->type; choice++) {
        json_t *one = schema_object(choice->fields, closed, schema_print_inner);
        json_t *type = json_pack("{s:s, s:s}", "type", "string", "const", choice->type);
        (void)json_array_append_new(json_object_get(one, "required"), json_string("type"));
        (void)json_object_set_new(json_object_get(one, "properties"), "type", type);
        if (choice->about)
            (void)json_object_set_new(one, "description", json_string(choice->about));
        (void)json_array_append_new(any, one);
    }
    return json_pack("{s:s, s:o}", "type", "object", "anyOf", any);
}

static json_t *schema_print_outer(const struct mcp_field *field, bool closed)
{
    if (field->type == MCP_CHOICE) return schema_choices(field, closed);
    if (field->type == MCP_OBJECT) return schema_object(field->fields, closed, schema_print_inner);
    if (field->type == MCP_OBJECTS)
        return schema_list(schema_object(field->fields, closed, schema_print_inner));
    return schema_leaf(field);
}

json_t *schema_print(const struct mcp_field *fields, bool closed)
{
    return schema_object(fields, closed, schema_print_outer);
}

// ---- Checking

struct schema_place {
    char path[SCHEMA_PATH_SIZE]; // of the object, with the dot behind it
    char *why;
};

static const char *schema_found(json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",  [JSON_STRING] = "a text",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a number", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };
    return value ? names[json_typeof(value)] : "nothing";
}

static bool schema_wrong(const struct schema_place *place, const char *name, const char *expected,
                         json_t *value)
{
    const bool short_text = json_is_string(value) && json_string_length(value) <= 80;
    if (short_text)
        (void)snprintf(place->why, SCHEMA_WHY_SIZE, "%s%.64s: expected %s, found '%s'", place->path,
                       name, expected, json_string_value(value));
    else
        (void)snprintf(place->why, SCHEMA_WHY_SIZE, "%s%.64s: expected %s, found %s", place->path,
                       name, expected, schema_found(value));
    return false;
}

static bool schema_within(const struct mcp_field *field, double value)
{
    if (!isfinite(value)) return false;
    if (field->above_min && value <= field->min) return false;
    if (field->min == 0 && field->max == 0) return true;
    return value >= field->min && (field->max <= field->min || value <= field->max);
}

static bool schema_check_number(const struct schema_place *place, const struct mcp_field *field,
                                json_t *value)
{
    char expected[128];
    const bool whole = field->type == MCP_INTEGER;
    const bool kind = whole ? json_is_integer(value) : json_is_number(value);
    if (kind && schema_within(field, json_number_value(value))) return true;
    const char *what = whole ? "a whole number" : "a number";
    if (field->max > field->min)
        (void)snprintf(expected, sizeof expected, "%s %s %.17g%s %.17g", what,
                       field->above_min ? "above" : "from", field->min,
                       field->above_min ? " and up to" : " to", field->max);
    else if (field->above_min)
        (void)snprintf(expected, sizeof expected, "%s above %.17g", what, field->min);
    else
        (void)snprintf(expected, sizeof expected, "%s", what);
    if (!kind) return schema_wrong(place, field->name, expected, value);
    (void)snprintf(place->why, SCHEMA_WHY_SIZE, "%s%s: expected %s, found %.17g", place->path,
                   field->name, expected, json_number_value(value));
    return false;
}

static bool schema_check_enum(const struct schema_place *place, const struct mcp_field *field,
                              json_t *value)
{
    char expected[256] = "one of";
    for (const char *const *one = field->values; *one; one++) {
        if (json_is_string(value) && strcmp(json_string_value(value), *one) == 0) return true;
        const size_t size = strlen(expected);
        (void)snprintf(expected + size, sizeof expected - size, "%s %.32s",
                       one == field->values ? "" : ",", *one);
    }
    return schema_wrong(place, field->name, expected, value);
}

static bool schema_check_texts(const struct schema_place *place, const struct mcp_field *field,
                               json_t *value)
{
    bool fits = json_is_array(value);
    for (size_t i = 0; fits && i < json_array_size(value); i++)
        fits = json_is_string(json_array_get(value, i));
    return fits || schema_wrong(place, field->name, "a list of texts", value);
}

static bool schema_check_leaf(const struct schema_place *place, const struct mcp_field *field,
                              json_t *value)
{
    struct garden_uuid uuid;
    struct garden_hash hash;
    const char *text = json_string_value(value);
    switch (field->type) {
    case MCP_TEXT:
        return text || schema_wrong(place, field->name, "a text", value);
    case MCP_UUID:
        return (text && garden_uuid_parse(garden_text_of(text), &uuid) == GARDEN_OK) ||
               schema_wrong(place, field->name, "a uuid", value);
    case MCP_HASH:
        return (text && garden_hash_parse(text, &hash) == GARDEN_OK) ||
               schema_wrong(place, field->name, "a hash of 64 hex digits", value);
    case MCP_REAL:
    case MCP_INTEGER:
        return schema_check_number(place, field, value);
    case MCP_FLAG:
        return json_is_boolean(value) || schema_wrong(place, field->name, "true or false", value);
    case MCP_ENUM:
        return schema_check_enum(place, field, value);
    case MCP_TEXTS:
        return schema_check_texts(place, field, value);
    case MCP_INTEGERS:
    case MCP_MAPS:
        return json_is_array(value) || schema_wrong(place, field->name, "a list", value);
    case MCP_MAP:
    case MCP_OBJECT:
    case MCP_OBJECTS:
    case MCP_CHOICE:
        break;
    }
    return json_is_object(value) || schema_wrong(place, field->name, "an object", value);
}

static bool schema_knows(const struct mcp_field *fields, const char *name)
{
    while (fields->name && strcmp(fields->name, name) != 0)
        fields++;
    return fields->name != NULL;
}

// |also|: a name that may be there besides, or null.
static bool schema_check_object(const struct schema_place *place, const struct mcp_field *fields,
                                const char *also, json_t *object,
                                bool (*check)(const struct schema_place *place,
                                              const struct mcp_field *field, json_t *value))
{
    const char *name;
    json_t *value;
    for (const struct mcp_field *field = fields; field->name; field++) {
        json_t *given = json_object_get(object, field->name);
        if (!given && field->optional) continue;
        if (!given) return schema_wrong(place, field->name, "it to be there", given);
        if (!check(place, field, given)) return false;
    }
    json_object_foreach(object, name, value)
    {
        if (schema_knows(fields, name) || (also && strcmp(also, name) == 0)) continue;
        (void)snprintf(place->why, SCHEMA_WHY_SIZE, "%s%.64s: there is no such field", place->path,
                       name);
        return false;
    }
    return true;
}

static void schema_enter(const struct schema_place *from, const struct mcp_field *field, int index,
                         struct schema_place *out)
{
    out->why = from->why;
    if (index < 0)
        (void)snprintf(out->path, sizeof out->path, "%.64s%.64s.", from->path, field->name);
    else
        (void)snprintf(out->path, sizeof out->path, "%.64s%.64s[%d].", from->path, field->name,
                       index);
}

static bool schema_check_list(const struct schema_place *place, const struct mcp_field *field,
                              json_t *value)
{
    struct schema_place inside;
    if (!json_is_array(value)) return schema_wrong(place, field->name, "a list of objects", value);
    for (size_t i = 0; i < json_array_size(value) && i < INT_MAX; i++) {
        json_t *item = json_array_get(value, i);
        if (!json_is_object(item))
            return schema_wrong(place, field->name, "a list of objects, each item", item);
        schema_enter(place, field, (int)i, &inside);
        if (!schema_check_object(&inside, field->fields, NULL, item, schema_check_leaf))
            return false;
    }
    return true;
}

static bool schema_check_inner(const struct schema_place *place, const struct mcp_field *field,
                               json_t *value)
{
    struct schema_place inside;
    if (field->type == MCP_OBJECTS) return schema_check_list(place, field, value);
    if (field->type != MCP_OBJECT) return schema_check_leaf(place, field, value);
    if (!json_is_object(value)) return schema_wrong(place, field->name, "an object", value);
    schema_enter(place, field, -1, &inside);
    return schema_check_object(&inside, field->fields, NULL, value, schema_check_leaf);
}

const struct mcp_choice *schema_choice(const struct mcp_field *field, json_t *object)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    for (const struct mcp_choice *choice = field->choices; type && choice->type; choice++)
        if (strcmp(choice->type, type) == 0) return choice;
    return NULL;
}

static bool schema_check_choice(const struct schema_place *place, const struct mcp_field *field,
                                json_t *value)
{
    char expected[256] = "one of";
    struct schema_place inside;
    const struct mcp_choice *choice = schema_choice(field, value);
    schema_enter(place, field, -1, &inside);
    if (choice)
        return schema_check_object(&inside, choice->fields, "type", value, schema_check_inner);
    if (!json_is_object(value)) return schema_wrong(place, field->name, "an object", value);
    for (choice = field->choices; choice->type; choice++) {
        const size_t size = strlen(expected);
        (void)snprintf(expected + size, sizeof expected - size, "%s %.32s",
                       choice == field->choices ? "" : ",", choice->type);
    }
    return schema_wrong(&inside, "type", expected, json_object_get(value, "type"));
}

static bool schema_check_outer(const struct schema_place *place, const struct mcp_field *field,
                               json_t *value)
{
    if (field->type == MCP_CHOICE) return schema_check_choice(place, field, value);
    return schema_check_inner(place, field, value);
}

bool schema_check(const struct mcp_field *fields, json_t *arguments, char why[SCHEMA_WHY_SIZE])
{
    const struct schema_place place = {.path = "", .why = why};
    if (arguments && !json_is_object(arguments))
        return schema_wrong(&place, "arguments", "an object", arguments);
    return schema_check_object(&place, fields, NULL, arguments, schema_check_outer);
}
