#ifndef CORTEX_M_TIME_H
#define CORTEX_M_TIME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Starts the tick: 100 a second, only to wake the core; milliseconds between ticks come from the
 * counter. */
void time_start(void);

/**
 * Milliseconds since the start, modulo 2^32. Never decreases, with or without interrupts locked
 * out.
 */
uint32_t time_now_ms(void);

/** Sleeps until an interrupt is pending (chip_wait), with interrupts locked out, and counts how
 * long. */
void time_wait(void);

/** How long the core ran and slept since the start, each as seconds and milliseconds. */
void time_read_spent(uint32_t busy[2], uint32_t idle[2]);

#ifdef __cplusplus
}
#endif

#endif
