// The deterministic simulation: sockets and connections in a world where a seed decides everything.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario.h"

struct options {
    uint64_t first, last;
    bool trace, json, quiet;
};

static void sim_help(void)
{
    printf("usage: sim [--seed] N | sim FIRST COUNT | sim --seeds A..B   [--trace] [--json]\n"
           "\n"
           "Runs sockets over a simulated network with delays, splits, resets, stalls and failing\n"
           "allocations, as the seed decides, and checks that messages arrive whole, in order and\n"
           "once, that limits hold, that every message is accounted for, that no wake-up is lost,\n"
           "and that no memory is.\n"
           "\n"
           "  --seed N       one seed, and what happened\n"
           "  --seeds A..B   all from A to B; only those that fail are reported\n"
           "  --trace        prints every event\n"
           "  --json         one object a line\n"
           "  --help         this\n"
           "\n"
           "The last line is \"N passed, N failed\"; the exit status is 0 when none failed.\n");
}

// A whole number, followed by |end|; the rest behind it, or null.
static const char *sim_number(const char *text, const char *end, uint64_t *out)
{
    char *rest;
    errno = 0;
    *out = strtoull(text, &rest, 10);
    if (rest == text || *text == '-' || errno != 0) return NULL;
    const size_t size = strlen(end);
    if (size == 0) return *rest ? NULL : rest;
    return strncmp(rest, end, size) == 0 ? rest + size : NULL;
}

static bool sim_range(const char *text, struct options *options)
{
    const char *rest = sim_number(text, "..", &options->first);
    return rest && sim_number(rest, "", &options->last) && options->first <= options->last;
}

static bool sim_options(int argc, char **argv, struct options *options)
{
    uint64_t numbers[2];
    size_t count = 0;
    *options = (struct options){.first = 1, .last = 1};
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(word, "--trace") == 0) {
            options->trace = true;
        } else if (strcmp(word, "--json") == 0) {
            options->json = true;
        } else if (strcmp(word, "--seeds") == 0) {
            if (!sim_range(value, options)) return false;
            options->quiet = true;
            i++;
        } else if (strcmp(word, "--seed") == 0) {
            if (!sim_number(value, "", &options->first)) return false;
            options->last = options->first;
            i++;
        } else if (count < 2 && sim_number(word, "", &numbers[count])) {
            count++;
        } else {
            return false;
        }
    }
    if (count > 0) options->first = options->last = numbers[0];
    if (count == 2) {
        if (numbers[1] == 0 || numbers[1] - 1 > UINT64_MAX - numbers[0]) return false;
        options->last = numbers[0] + (numbers[1] - 1);
        options->quiet = true;
    }
    return true;
}

static void sim_print(uint64_t seed, const struct scenario_report *r)
{
    printf("seed %" PRIu64
           ": %s, %s%s%s with %u client%s (%u of old versions), %s, at most %u messages "
           "queued%s%s%s%s\n",
           seed, r->passed ? "passed" : "FAILED", r->pattern, *r->mode ? " " : "", r->mode,
           r->clients, r->clients == 1 ? "" : "s", r->elders, r->mechanism, r->hwm, r->options,
           r->faults ? ", faults" : "", r->failing ? ", failing allocations" : "",
           r->hasty ? ", clients that close early" : "");
    printf("  %" PRIu64 " sent, %" PRIu64 " delivered, %" PRIu64 " lost on links; %" PRIu64
           " resets, %" PRIu64 " stalls, %" PRIu64 " failed allocations; %" PRIu64
           " steps, %" PRIu64 " ms\n",
           r->sent, r->delivered, r->lost, r->resets, r->stalls, r->refusals, r->steps,
           r->simulated_ms);
    if (!r->passed) printf("  %s\n  again: sim --seed %" PRIu64 " --trace\n", r->why, seed);
}

// No text in a report needs escaping: they are our own.
static void sim_print_json(uint64_t seed, const struct scenario_report *r)
{
    printf("{\"seed\":%" PRIu64
           ",\"passed\":%s,\"why\":\"%s\",\"pattern\":\"%s\",\"mode\":\"%s\",\"options\":\"%s\","
           "\"mechanism\":\"%s\","
           "\"clients\":%u,\"old\":%u,\"hwm\":%u,\"sent\":%" PRIu64 ",\"delivered\":%" PRIu64
           ",\"lost\":%" PRIu64 ",\"resets\":%" PRIu64 ",\"stalls\":%" PRIu64
           ",\"failed_allocations\":%" PRIu64 ",\"steps\":%" PRIu64 ",\"simulated_ms\":%" PRIu64
           "}\n",
           seed, r->passed ? "true" : "false", r->why, r->pattern, r->mode, r->options,
           r->mechanism, r->clients, r->elders, r->hwm, r->sent, r->delivered, r->lost, r->resets,
           r->stalls, r->refusals, r->steps, r->simulated_ms);
}

int main(int argc, char **argv)
{
    struct options options;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        sim_help();
        return 0;
    }
    if (!sim_options(argc, argv, &options)) {
        fprintf(stderr, "sim: these options make no sense; sim --help lists what does\n");
        return 2;
    }
    uint64_t passed = 0, failed = 0;
    for (uint64_t seed = options.first;; seed++) {
        const struct scenario_report report = scenario_run(seed, options.trace);
        passed += report.passed;
        failed += !report.passed;
        if (options.json)
            sim_print_json(seed, &report);
        else if (!report.passed || !options.quiet)
            sim_print(seed, &report);
        if (seed == options.last) break;
    }
    if (!options.json) printf("%" PRIu64 " passed, %" PRIu64 " failed\n", passed, failed);
    return failed ? 1 : 0;
}
