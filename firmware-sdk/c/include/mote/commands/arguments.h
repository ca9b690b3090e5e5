#ifndef MOTE_ARGUMENTS_H
#define MOTE_ARGUMENTS_H

#include "mote/config.h"
#include "mote/message.h"
#include "mote/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Reads the arguments of a request one after the other, and keeps a fault in `status`:
 * INVALID_ARGUMENT if one is missing, has another type or is outside its range; otherwise
 * OUT_OF_RANGE if one is too large for this device (SPEC §5.5). So a command reads all of them,
 * and then checks `status`.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: yes, as all functions here.
 */
struct mote_arguments {
    struct mote_message *request;
    enum mote_status status; /* OK at first */
};

/** An unsigned integer of at most `max`. */
uint32_t mote_arguments_uint(struct mote_arguments *arguments, uint32_t max);

/** The id of a stream. */
uint8_t mote_arguments_stream(struct mote_arguments *arguments);

/** Whether the next argument is null; if so, skips it. */
bool mote_arguments_null(struct mote_arguments *arguments);

/** A text of at most `max` bytes; it lies in the request, and has no NUL at its end. */
struct mote_span mote_arguments_text(struct mote_arguments *arguments, size_t max);

/** Whether a text is a path: absolute, without NUL, without empty, "." and ".." segments. */
bool mote_is_path(const void *text, size_t length);

/**
 * A path (SPEC §6.11), copied with a NUL; "" if it is refused. OUT_OF_RANGE over
 * MOTE_FILE_NAME_BYTES.
 */
void mote_arguments_path(struct mote_arguments *arguments, char path[MOTE_FILE_NAME_BYTES + 1]);

#ifdef __cplusplus
}
#endif

#endif
