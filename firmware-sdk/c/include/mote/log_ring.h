#ifndef MOTE_LOG_RING_H
#define MOTE_LOG_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "mote/config.h"
#include "mote/span.h"

/**
 * Reports in the order they were recorded, in a ring of bytes; a new one overwrites the oldest ones (SPEC §5.6).
 *
 *   oldest_seq ▼                                ▼ next_seq
 *   │ length:2 at_ms:4 elements:1 body │ … │ … │ free │       wraps at the end of `bytes`
 */
struct mote_log_ring {
    uint16_t tail;
    uint16_t used;
    uint16_t oldest_seq;
    uint16_t next_seq;
    uint8_t bytes[MOTE_LOG_RING_BYTES];
};

/** A report in the ring: its body, CBOR elements from the type on, in two parts where the ring wraps. */
struct mote_log_entry {
    uint32_t at_ms;
    struct mote_span body[2];
    uint16_t seq;
    uint8_t elements;
};

/** What stands in the ring before a body, bytes. */
#define MOTE_LOG_ENTRY_HEAD 7

/**
 * Records `elements` encoded elements, given in two parts; with `ascii`, bytes above 7F of the second one
 * become '?'. The caller sees to it that they fit into an empty ring.
 * Blocking: no. ISR-safe: no. Re-entrant: for different rings.
 */
void mote_log_ring_add(struct mote_log_ring *ring, uint32_t at_ms, uint8_t elements, const struct mote_span *head,
                       const struct mote_span *tail, bool ascii);

/** Finds the report `seq`, or the oldest after it. False when there is none. */
MOTE_MUST_USE bool mote_log_ring_find(const struct mote_log_ring *ring, uint16_t seq, struct mote_log_entry *entry);

#endif
