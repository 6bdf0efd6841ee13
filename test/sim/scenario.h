// What a seed stands for: patterns, nodes, limits, faults; and the course of one run.
#ifndef TEST_SIM_SCENARIO_H
#define TEST_SIM_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

struct scenario_report {
    const char *pattern, *mechanism, *mode;
    unsigned clients, hwm, elders;
    bool faults, failing, hasty, passed;
    char options[80]; // that are not the default
    char why[160];    // it did not pass
    uint64_t sent, delivered, lost, resets, stalls, refusals;
    uint64_t steps, simulated_ms;
};

// Runs one seed. |tracing| prints what happens, as it happens.
struct scenario_report scenario_run(uint64_t seed, bool tracing);

#endif
