#ifndef MOTE_EXCHANGE_H
#define MOTE_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "mote/message.h"
#include "mote/profile.gen.h"

struct mote_session;

/** The last once-request and its response (SPEC §5.5): one record is enough, since only one is outstanding at a time. */
struct mote_exchange {
    uint16_t id;
    bool valid;
    uint8_t status;
    uint8_t items;
    uint8_t length;
    uint8_t result[MOTE_LIMIT_ONCE_RESULT_BYTES];
};

/** Answers a request: carries it out, replays the recorded response, or drops it. For the session. */
void mote_exchange_request(struct mote_session *session, const struct mote_message *message);

#endif
