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

/** The time of a poll, and how long nothing will be due. What asks whether its time has come need
 * say no more. */
struct mote_clock {
    uint32_t now_ms;
    uint32_t wait_ms;
};

/**
 * Whether a time has come; if it has not, the wait ends then at the latest.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different clocks, as all functions here.
 */
bool mote_clock_due(struct mote_clock *clock, uint32_t at_ms);

/**
 * When to repeat what has not been answered: after rto, 2 rto, 4 rto, 8 rto, 8 rto … (SPEC §5).
 * Zeroed is stopped.
 */
struct mote_retry {
    uint32_t at_ms;
    bool armed;
    int8_t doublings;
};

/** Begins to wait, unless it already does; the clock's wait ends with it at the latest. */
void mote_retry_arm(struct mote_retry *retry, struct mote_clock *clock, uint16_t rto_ms);

/** Whether the wait is over. Then it was in vain: the next one is twice as long. */
bool mote_retry_due(struct mote_retry *retry, struct mote_clock *clock);

/** Something advanced: nothing is due, and the next wait is rto. */
void mote_retry_stop(struct mote_retry *retry);

#ifdef __cplusplus
}
#endif

#endif
