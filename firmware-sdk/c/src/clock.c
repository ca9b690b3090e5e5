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
