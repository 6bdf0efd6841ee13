// fsck: looks at everything in a store, and repairs what can be repaired without losing anything.
#include <string.h>
#include <sys/stat.h>

#include "progress.h"
#include "store_tool.h"

static const char fsck_help[] =
    "Usage: gardenctl fsck --store DIR [OPTION]...\n"
    "\n"
    "Verifies every object, every manifest and what it names, every object's metadata,\n"
    "and tells what lies about: unnamed objects (gardenctl gc), recordings that were\n"
    "left (gardenctl capture --recover), staged and temporary files.\n"
    "\n"
    "  --store DIR  the store\n"
    "  --repair     write metadata anew that is missing or wrong, take away metadata\n"
    "               of nothing, protect objects that can be written to. Nothing else\n"
    "               is ever changed; the store must not be in use\n"
    "\n"
    "Exit status 4 when something is damaged, missing or wrong and was not repaired;\n"
    "what merely lies about is no fault. With --json a line for each finding, and one\n"
    "for all of it.";

static const struct option fsck_options[] = {
    {"store", required_argument, NULL, 's'},
    {"repair", no_argument, NULL, 'r'},
    {0},
};

struct fsck {
    const struct tool *tool;
    struct progress progress;
};

static void fsck_each(void *context, const struct garden_finding *finding)
{
    struct fsck *fsck = context;
    const char *kind = garden_finding_name(finding->kind);
    const bool wrong = garden_finding_wrong(finding->kind);
    if (!fsck->tool->json) {
        progress_clear(&fsck->progress);
        (void)printf("%s%-16s%s %s: %s%s\n",
                     tool_color(finding->repaired ? "green"
                                : wrong           ? "red"
                                                  : "yellow"),
                     kind, tool_color("off"), finding->name, finding->text,
                     finding->repaired ? " (repaired)" : "");
        return;
    }
    struct garden_entry entries[] = {
        garden_entry_of("kind", garden_value_text(garden_text_of(kind))),
        garden_entry_of("name", garden_value_text(garden_text_of(finding->name))),
        garden_entry_of("text", garden_value_text(garden_text_of(finding->text))),
        garden_entry_of("wrong", garden_value_bool(wrong)),
        garden_entry_of("repaired", garden_value_bool(finding->repaired)),
    };
    const struct garden_value value = garden_value_map(entries, sizeof entries / sizeof *entries);
    tool_print_json(&value);
}

static void fsck_progress(void *context, uint64_t bytes, uint64_t bytes_total)
{
    struct fsck *fsck = context;
    progress_part(&fsck->progress, "objects", bytes, bytes_total);
}

static void fsck_report(const struct fsck *fsck, const struct garden_check_report *report)
{
    uint64_t about = 0;
    for (int i = 0; i < GARDEN_FINDINGS; i++)
        if (!garden_finding_wrong((enum garden_finding_kind)i)) about += report->found[i];
    struct garden_entry entries[] = {
        garden_entry_of("ok", garden_value_bool(report->wrong == 0)),
        garden_entry_of("objects", garden_value_uint(report->objects)),
        garden_entry_of("bytes", garden_value_uint(report->object_bytes)),
        garden_entry_of("manifests", garden_value_uint(report->manifests)),
        garden_entry_of("wrong", garden_value_uint(report->wrong)),
        garden_entry_of("lying_about", garden_value_uint(about)),
        garden_entry_of("repaired", garden_value_uint(report->repaired)),
    };
    const struct garden_value value = garden_value_map(entries, sizeof entries / sizeof *entries);
    if (fsck->tool->json) {
        tool_print_json(&value);
        return;
    }
    (void)printf(
        "%llu objects of %llu bytes, %llu manifest%s; %llu wrong, %llu repaired, %llu lying "
        "about\n",
        (unsigned long long)report->objects, (unsigned long long)report->object_bytes,
        (unsigned long long)report->manifests, report->manifests == 1 ? "" : "s",
        (unsigned long long)report->wrong, (unsigned long long)report->repaired,
        (unsigned long long)about);
}

int store_tool_open(const struct tool *tool, const char *root, bool alone,
                    struct garden_store **out)
{
    struct garden_error error;
    struct stat status;
    const struct garden_store_config config = {
        .root = root, .read_only = !alone, .exclusive = alone};
    // Opening one to write makes it, which is not what was asked for.
    if (alone && stat(root, &status) != 0)
        return tool_fail(tool, "cannot open store %s: there is none", root);
    if (garden_store_open(&config, out, &error) == GARDEN_OK) return TOOL_OK;
    return tool_fail(tool, "%s", error.text);
}

static int fsck_run(struct fsck *fsck, const char *root, bool repair)
{
    struct garden_store *store;
    struct garden_error error;
    struct garden_check_report report;
    const struct garden_check_config config = {
        .repair = repair, .each = fsck_each, .progress = fsck_progress, .context = fsck};
    int result = store_tool_open(fsck->tool, root, repair, &store);
    if (result != TOOL_OK) return result;
    progress_init(&fsck->progress, fsck->tool->json, 0, 0);
    result = garden_store_check(store, &config, &report, &error);
    garden_store_close(store);
    progress_clear(&fsck->progress);
    if (result < 0) return tool_fail(fsck->tool, "%s", error.text);
    fsck_report(fsck, &report);
    return report.wrong > 0 ? TOOL_DIFFERS : TOOL_OK;
}

static int fsck_command(struct tool *tool, int argc, char **argv)
{
    struct fsck fsck = {.tool = tool};
    const char *root = NULL;
    bool repair = false;
    int option;
    while ((option = getopt_long(argc, argv, "", fsck_options, NULL)) >= 0) {
        if (option == 's')
            root = optarg;
        else if (option == 'r')
            repair = true;
        else
            return TOOL_USAGE;
    }
    if (!root) return tool_usage(tool, "--store DIR is missing");
    if (optind < argc) return tool_usage(tool, "'%s' was not expected", argv[optind]);
    return fsck_run(&fsck, root, repair);
}

const struct tool_command tool_fsck = {
    .name = "fsck",
    .run = fsck_command,
    .summary = "look at everything in a store, and repair what is safe to",
    .help = fsck_help,
    .options = fsck_options,
};
