#include "mote/retransmit_timer.h"

void mote_retransmit_timer_arm(struct mote_retransmit_timer *timer, struct mote_clock *clock,
                               uint16_t rto_ms) {
    if (!timer->armed) {
        timer->armed = true;
        timer->at_ms = clock->now_ms + ((uint32_t)rto_ms << timer->doublings);
    }
    /* This poll may end without another look at it. */
    (void)mote_clock_due(clock, timer->at_ms);
}

bool mote_retransmit_timer_due(struct mote_retransmit_timer *timer, struct mote_clock *clock) {
    if (!timer->armed || !mote_clock_due(clock, timer->at_ms)) {
        return false;
    }
    timer->armed = false;
    /* 8 rto is the longest wait (SPEC §5). */
    if (timer->doublings < 3) {
        timer->doublings++;
    }
    return true;
}

void mote_retransmit_timer_stop(struct mote_retransmit_timer *timer) {
    timer->armed = false;
    timer->doublings = 0;
}
