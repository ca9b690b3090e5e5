#ifndef CORTEX_M_STATS_H
#define CORTEX_M_STATS_H

#include "mote/commands/stats.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The time in which the core did not sleep, and the unused part of the painted stack. */
extern const struct mote_stats_source cortex_stats;

#ifdef __cplusplus
}
#endif

#endif
