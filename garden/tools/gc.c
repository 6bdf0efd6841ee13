// gc: removes what no manifest names from a store, or tells what it would remove.
#include "store_tool.h"

enum { GC_FORGET_MAX = 256 };

static const char gc_help[] =
    "Usage: gardenctl gc --store DIR [OPTION]...\n"
    "\n"
    "Finds the objects that no manifest names: neither a manifest in the store nor a\n"
    "recording in its staging folder, under way or left behind. Tells them; removes\n"
    "them with --remove. Nothing is removed while anything writes into the store, or\n"
    "while something that may name objects cannot be read: see gardenctl fsck.\n"
    "\n"
    "  --store DIR        the store\n"
    "  --remove           remove them; a kill in the midst of it does no harm\n"
    "  --dry-run          only tell them: the default\n"
    "  --forget MANIFEST  take this manifest, and what only it names, for unnamed; or\n"
    "                     an object that is damaged. May be given several times\n"
    "\n"
    "With --json a line for each object, and one for all of it.";

static const struct option gc_options[] = {
    {"store", required_argument, NULL, 's'},
    {"remove", no_argument, NULL, 'r'},
    {"dry-run", no_argument, NULL, 'd'},
    {"forget", required_argument, NULL, 'f'},
    {0},
};

struct gc {
    const struct tool *tool;
    bool remove;
};

static void gc_each(void *context, const struct garden_hash *hash, uint64_t size, bool manifest)
{
    const struct gc *gc = context;
    char text[GARDEN_HASH_TEXT_SIZE];
    garden_hash_text(hash, text);
    if (!gc->tool->json) {
        (void)printf("%s %14llu%s\n", text, (unsigned long long)size, manifest ? "  manifest" : "");
        return;
    }
    struct garden_entry entries[] = {
        garden_entry_of("object", garden_value_text(garden_text_of(text))),
        garden_entry_of("size", garden_value_uint(size)),
        garden_entry_of("manifest", garden_value_bool(manifest)),
    };
    const struct garden_value value = garden_value_map(entries, sizeof entries / sizeof *entries);
    tool_print_json(&value);
}

static void gc_report(const struct gc *gc, const struct garden_collect_report *report)
{
    struct garden_entry entries[] = {
        garden_entry_of("objects", garden_value_uint(report->objects)),
        garden_entry_of("bytes", garden_value_uint(report->object_bytes)),
        garden_entry_of("manifests", garden_value_uint(report->manifests)),
        garden_entry_of("unnamed", garden_value_uint(report->unnamed)),
        garden_entry_of("unnamed_bytes", garden_value_uint(report->unnamed_bytes)),
        garden_entry_of("removed", garden_value_uint(report->removed)),
        garden_entry_of("removed_bytes", garden_value_uint(report->removed_bytes)),
        garden_entry_of("metadata_removed", garden_value_uint(report->metadata_removed)),
    };
    const struct garden_value value = garden_value_map(entries, sizeof entries / sizeof *entries);
    if (gc->tool->json) {
        tool_print_json(&value);
        return;
    }
    (void)printf("%llu objects of %llu bytes, %llu manifest%s; %llu unnamed, of %llu bytes%s\n",
                 (unsigned long long)report->objects, (unsigned long long)report->object_bytes,
                 (unsigned long long)report->manifests, report->manifests == 1 ? "" : "s",
                 (unsigned long long)report->unnamed, (unsigned long long)report->unnamed_bytes,
                 report->unnamed == 0 ? ""
                 : gc->remove         ? ": removed"
                                      : ": --remove removes them");
}

static int gc_run(struct gc *gc, struct garden_collect_config *config, const char *root)
{
    struct garden_store *store;
    struct garden_error error;
    struct garden_collect_report report;
    int result = store_tool_open(gc->tool, root, gc->remove, &store);
    if (result != TOOL_OK) return result;
    config->remove = gc->remove;
    config->each = gc_each;
    config->context = gc;
    result = garden_store_collect(store, config, &report, &error);
    garden_store_close(store);
    if (result == GARDEN_OK) {
        gc_report(gc, &report);
        return TOOL_OK;
    }
    (void)tool_fail(gc->tool, "%s", error.text);
    return result == GARDEN_ERR_CORRUPT || result == GARDEN_ERR_FORMAT ? TOOL_DIFFERS : TOOL_FAILED;
}

static int gc_command(struct tool *tool, int argc, char **argv)
{
    struct gc gc = {.tool = tool};
    struct garden_hash forget[GC_FORGET_MAX];
    struct garden_collect_config config = {.forget = forget};
    const char *root = NULL;
    bool dry = false;
    int option;
    while ((option = getopt_long(argc, argv, "", gc_options, NULL)) >= 0) {
        if (option == 's') {
            root = optarg;
        } else if (option == 'r') {
            gc.remove = true;
        } else if (option == 'd') {
            dry = true;
        } else if (option == 'f') {
            if (config.forget_count == GC_FORGET_MAX)
                return tool_usage(tool, "at most %d manifests can be forgotten at once",
                                  GC_FORGET_MAX);
            if (garden_hash_parse(optarg, &forget[config.forget_count++]) < 0)
                return tool_usage(tool, "--forget: '%s' is no hash: 64 hex digits are one", optarg);
        } else {
            return TOOL_USAGE;
        }
    }
    if (!root) return tool_usage(tool, "--store DIR is missing");
    if (optind < argc) return tool_usage(tool, "'%s' was not expected", argv[optind]);
    if (gc.remove && dry) return tool_usage(tool, "--remove or --dry-run, not both");
    return gc_run(&gc, &config, root);
}

const struct tool_command tool_gc = {
    .name = "gc",
    .run = gc_command,
    .summary = "remove from a store what no manifest names, or tell it",
    .help = gc_help,
    .options = gc_options,
};
