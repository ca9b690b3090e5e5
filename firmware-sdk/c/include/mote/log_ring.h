#ifndef MOTE_LOG_RING_H
#define MOTE_LOG_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "mote/config.h"
#include "mote/span.h"

/**
 * Reports in the order they were recorded; a new one drops as many of the oldest as it needs the
 * place of (SPEC §5.6). The bytes are moved down then, so that nothing wraps and each body lies in
 * one piece.
 *
 *   oldest_seq ▼                                 ▼ next_seq
 *              │ entry body │ entry body │ … │ free │
 */
struct mote_log_ring {
    uint16_t used;
    uint16_t oldest_seq;
    uint16_t next_seq;
    uint8_t bytes[MOTE_LOG_RING_BYTES];
};

/** What stands before each body, which is the text. */
struct mote_log_entry {
    uint32_t at_ms;
    uint16_t length;
    uint8_t level;
    bool is_earlier; /* recorded before a reset that the ring outlived: its time is not of this boot */
};

/**
 * Makes room for a report and returns where its body is to be written. The caller sees to it that
 * it fits into an empty ring.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different rings.
 */
uint8_t *mote_log_ring_add(struct mote_log_ring *ring, const struct mote_log_entry *entry);

/**
 * Finds the report `*seq`, or the oldest after it, and its number. NULL when there is none; else
 * its body, valid until the next one is added.
 */
const uint8_t *mote_log_ring_find(const struct mote_log_ring *ring, uint16_t *seq,
                                  struct mote_log_entry *entry);

#endif
