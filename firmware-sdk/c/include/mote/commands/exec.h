#ifndef MOTE_EXEC_H
#define MOTE_EXEC_H

#include "mote/commands/job.h"
#include "mote/message.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The request for a command with argv (SPEC §6.3, §6.15). */
struct mote_invocation {
    struct mote_job *job; /* its argv and flags; NULL: no slot is free */
    struct mote_span peripheral;
    uint8_t out, err;
};

/**
 * Reads the arguments of a command with argv; `has_peripheral`: a name precedes argv.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different devices, as all functions here.
 */
MOTE_MUST_USE enum mote_status mote_exec_read(const struct mote_device *device,
                                              struct mote_message *request, bool has_peripheral,
                                              struct mote_invocation *invocation);

/** The shell's program of this name, or the row for unknown names. */
const struct mote_program *mote_exec_find(const struct mote_device *device, const char *name);

#ifdef __cplusplus
}
#endif

#endif
