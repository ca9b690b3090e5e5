#ifndef MOTE_MESSAGE_H
#define MOTE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "mote/cbor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Why a message is refused (SPEC §3.1). */
enum mote_message_error {
    MOTE_MESSAGE_OK,
    MOTE_MESSAGE_CBOR,
    MOTE_MESSAGE_ENVELOPE,
    MOTE_MESSAGE_FIELD,
    MOTE_MESSAGE_MISSING,
    MOTE_MESSAGE_TOO_LONG
};

/* Where a kind's values stand in mote_message.field. */
enum {
    MOTE_WELCOME_ATTEMPT,
    MOTE_WELCOME_SID,
    MOTE_WELCOME_STREAMS_KEPT,
    MOTE_WELCOME_TIME_S,
    MOTE_WELCOME_TIME_MS,
    MOTE_WELCOME_HEARTBEAT_S,
    MOTE_WELCOME_RTO_MS,
    MOTE_WELCOME_REPORT_WINDOW,
    MOTE_WELCOME_STORED_SEQ
};
enum { MOTE_REQUEST_ID, MOTE_REQUEST_OP };
enum { MOTE_BYE_REASON, MOTE_BYE_SECONDS };
enum { MOTE_ACK_STORED_SEQ };
enum { MOTE_DATA_STREAM, MOTE_DATA_OFFSET, MOTE_DATA_STATUS };
enum { MOTE_CREDIT_STREAM, MOTE_CREDIT_NEXT, MOTE_CREDIT_WINDOW, MOTE_CREDIT_STATUS };

/** A decoded message. Pointers lie in the bytes it was decoded from. */
struct mote_message {
    uint32_t field[9];
    /** data: the bytes. request: the arguments, encoded and checked. */
    struct mote_cbor_reader body;
    uint32_t kind; /* below 2^32: larger ones are refused */
    /**
     * Arguments of a request that are not yet read; in any other message elements that were
     * skipped. Welcome's map is one of them: keyed serial is not part of version 0 (SPEC §5.9).
     */
    uint16_t rest;
    /** data: an end was there. bye: seconds, credit: a status was there. */
    bool has_last;
    /** request: to be set by the command, how many results it wrote. */
    uint8_t results;
};

/**
 * Decodes the kinds that a gateway sends: welcome, request, bye, ack, data, credit. Any other kind
 * is checked as CBOR only, and has no fields.
 *
 * Blocking: no. ISR-safe: yes. Re-entrant: yes.
 */
MOTE_MUST_USE enum mote_message_error mote_message_decode(const uint8_t *bytes, size_t length,
                                                          struct mote_message *message);

#ifdef __cplusplus
}
#endif

#endif
