#ifndef CORTEX_M_STATS_H
#define CORTEX_M_STATS_H

#include "mote/commands/stats.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Measured: the time that the core did not sleep, and the paint that is left on the stack. */
extern const struct mote_stats_source cortex_stats;

#ifdef __cplusplus
}
#endif

#endif
