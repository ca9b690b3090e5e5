#ifndef MOTE_DISPATCH_H
#define MOTE_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "mote/message.h"
#include "mote/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mote_session;

/**
 * Executes a request. Arguments are read from its body; unknown further ones must be ignored. The
 * function writes results to the session's writer, and their number to the request; they count
 * only with MOTE_STATUS_OK. If they do not fit, the status becomes OUT_OF_RANGE. Called from
 * poll; must not block.
 */
typedef enum mote_status mote_command_run(struct mote_session *session, const void *context,
                                          struct mote_message *request);

/** A row of the device's command table (SPEC §6). */
struct mote_command {
    mote_command_run *run;
    const void *context;
    uint8_t op;
    bool at_most_once; /* has an effect that must not be repeated (SPEC §5.5), and no results: only
                          the status is recorded */
};

/**
 * The row of an op, or NULL.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different sessions, as all functions here.
 */
const struct mote_command *mote_dispatch_find(const struct mote_session *session, uint32_t op);

/**
 * Reads an unsigned integer argument. INVALID_ARGUMENT if it is missing, has another type, or is
 * above `max`. Then the value is 0, and no further argument can be read, because its position is
 * unknown.
 */
MOTE_MUST_USE enum mote_status mote_dispatch_uint(struct mote_message *request, uint32_t max,
                                                  uint32_t *value);

#ifdef __cplusplus
}
#endif

#endif
