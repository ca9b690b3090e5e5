#ifndef MOTE_EXCHANGE_H
#define MOTE_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "mote/message.h"
#include "mote/profile.gen.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mote_session;

/**
 * The last at-most-once request and its response (SPEC §5.5): one record is enough, since only one
 * is outstanding at a time. No at-most-once command of this version has results, so the status is
 * all there is to record.
 */
struct mote_exchange {
    uint16_t id;
    bool valid;
    uint8_t status;
};

/**
 * Answers a request: executes it, replays the recorded response, or drops it. For the session.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different sessions.
 */
void mote_exchange_request(struct mote_session *session, struct mote_message *message);

#ifdef __cplusplus
}
#endif

#endif
