#include "mote/clock.h"

bool mote_clock_due(struct mote_clock *clock, uint32_t at_ms) {
    int32_t left = (int32_t)(at_ms - clock->now_ms);
    if (left <= 0) {
        return true;
    }
    if ((uint32_t)left < clock->wait_ms) {
        clock->wait_ms = (uint32_t)left;
    }
    return false;
}

void mote_retry_arm(struct mote_retry *retry, struct mote_clock *clock, uint16_t rto_ms) {
    if (!retry->armed) {
        retry->armed = true;
        retry->at_ms = clock->now_ms + ((uint32_t)rto_ms << retry->doublings);
    }
    /* This poll may end without another look at it. */
    (void)mote_clock_due(clock, retry->at_ms);
}

bool mote_retry_due(struct mote_retry *retry, struct mote_clock *clock) {
    if (!retry->armed || !mote_clock_due(clock, retry->at_ms)) {
        return false;
    }
    retry->armed = false;
    /* 8 rto is the longest wait (SPEC §5). */
    if (retry->doublings < 3) {
        retry->doublings++;
    }
    return true;
}

void mote_retry_stop(struct mote_retry *retry) {
    retry->armed = false;
    retry->doublings = 0;
}
