// Queries over as many regions as are given (100000), each timed from text to encoded reply, as the daemon's
// threads answer them: the median and the slowest of the runs, and the median of the processor's time, which
// other work on the machine does not change. make bench-query
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "garden/daemon/query.h"

enum { QUERY_RUNS = 21, QUERY_REGIONS = 100000, QUERY_TEXT_SIZE = 512 };

static const struct {
    const char *name, *text, *variables;
} queries[] = {
    {"RegionInRange, 50 of them",
     "{ RegionInRange(start: 40000.0, end: 40200.0) { id @output position @output } }", "{}"},
    {"@filter on position, 50 of them",
     "{ Region { id @output position @output @filter(op: \">=\", value: [\"$a\"]) @filter(op: "
     "\"<\", value: [\"$b\"]) } }",
     "{\"a\": 40000, \"b\": 40200}"},
    {"@filter by status and regex, 1089 of them",
     "{ Region { latent_status @filter(op: \"=\", value: [\"$s\"]) job_id @output @filter(op: "
     "\"regex\", value: [\"$r\"]) } }",
     "{\"s\": \"pending\", \"r\": \"^job-\\\\d{2}7$|^job-[0-9]+99$\"}"},
    {"Region by id",
     "{ Region(id: \"00000000-0000-4000-8000-00000001869f\") { position @output } }", "{}"},
    {"10000 rows of 4 columns",
     "{ RegionInRange(start: 0.0, end: 39999.0) { id @output position @output end @output "
     "behavior_type @output } }",
     "{}"},
    {"each region's job, counted, none is told",
     "{ Region { job @fold @transform(op: \"count\") @filter(op: \">\", value: [\"$n\"]) @output } "
     "}",
     "{\"n\": 1}"},
};

static struct garden_uuid query_id(uint32_t number)
{
    struct garden_uuid id = {{[6] = 0x40, [8] = 0x80}};
    for (int i = 0; i < 4; i++)
        id.octets[15 - i] = (uint8_t)(number >> (8 * i));
    return id;
}

static void query_fill(struct state *state, uint32_t count)
{
    struct changes changes;
    struct garden_error error;
    char job[32];
    changes_init(&changes);
    for (uint32_t i = 0; i < count; i++) {
        struct garden_shell_request request = {
            .kind = GARDEN_SHELL_CREATE_REGION,
            .create_region = {.position = 4.0 * i, .duration = 4}};
        const struct state_moment moment = {.mono_ns = 1, .fresh = query_id(i)};
        struct state_answer answer;
        (void)snprintf(job, sizeof job, "job-%u", (unsigned)i);
        request.create_region.behavior.kind =
            i % 2 ? GARDEN_BEHAVIOR_LATENT : GARDEN_BEHAVIOR_PLAY_CONTENT;
        request.create_region.behavior.latent.job_id = garden_text_of(job);
        if (i % 2 == 0)
            request.create_region.behavior.play_content.artifact_id = garden_text_of(job);
        state_answer_init(&answer);
        if (state_shell(state, &request, &moment, &answer, &changes, &error) < 0) exit(1);
        state_answer_fini(&answer);
        changes_clear(&changes);
    }
    changes_fini(&changes);
}

// The rows of a query and the octets of its reply; exits with its error.
static size_t query_once(struct snapshot *snapshot, const char *text, const char *variables,
                         size_t *octets)
{
    struct garden_arena arena;
    struct garden_buffer out;
    struct garden_value values;
    struct garden_query *query;
    struct garden_error error = {0};
    struct garden_value *rows = calloc(QUERY_REGIONS, sizeof *rows);
    size_t count = 0;
    struct garden_query_config config = {
        .schema = garden_query_own_schema(), .adapter = query_adapter(), .user = snapshot};
    garden_arena_init(&arena, NULL, 0);
    garden_buffer_init(&out, NULL, 0);
    const struct zmtp_bytes json = {(const uint8_t *)variables, strlen(variables)};
    int result = garden_json_decode(json, &arena, &values, NULL);
    if (result == GARDEN_OK)
        result = garden_query_open(&query, &config, garden_text_of(text), &values.map, &error);
    while (result >= 0 && (result = garden_query_next(query, &arena, &rows[count], &error)) > 0)
        count++;
    const struct garden_value list = garden_value_list(rows, count);
    if (result == GARDEN_OK) result = garden_msgpack_encode(&list, &out);
    if (result < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    *octets = out.size;
    garden_query_close(query);
    garden_buffer_fini(&out);
    garden_arena_fini(&arena);
    free(rows);
    return count;
}

static int query_compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double query_cpu_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
    static struct state state;
    const struct state_moment moment = {.mono_ns = 1};
    const unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : QUERY_REGIONS;
    struct snapshot snapshot;
    state_init(&state);
    query_fill(&state, count > QUERY_REGIONS ? QUERY_REGIONS : (uint32_t)count);
    state_snapshot(&state, &moment, &snapshot);
    (void)printf("| query | rows | octets | processor ms | median ms | slowest ms "
                 "|\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        double ms[QUERY_RUNS], cpu_ms[QUERY_RUNS];
        size_t rows = 0, octets = 0;
        for (size_t run = 0; run < QUERY_RUNS; run++) {
            const uint64_t begun = uv_hrtime();
            const double cpu_begun = query_cpu_ms();
            rows = query_once(&snapshot, queries[i].text, queries[i].variables, &octets);
            ms[run] = (double)(uv_hrtime() - begun) / 1e6;
            cpu_ms[run] = query_cpu_ms() - cpu_begun;
        }
        qsort(ms, QUERY_RUNS, sizeof *ms, query_compare);
        qsort(cpu_ms, QUERY_RUNS, sizeof *cpu_ms, query_compare);
        (void)printf("| %s | %zu | %zu | %.1f | %.1f | %.1f |\n", queries[i].name, rows, octets,
                     cpu_ms[QUERY_RUNS / 2], ms[QUERY_RUNS / 2], ms[QUERY_RUNS - 1]);
    }
    state_release(&state, &snapshot);
    state_fini(&state);
    return 0;
}
