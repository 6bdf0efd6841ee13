// A command for each request, made from the table: "create-region 0 4 BEHAVIOR", "seek 16",
// "move-region region_id=... new_position=8". Adding a request to the table adds its command.
#include <stdlib.h>
#include <string.h>

#include "tool.h"

enum { REQUEST_FIELDS_MAX = 4, REQUEST_NAME_SIZE = 64, REQUEST_JSON_MAX = 1024 * 1024 };

struct request_field {
    const char *name, *type;
    bool optional;
};
struct request_row {
    const char *name, *wire;
    struct request_field fields[REQUEST_FIELDS_MAX + 1]; // up to a null name
};

// clang-format off
#define REQUEST_FIELD(row, type, name) {#name, #type, false},
#define REQUEST_OPTION(row, type, name) {#name, #type, true},
#define REQUEST_ROW(name, constant, wire, fields) {#name, #wire, {fields {0}}},
#define REQUEST_UNIT(name, constant, wire) {#name, #wire, {{0}}},
#define REQUEST_ALIAS(name, constant, wire, tagged) {#name, #wire, {{0}}},
static const struct request_row request_shell[] = {
    GARDEN_TABLE_shell_request(REQUEST_ROW, REQUEST_UNIT, REQUEST_ALIAS, REQUEST_FIELD,
                               REQUEST_OPTION)
};
static const struct request_row request_control[] = {
    GARDEN_TABLE_control_request(REQUEST_ROW, REQUEST_UNIT, REQUEST_ALIAS, REQUEST_FIELD,
                                 REQUEST_OPTION)
};
// clang-format on
enum {
    REQUEST_SHELL = sizeof request_shell / sizeof *request_shell,
    REQUEST_CONTROL = sizeof request_control / sizeof *request_control,
};
static const char request_prefix[] = "control-";

// ---- Names

static void request_kebab(const char *name, char out[REQUEST_NAME_SIZE])
{
    (void)snprintf(out, REQUEST_NAME_SIZE, "%s", name); // none is so long
    for (; *out; out++)
        if (*out == '_') *out = '-';
}

static const struct request_row *request_find_in(const struct request_row *rows, size_t count,
                                                 const char *name)
{
    char own[REQUEST_NAME_SIZE];
    for (size_t i = 0; i < count; i++) {
        request_kebab(rows[i].name, own);
        if (strcmp(own, name) == 0) return &rows[i];
    }
    return NULL;
}

// One of the control lane needs its prefix only where the shell has a request of the same name.
static const struct request_row *request_find(const char *name, bool *control)
{
    const size_t size = sizeof request_prefix - 1;
    const bool prefixed = strncmp(name, request_prefix, size) == 0;
    const struct request_row *row =
        prefixed ? NULL : request_find_in(request_shell, REQUEST_SHELL, name);
    *control = row == NULL;
    return row ? row
               : request_find_in(request_control, REQUEST_CONTROL, prefixed ? name + size : name);
}

// What a person writes for a field of |type|.
static const char *request_placeholder(const char *type)
{
    static const char *const known[][2] = {
        {"text", "TEXT"},       {"uuid", "UUID"},       {"beat", "BEAT"},
        {"tempo", "BPM"},       {"ratio", "RATIO"},     {"real", "NUMBER"},
        {"u64", "NUMBER"},      {"u32", "NUMBER"},      {"u16", "NUMBER"},
        {"flag", "true|false"}, {"range", "[FROM,TO]"}, {"content_type", "Audio|Midi|Control"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(type, known[i][0]) == 0) return known[i][1];
    return "JSON";
}

// What that is, to who wrote something else: BEAT alone does not say that it is a number.
static const char *request_wanted(const char *type)
{
    static const char *const known[][2] = {
        {"beat", "a number of beats"}, {"tempo", "a number of beats a minute"},
        {"ratio", "a number"},         {"real", "a number"},
        {"u64", "a whole number"},     {"u32", "a whole number"},
        {"u16", "a whole number"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(type, known[i][0]) == 0) return known[i][1];
    return request_placeholder(type);
}

static bool request_is_text(const char *type)
{
    return strcmp(type, "text") == 0 || strcmp(type, "uuid") == 0 || strcmp(type, "time") == 0 ||
           strcmp(type, "content_type") == 0;
}

static void request_print_row(const struct request_row *row, const char *prefix)
{
    char name[REQUEST_NAME_SIZE];
    request_kebab(row->name, name);
    (void)printf(" %s%s", prefix, name);
    for (const struct request_field *field = row->fields; field->name; field++)
        (void)printf(field->optional ? " [%s=%s]" : " %s=%s", field->name,
                     request_placeholder(field->type));
    (void)putchar('\n');
}

// {"command", "request", "lane", "fields": [{"name", "value", "optional"}]}, as one line.
static void request_print_json(const struct request_row *row, const char *prefix)
{
    char name[REQUEST_NAME_SIZE], command[REQUEST_NAME_SIZE + sizeof request_prefix];
    struct garden_value fields[REQUEST_FIELDS_MAX];
    struct garden_entry members[REQUEST_FIELDS_MAX][3];
    size_t count = 0;
    request_kebab(row->name, name);
    (void)snprintf(command, sizeof command, "%s%s", prefix, name);
    for (const struct request_field *field = row->fields; field->name; field++, count++) {
        const char *value = request_placeholder(field->type);
        members[count][0] = garden_entry_of("name", garden_value_text(garden_text_of(field->name)));
        members[count][1] = garden_entry_of("value", garden_value_text(garden_text_of(value)));
        members[count][2] = garden_entry_of("optional", garden_value_bool(field->optional));
        fields[count] = garden_value_map(members[count], 3);
    }
    struct garden_entry entries[] = {
        garden_entry_of("command", garden_value_text(garden_text_of(command))),
        garden_entry_of("request", garden_value_text(garden_text_of(row->wire))),
        garden_entry_of("lane", garden_value_text(garden_text_of(*prefix ? "control" : "shell"))),
        garden_entry_of("fields", garden_value_list(fields, count)),
    };
    const struct garden_value all = garden_value_map(entries, sizeof entries / sizeof *entries);
    tool_print_json(&all);
}

void tool_list_requests(const struct tool *tool)
{
    void (*print)(const struct request_row *row, const char *prefix) =
        tool->json ? request_print_json : request_print_row;
    for (size_t i = 0; i < REQUEST_SHELL; i++)
        print(&request_shell[i], "");
    for (size_t i = 0; i < REQUEST_CONTROL; i++)
        print(&request_control[i], request_prefix);
}

void tool_each_request(void (*each)(void *context, const char *name), void *context)
{
    char name[REQUEST_NAME_SIZE], whole[REQUEST_NAME_SIZE + sizeof request_prefix];
    for (size_t i = 0; i < REQUEST_SHELL; i++) {
        request_kebab(request_shell[i].name, name);
        each(context, name);
    }
    for (size_t i = 0; i < REQUEST_CONTROL; i++) {
        request_kebab(request_control[i].name, name);
        (void)snprintf(whole, sizeof whole, "%s%s", request_prefix, name);
        each(context, whole);
    }
}

static void request_help(const struct request_row *row, bool control)
{
    (void)printf("Usage: gardenctl");
    request_print_row(row, control ? request_prefix : "");
    (void)puts(
        "\nSends this request and prints the reply. Arguments are the fields in their order, or\n"
        "NAME=VALUE in any; JSON is as in the protocol's external dialect.");
}

// ---- The request as JSON

static int request_put(struct garden_buffer *out, const char *text)
{
    return garden_buffer_append(out, text, strlen(text));
}

static int request_put_value(struct garden_buffer *out, const struct request_field *field,
                             const char *text)
{
    if (!request_is_text(field->type)) return request_put(out, text);
    const struct garden_value value = garden_value_text(garden_text_of(text));
    return garden_json_encode(&value, out);
}

static int request_no_option(const struct tool *tool, const struct request_row *row,
                             const char *word)
{
    const size_t size = strcspn(word + 2, "=");
    for (const struct request_field *field = row->fields; field->name; field++)
        if (strlen(field->name) == size && strncmp(field->name, word + 2, size) == 0)
            return tool_usage(tool, "there is no option '%.60s': write %s=%s", word, field->name,
                              request_placeholder(field->type));
    return tool_usage(tool, "there is no option '%.60s'; behind '--' it is an argument", word);
}

// Sorts the arguments to the fields: |given[i]| is that of field i. TOOL_OK, or after saying what was
// wrong TOOL_USAGE.
static int request_sort(const struct tool *tool, const struct request_row *row, int argc,
                        char **argv, const char *given[REQUEST_FIELDS_MAX])
{
    size_t next = 0;
    bool options = true;
    for (int i = 1; i < argc; i++) {
        size_t at = 0;
        // There are none, but what a script passes on may have to be told apart from them.
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
            continue;
        }
        if (options && strncmp(argv[i], "--", 2) == 0) return request_no_option(tool, row, argv[i]);
        const char *equals = strchr(argv[i], '=');
        const size_t size = equals ? (size_t)(equals - argv[i]) : 0;
        while (equals && row->fields[at].name &&
               (strlen(row->fields[at].name) != size ||
                strncmp(row->fields[at].name, argv[i], size) != 0))
            at++;
        const bool named = equals && row->fields[at].name;
        while (!named && row->fields[next].name && given[next])
            next++;
        if (!named) at = next;
        if (!row->fields[at].name) return tool_usage(tool, "'%s' was not expected", argv[i]);
        if (given[at]) return tool_usage(tool, "%s is given twice", row->fields[at].name);
        given[at] = named ? equals + 1 : argv[i];
    }
    for (size_t i = 0; row->fields[i].name; i++)
        if (!given[i] && !row->fields[i].optional)
            return tool_usage(tool, "%s is missing: %s", row->fields[i].name,
                              request_placeholder(row->fields[i].type));
    return TOOL_OK;
}

// Whether |text| is JSON at all. What it means is the decoder's to judge; but where in the whole request it stumbled
// over text that is none says nothing to who wrote one field of it.
static bool request_is_json(const char *text)
{
    struct garden_arena arena;
    struct garden_value value;
    garden_arena_init(&arena, NULL, 0);
    const int result = garden_json_decode(zmtp_bytes_text(text), &arena, &value, NULL);
    garden_arena_fini(&arena);
    return result == GARDEN_OK || result == GARDEN_ERR_MEMORY; // which the decoder will tell
}

static int request_check(const struct tool *tool, const struct request_row *row,
                         const char *const given[REQUEST_FIELDS_MAX])
{
    struct garden_uuid uuid;
    for (size_t i = 0; row->fields[i].name; i++) {
        const struct request_field *field = &row->fields[i];
        if (!given[i]) continue;
        const bool is_uuid = strcmp(field->type, "uuid") == 0;
        if (is_uuid ? garden_uuid_parse(garden_text_of(given[i]), &uuid) == GARDEN_OK
                    : request_is_text(field->type) || request_is_json(given[i]))
            continue;
        return tool_usage(tool, "%s takes %s, not '%.100s'", field->name,
                          request_wanted(field->type), given[i]);
    }
    return TOOL_OK;
}

static int request_encode(const struct request_row *row,
                          const char *const given[REQUEST_FIELDS_MAX], struct garden_buffer *out)
{
    int result = request_put(out, row->fields[0].name ? "{\"" : "\"");
    if (result == GARDEN_OK) result = request_put(out, row->wire);
    if (result == GARDEN_OK) result = request_put(out, row->fields[0].name ? "\":{" : "\"");
    for (size_t i = 0; row->fields[i].name && result == GARDEN_OK; i++) {
        result = request_put(out, i ? ",\"" : "\"");
        if (result == GARDEN_OK) result = request_put(out, row->fields[i].name);
        if (result == GARDEN_OK) result = request_put(out, "\":");
        if (result == GARDEN_OK)
            result = given[i] ? request_put_value(out, &row->fields[i], given[i])
                              : request_put(out, "null");
    }
    if (result == GARDEN_OK && row->fields[0].name) result = request_put(out, "}}");
    return result;
}

// ---- The reply

static int request_read(struct tool *tool, const struct garden_message *reply, void *context)
{
    (void)context;
    struct garden_buffer json;
    struct garden_arena arena;
    struct garden_value content;
    const struct garden_text *error = NULL;
    if (reply->family == GARDEN_SHELL_REPLY && reply->shell_reply.kind == GARDEN_REPLY_ERROR)
        error = &reply->shell_reply.error.error;
    if (reply->family == GARDEN_CONTROL_REPLY &&
        reply->control_reply.kind == GARDEN_CONTROL_REPLY_ERROR)
        error = &reply->control_reply.error.error;
    if (error && !tool->json) return tool_fail(tool, "%.*s", (int)error->size, error->data);
    garden_buffer_init(&json, NULL, 0);
    garden_arena_init(&arena, NULL, 0);
    const int result = tool_content(reply, &json, &arena, &content);
    if (result == GARDEN_OK && tool->json)
        tool_print_json(&content);
    else if (result == GARDEN_OK)
        tool_print_value(&content);
    garden_arena_fini(&arena);
    garden_buffer_fini(&json);
    if (result < 0) return tool_fail(tool, "%s", garden_err_text(result));
    return error ? TOOL_FAILED : TOOL_OK;
}

// ---- The command

static int request_send(struct tool *tool, const struct garden_message *request)
{
    struct garden_client_config config;
    garden_client_config_init(&config);
    const int result = tool_connect(tool, &config);
    if (result != TOOL_OK) return result;
    return request->family == GARDEN_SHELL_REQUEST
               ? tool_shell(tool, &request->shell_request, request_read, NULL)
               : tool_control(tool, request->control_request.kind, request_read, NULL);
}

int tool_request(struct tool *tool, const char *name, int argc, char **argv)
{
    bool control;
    const char *given[REQUEST_FIELDS_MAX] = {NULL};
    const struct request_row *row = request_find(name, &control);
    if (!row) return -1;
    tool->command = name;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") != 0) continue;
        request_help(row, control);
        return TOOL_OK;
    }
    int result = request_sort(tool, row, argc, argv, given);
    if (result == TOOL_OK) result = request_check(tool, row, given);
    if (result != TOOL_OK) return result;
    struct garden_buffer json;
    struct garden_message request;
    struct garden_fault fault = {.text = ""};
    garden_buffer_init(&json, NULL, REQUEST_JSON_MAX);
    result = request_encode(row, given, &json);
    if (result == GARDEN_OK)
        result =
            garden_content_decode(&request, control ? GARDEN_CONTROL_REQUEST : GARDEN_SHELL_REQUEST,
                                  garden_buffer_bytes(&json), NULL, &fault);
    garden_buffer_fini(&json);
    if (result < 0)
        return tool_usage(tool, "%s", fault.text[0] ? fault.text : garden_err_text(result));
    result = request_send(tool, &request);
    garden_message_fini(&request);
    return result;
}
