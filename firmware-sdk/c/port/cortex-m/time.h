#ifndef CORTEX_M_TIME_H
#define CORTEX_M_TIME_H

#include <stdint.h>

/** Starts the tick: 100 a second, only to wake the core; milliseconds between ticks come from the
 * counter. */
void time_start(void);

/** Milliseconds since the start, modulo 2^32. */
uint32_t time_now_ms(void);

#endif
