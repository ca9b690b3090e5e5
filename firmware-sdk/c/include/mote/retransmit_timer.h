#ifndef MOTE_RETRANSMIT_TIMER_H
#define MOTE_RETRANSMIT_TIMER_H

#include "mote/clock.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * When to resend unanswered messages: after rto, 2 rto, 4 rto, 8 rto, 8 rto … (SPEC §5). A zeroed
 * timer is stopped.
 */
struct mote_retransmit_timer {
    uint32_t at_ms;
    bool armed;
    int8_t doublings;
};

/**
 * Starts to wait, unless it already does; the clock's wait ends at that time or earlier.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different timers, as all functions here.
 */
void mote_retransmit_timer_arm(struct mote_retransmit_timer *timer, struct mote_clock *clock,
                               uint16_t rto_ms);

/** Whether the wait is over without progress: then the next one is twice as long. */
bool mote_retransmit_timer_due(struct mote_retransmit_timer *timer, struct mote_clock *clock);

/** Progress was made: nothing is due, and the next wait is rto. */
void mote_retransmit_timer_stop(struct mote_retransmit_timer *timer);

#ifdef __cplusplus
}
#endif

#endif
