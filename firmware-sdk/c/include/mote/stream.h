#ifndef MOTE_STREAM_H
#define MOTE_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "mote/config.h"
#include "mote/message.h"
#include "mote/retransmit_timer.h"
#include "mote/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mote_session;
struct mote_stream;

/**
 * Accepts bytes that arrived on a stream, as many as it can, and returns how many. With `bytes`
 * NULL it accepts none and returns how many it could accept: the window. Called from poll only.
 */
typedef size_t mote_stream_take(struct mote_stream *stream, const uint8_t *bytes, size_t length);

/**
 * A flow of bytes in each direction, repeated until the other side has them (SPEC §5.7). Offsets
 * are 16 bits wide.
 *
 *   out:   base ▼         sent ▼        ▼ base + length, then the end        limit ▼
 *           │ on their way     │ waiting │                                  what credit allows
 *
 * Outgoing bytes are in `buffer` from base on. Incoming ones are not kept: `take` returns how many
 * were accepted.
 */
struct mote_stream {
    uint8_t id;       /* 0: free */
    uint8_t repeats;  /* credits in a row with the same next, at most 2 */
    uint8_t finished; /* incoming: its end has come, with this status + 1 */
    bool ended;       /* outgoing: an end follows the bytes */
    uint8_t end_status;
    int16_t end_exit; /* −1: the end has no exit code */
    uint16_t base;
    uint16_t sent;
    uint16_t limit;
    uint16_t length;
    uint16_t next;   /* incoming: all before has been taken */
    uint16_t window; /* as announced last */
    struct mote_retransmit_timer timer;
    mote_stream_take *take;
    void *owner;            /* for `take` */
    uint8_t buffer[MOTE_STREAM_BUFFER_BYTES];
};

/**
 * Opens a stream under an id that the gateway chose. NULL: no slot is free, or the id is in use.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different sessions, as all functions here: they are
 * for what runs in poll.
 */
struct mote_stream *mote_stream_open(struct mote_session *session, uint8_t id,
                                     mote_stream_take *take, void *owner);

/** The open stream with this id, or NULL. */
struct mote_stream *mote_stream_find(struct mote_session *session, uint32_t id);

/** Puts bytes into the buffer, as many as fit, and returns how many. They are sent by the next
 * poll. */
size_t mote_stream_write(struct mote_stream *stream, const void *bytes, size_t length);

/** How many bytes `mote_stream_write` would take now. */
size_t mote_stream_room(const struct mote_stream *stream);

/**
 * Ends the outgoing direction after the bytes in the buffer. `exit_code` is 0–255; a higher one
 * is sent as 255, and a negative one as an end without exit code.
 */
void mote_stream_end(struct mote_stream *stream, enum mote_status status, int32_t exit_code);

/**
 * After a welcome: resends unacknowledged bytes, or forgets all streams; then their owners see id
 * 0.
 */
void mote_stream_resume(struct mote_session *session, bool kept);

/** Processes a data message and answers it. For the session. */
void mote_stream_data(struct mote_session *session, const struct mote_message *message);

/** Processes a credit. For the session. */
void mote_stream_credit(struct mote_session *session, const struct mote_message *message);

/** Sends one message if a stream has one that is due. For the session. */
MOTE_MUST_USE bool mote_stream_send(struct mote_session *session);

#ifdef __cplusplus
}
#endif

#endif
