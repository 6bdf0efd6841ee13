// query and schema: asks the daemon's query lane, and shows the words that it knows.
#include <errno.h>
#include <string.h>

#include "../query.h"
#include "tool.h"

enum { QUERY_TEXT_MAX = 1024 * 1024 };

struct query_call {
    bool csv;
    struct garden_value variables;
    struct garden_text text;
};

static const struct option query_options[] = {
    {"file", required_argument, NULL, 'f'},
    {"variables", required_argument, NULL, 'v'},
    {"csv", no_argument, NULL, 'c'},
    {0},
};

// ---- What came

static void query_csv_text(struct garden_text text)
{
    bool quote = text.size == 0;
    for (size_t i = 0; i < text.size && !quote; i++)
        quote = strchr("\",\r\n", text.data[i]) != NULL;
    if (!quote) {
        (void)fwrite(text.data, 1, text.size, stdout);
        return;
    }
    (void)putchar('"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"') (void)putchar('"');
        (void)putchar(text.data[i]);
    }
    (void)putchar('"');
}

// RFC 4180; null is nothing, the empty text is "", and a list is JSON.
static void query_csv_value(const struct garden_value *value)
{
    struct garden_buffer json;
    if (value->type == GARDEN_NULL) return;
    if (value->type == GARDEN_TEXT) {
        query_csv_text(value->text);
        return;
    }
    garden_buffer_init(&json, NULL, 0);
    if (garden_json_encode(value, &json) == GARDEN_OK)
        query_csv_text((struct garden_text){(const char *)json.data, json.size});
    garden_buffer_fini(&json);
}

static void query_print_csv(const struct garden_value_list *rows)
{
    for (size_t row = 0; row <= rows->count && rows->count > 0; row++) {
        const struct garden_value *values = &rows->items[row ? row - 1 : 0];
        if (values->type != GARDEN_MAP) continue;
        for (size_t i = 0; i < values->map.count; i++) {
            if (i > 0) (void)putchar(',');
            if (row == 0)
                query_csv_text(values->map.entries[i].key);
            else
                query_csv_value(&values->map.entries[i].value);
        }
        (void)fputs("\r\n", stdout);
    }
}

static int query_read(struct tool *tool, const struct garden_message *reply, void *context)
{
    const struct query_call *call = context;
    bool truncated = false;
    if (reply->family != GARDEN_QUERY_REPLY)
        return tool_fail(tool, "the daemon answered with %s", garden_message_name(reply));
    if (reply->query_reply.kind == GARDEN_QUERY_REPLY_ERROR) {
        const struct garden_text text = reply->query_reply.error.error;
        return tool_fail(tool, "%.*s", (int)text.size, text.data);
    }
    const struct garden_value_list *rows = &reply->query_reply.results.rows;
    const struct garden_value list = garden_value_list(rows->items, rows->count);
    if (tool->json)
        tool_print_json(&list);
    else if (call->csv)
        query_print_csv(rows);
    else
        tool_print_value(&list);
    (void)garden_value_to_bool(garden_map_find(&reply->metadata, "truncated"), &truncated);
    if (truncated)
        (void)fprintf(stderr,
                      "gardenctl query: these are the first %zu rows, there are more: filter, or "
                      "raise gardend's --query-rows\n",
                      rows->count);
    return TOOL_OK;
}

// ---- What is asked

// All of |file|, a name or "-", into |out|.
static int query_read_file(const struct tool *tool, const char *name, struct garden_buffer *out)
{
    char block[4096];
    FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");
    if (!file) return tool_fail(tool, "%s cannot be read: %s", name, strerror(errno));
    size_t size;
    while ((size = fread(block, 1, sizeof block, file)) > 0)
        if (garden_buffer_append(out, block, size) < 0) break;
    const int bad = ferror(file) ? errno : 0;
    if (file != stdin) (void)fclose(file);
    if (out->error) return tool_fail(tool, "%s is too large for a query", name);
    if (!bad) return TOOL_OK;
    return tool_fail(tool, "%s cannot be read: %s", file == stdin ? "the standard input" : name,
                     strerror(bad));
}

static int query_read_variables(const struct tool *tool, const char *json,
                                struct garden_arena *arena, struct garden_value *out)
{
    struct garden_fault fault;
    const struct zmtp_bytes octets = {(const uint8_t *)json, strlen(json)};
    if (garden_json_decode(octets, arena, out, &fault) < 0)
        return tool_usage(tool, "--variables: %s", fault.text);
    if (out->type != GARDEN_MAP)
        return tool_usage(tool, "--variables: expected an object, such as {\"name\": 3}");
    return TOOL_OK;
}

static int query_send(struct tool *tool, struct query_call *call)
{
    const struct garden_query_request request = {.query = call->text,
                                                 .variables = call->variables.map};
    struct garden_client_config config;
    garden_client_config_init(&config);
    const int result = tool_connect(tool, &config);
    return result == TOOL_OK ? tool_query(tool, &request, query_read, call) : result;
}

static int query_run(struct tool *tool, int argc, char **argv)
{
    const char *file = NULL, *variables = NULL;
    struct query_call call = {.variables = garden_value_map(NULL, 0)};
    struct garden_buffer text;
    struct garden_arena arena;
    int option;
    while ((option = getopt_long(argc, argv, "", query_options, NULL)) >= 0) {
        if (option == 'f')
            file = optarg;
        else if (option == 'v')
            variables = optarg;
        else if (option == 'c')
            call.csv = true;
        else
            return TOOL_USAGE;
    }
    if (argc - optind > 1 || (file && argc - optind != 0))
        return tool_usage(tool,
                          "one query: as one argument, or with --file, or on the standard input");
    if (call.csv && tool->json)
        return tool_usage(tool, "--csv and --json both say how rows are printed: give one");
    garden_buffer_init(&text, NULL, QUERY_TEXT_MAX);
    garden_arena_init(&arena, NULL, 0);
    int result = TOOL_OK;
    if (variables) result = query_read_variables(tool, variables, &arena, &call.variables);
    if (result == TOOL_OK && argc - optind == 1 && strcmp(argv[optind], "-") != 0) {
        call.text = garden_text_of(argv[optind]);
    } else if (result == TOOL_OK) {
        result = query_read_file(tool, file ? file : "-", &text);
        call.text = (struct garden_text){(const char *)text.data, text.size};
    }
    if (result == TOOL_OK) result = query_send(tool, &call);
    garden_arena_fini(&arena);
    garden_buffer_fini(&text);
    return result;
}

static int query_schema(struct tool *tool, int argc, char **argv)
{
    struct garden_buffer out;
    int result = tool_no_arguments(tool, argc, argv);
    if (result != TOOL_OK) return result;
    garden_buffer_init(&out, NULL, 0);
    if (garden_query_schema_print(garden_query_own_schema(), &out) < 0) {
        result = tool_fail(tool, "no memory");
    } else if (tool->json) {
        const struct garden_value text =
            garden_value_text((struct garden_text){(const char *)out.data, out.size});
        struct garden_entry entry = garden_entry_of("schema", text);
        const struct garden_value value = garden_value_map(&entry, 1);
        tool_print_json(&value);
    } else {
        (void)fwrite(out.data, 1, out.size, stdout); // a failure is told at the end
    }
    garden_buffer_fini(&out);
    return result;
}

const struct tool_command tool_query_command = {
    .name = "query",
    .run = query_run,
    .summary = "ask the daemon's state: '{ Region { id @output end @output } }'",
    .help =
        "Usage: gardenctl query [OPTION]... [QUERY]\n"
        "\n"
        "Asks a query of the daemon's state, all of it as it is at one moment, and prints\n"
        "its rows as a table, or with 'gardenctl --json query' as a list of objects. Without\n"
        "QUERY and --file it is read from the standard input. The language is told in\n"
        "garden/query/README.md, and what can be asked by 'gardenctl schema'.\n"
        "\n"
        "  --file FILE       the query stands in FILE; - is the standard input\n"
        "  --variables JSON  what its variables are: '{\"beat\": 4}'\n"
        "  --csv             comma-separated values, with a head\n"
        "\n"
        "gardenctl query --variables '{\"from\": 8}' \\\n"
        "    '{ Region { id @output position @output @filter(op: \">=\", value: [\"$from\"]) } }'",
    .options = query_options,
};
const struct tool_command tool_schema = {
    .name = "schema",
    .run = query_schema,
    .summary = "show what a query can ask",
    .help = "Usage: gardenctl schema\n\nPrints the schema of queries, as GraphQL has schemas. No "
            "daemon is asked.",
};
