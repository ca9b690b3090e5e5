#ifndef MOTE_CLOCK_H
#define MOTE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The longest wait, milliseconds: about 24 days. Times are compared modulo 2^32, so a time-out
 * stays below it. */
#define MOTE_WAIT_FOREVER 0x7fffffffu

/**
 * The time of a poll, and how long until something is due. Code that checks whether its time has
 * come need not report more.
 */
struct mote_clock {
    uint32_t now_ms;
    uint32_t wait_ms;
};

/**
 * Whether a time has come; if not, the wait ends at that time or earlier.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different clocks.
 */
bool mote_clock_due(struct mote_clock *clock, uint32_t at_ms);

#ifdef __cplusplus
}
#endif

#endif
