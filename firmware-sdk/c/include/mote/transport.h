#ifndef MOTE_TRANSPORT_H
#define MOTE_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "mote/clock.h"
#include "mote/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Carries whole messages for a session. `mote_line` implements it over a serial port; a carrier of
 * packets implements it directly. All functions are called from `mote_session_poll` only, and none
 * blocks for long.
 */
struct mote_transport {
    /**
     * Whether `send` can accept one message of any size now. While false, poll neither sends nor
     * receives.
     */
    bool (*ready)(void *context);

    /** Sends a message. The bytes are valid only during the call. */
    void (*send)(void *context, struct mote_parts *message);

    /** The next message, valid until the next call; length 0 when there is none. */
    struct mote_span (*receive)(void *context, struct mote_clock *clock);

    /** First retransmission time-out before a welcome says otherwise (SPEC §5.1). */
    uint16_t rto_ms;
};

#ifdef __cplusplus
}
#endif

#endif
