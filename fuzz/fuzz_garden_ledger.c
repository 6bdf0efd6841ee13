// What the daemon finds in its state's folder: any octets are read as a log, record by record, and each
// record as a change of a state. What was read is a prefix, encodes back to the same octets, and the
// state that comes of it can be saved and restored.
#include "check.h"
#include "fuzz.h"

#include "garden/daemon/ledger.h"
#include "garden/daemon/save.h"

struct ledger_run {
    struct state state;
    struct garden__record answers;
};

static void ledger_run_init(struct ledger_run *run)
{
    state_init(&run->state);
    garden__record_init(&run->answers, NULL, 16, 4096);
}

static void ledger_run_fini(struct ledger_run *run)
{
    garden__record_fini(&run->answers);
    state_fini(&run->state);
    fuzz_check(run->state.budget.bytes == 0);
}

static int ledger_restore(void *context, struct zmtp_bytes octets)
{
    struct ledger_run *run = context;
    return save_restore(&run->state, 1, octets, &run->answers);
}

// A state that octets have made is made again by what is saved of it.
static void ledger_check_saved(struct ledger_run *run)
{
    static struct ledger_run again;
    const struct state_moment moment = {.mono_ns = 1, .wall = {.seconds = 1}};
    struct snapshot snapshot;
    struct garden_buffer octets;
    ledger_run_init(&again);
    garden_buffer_init(&octets, NULL, 0);
    state_snapshot(&run->state, &moment, &snapshot);
    fuzz_check(save_snapshot(&snapshot, &octets, ledger_restore, &again) == GARDEN_OK);
    state_release(&run->state, &snapshot);
    fuzz_check(again.state.regions.table.count == run->state.regions.table.count);
    fuzz_check(again.state.graph.nodes.count == run->state.graph.nodes.count);
    fuzz_check(graph_links_count(again.state.graph.links) ==
               graph_links_count(run->state.graph.links));
    fuzz_check(again.state.participants.table.count == run->state.participants.table.count);
    garden_buffer_fini(&octets);
    ledger_run_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ledger_run run;
    const struct zmtp_bytes in = zmtp_bytes_of(data, size);
    struct garden_buffer again;
    struct zmtp_bytes payload;
    size_t at = 0;
    ledger_run_init(&run);
    garden_buffer_init(&again, NULL, 0);
    for (uint64_t index = 0; ledger_decode(in, &at, index, &payload); index++) {
        fuzz_check(ledger_encode(&again, index, payload) == GARDEN_OK);
        (void)ledger_restore(&run, payload); // refused or not
    }
    fuzz_check(again.size == at && at <= size);
    fuzz_check(at == 0 || memcmp(again.data, data, at) == 0);
    // A check is hard to guess: the whole input as one payload, too.
    (void)ledger_restore(&run, in);
    ledger_check_saved(&run);
    garden_buffer_fini(&again);
    ledger_run_fini(&run);
    return 0;
}
