#ifndef MOTE_FRAME_H
#define MOTE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "mote/clock.h"
#include "mote/config.h"
#include "mote/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Longest COBS encoding of n bytes (Cheshire & Baker 1999: one more for each 254). */
#define MOTE_COBS_BYTES(n) ((n) + ((n) + 253) / 254)

/** A segment of the longest message, and the byte that makes it too long (SPEC §4.2). */
#define MOTE_SEGMENT_BYTES (MOTE_COBS_BYTES(MOTE_MESSAGE_BYTES + 2) + 1)

/** Longest frame of the longest message, delimiters included. */
#define MOTE_FRAME_BYTES (MOTE_COBS_BYTES(MOTE_MESSAGE_BYTES + 2) + 2)

/**
 * Takes a serial line apart into messages and console text (SPEC §4.2, §4.3). Zeroed is initial.
 *
 *                 00                        00, bad → count, salvage ┌──┐
 *   ┌─────────┐ ─────────────────▶ ┌────────┐ ─────────────────────────┘  │
 *   │ outside │                    │ inside │ ◀───────────────────────────┘
 *   └─────────┘ ◀───────────────── └────────┘
 *     text        00, good │ too long │ 100 ms of silence │ begins like no message, and no frame
 *                                                           was good yet
 */
struct mote_frame_decoder {
    uint32_t last_byte_ms;
    uint16_t length; /* of the open segment, with the zero before it; 0: outside */
    uint16_t bad_frames;
    bool heard; /* there was a good frame */
    uint8_t segment[1 + MOTE_SEGMENT_BYTES];
};

/**
 * Pushed instead of a byte: there is no byte now, and a segment that has been silent for 100 ms
 * ends.
 */
#define MOTE_FRAME_SILENCE (-1)

/**
 * Processes one byte. A completed message or text is in the decoder's segment until the next
 * call. Push MOTE_FRAME_SILENCE before bytes that may be late, and when the clock's wait is over.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different decoders.
 * @returns the length of a completed message; negative: the length of a completed text; 0:
 * nothing is complete
 */
MOTE_MUST_USE int mote_frame_push(struct mote_frame_decoder *decoder, int byte,
                                  struct mote_clock *clock);

/** Writes a byte of a frame; `last` is set with the delimiter that ends it. */
typedef void mote_frame_write(void *context, uint8_t byte, bool last);

/**
 * Writes a message as one frame, without a second buffer (SPEC §4.1). The spare part takes the CRC.
 *
 *   00 │ COBS( message ‖ crc16 BE ) │ 00
 *
 * Blocking: as `write`. ISR-safe: no. Re-entrant: yes.
 */
void mote_frame_encode(struct mote_parts *message, mote_frame_write *write, void *context);

#ifdef __cplusplus
}
#endif

#endif
