#ifndef MOTE_MESSAGE_H
#define MOTE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "mote/cbor.h"
#include "mote/profile.gen.h"

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

/** A decoded message. Pointers refer to the bytes from which it was decoded. */
struct mote_message {
    uint32_t field[MOTE_MESSAGE_FIELDS]; /* MOTE_WELCOME_…, MOTE_REQUEST_… */
    /** data: the bytes. request: the arguments, encoded and checked. */
    struct mote_cbor_reader body;
    uint32_t kind; /* below 2^32: larger ones are refused */
    /**
     * Unread arguments of a request; in any other message, skipped elements. Welcome's map is one
     * of them: keyed serial is not part of version 0 (SPEC §5.9).
     */
    uint16_t rest;
    /** data: an end was present. bye: seconds, credit: a status was present. */
    bool has_last;
    /** request: the command sets it to the number of results that it wrote. */
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
