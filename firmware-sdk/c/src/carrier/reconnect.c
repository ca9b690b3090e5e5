#include "mote/carrier/reconnect.h"

#include "mote/profile.gen.h"

/* More waits in a row than this make none longer: 250 ms << 7 is 32 s. */
enum { MAX_DOUBLINGS = 7 };

static uint32_t doubled(uint8_t times, uint32_t most_ms) {
    uint32_t wait_ms = times > 0 ? (uint32_t)MOTE_DEFAULT_RECONNECT_MS << (times - 1) : 0;
    return wait_ms < most_ms ? wait_ms : most_ms;
}

static void count(uint8_t *times) {
    if (*times <= MAX_DOUBLINGS) {
        ++*times;
    }
}

void mote_reconnect_opened(struct mote_reconnect *reconnect, uint32_t now_ms) {
    reconnect->attempts = 0;
    reconnect->opened_at_ms = now_ms;
}

uint32_t mote_reconnect_ended(struct mote_reconnect *reconnect, enum mote_connection_end end,
                              uint32_t now_ms) {
    count(&reconnect->attempts);
    if (end == MOTE_CONNECTION_CUT) {
        if (now_ms - reconnect->opened_at_ms >= UINT32_C(1000) * MOTE_DEFAULT_STEADY_CONNECTION_S) {
            reconnect->cuts = 0;
        } else {
            count(&reconnect->cuts);
        }
    } else if (end == MOTE_CONNECTION_FAILED) {
        /* The gateway was away: another device does not bring that about. */
        reconnect->cuts = 0;
    }
    uint32_t wait_ms = doubled(reconnect->attempts, MOTE_DEFAULT_RECONNECT_FAILED_MS);
    uint32_t after_cuts_ms = doubled(reconnect->cuts, MOTE_DEFAULT_RECONNECT_CUT_MS);
    return wait_ms > after_cuts_ms ? wait_ms : after_cuts_ms;
}
