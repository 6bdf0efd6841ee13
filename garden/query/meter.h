// What a query has spent since it last asked whether it may go on. Whatever can take long by what clients sent
// spends as it goes, so that neither a match nor a search outlasts a query's time by more than a moment.
#ifndef GARDEN_QUERY_METER_H
#define GARDEN_QUERY_METER_H

#include <stddef.h>

struct garden__query_meter {
    size_t spent;                   // steps of about a nanosecond or two
    int (*check)(void *check_user); // null: never asked
    void *check_user;
};

enum { GARDEN__QUERY_CHECK_COST = 16 * 1024 };

// 0: go on. Negative: the query is to end with it. A null |meter| goes on for ever.
static inline int garden__query_spend(struct garden__query_meter *meter, size_t cost)
{
    if (!meter) return 0;
    meter->spent += cost;
    if (meter->spent < GARDEN__QUERY_CHECK_COST || !meter->check) return 0;
    meter->spent = 0;
    return meter->check(meter->check_user);
}

#endif
