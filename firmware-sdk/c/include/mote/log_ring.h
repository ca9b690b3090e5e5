#ifndef MOTE_LOG_RING_H
#define MOTE_LOG_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "mote/config.h"
#include "mote/span.h"

#ifdef __cplusplus
extern "C" {
#endif

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
    uint16_t dropped; /* bytes of the entry that is being dropped at the front; 0: none is */
    uint16_t moved;   /* what followed it, as far as that is in its new place already */
    uint8_t bytes[MOTE_LOG_RING_BYTES];
};

/** The header of each body; the body is the text. */
struct mote_log_entry {
    uint32_t at_ms;
    uint16_t length;
    uint8_t level;
    bool is_earlier; /* recorded before a reset that the ring outlived: its time is not of this boot */
};

/** The longest text whose report, and whose log-read response, fit a message and an empty ring. */
enum {
    MOTE_LOG_IN_MESSAGE = MOTE_MESSAGE_BYTES - 19,
    MOTE_LOG_IN_RING = MOTE_LOG_RING_BYTES - (int)sizeof(struct mote_log_entry),
    MOTE_LOG_TEXT_BYTES =
        MOTE_LOG_IN_MESSAGE < MOTE_LOG_IN_RING ? MOTE_LOG_IN_MESSAGE : MOTE_LOG_IN_RING
};

/**
 * Makes room for a report and returns where its body is to be written; it counts from
 * mote_log_ring_commit on. The caller sees to it that it fits into an empty ring.
 *
 * A fault may interrupt both permanently at any point: the ring then still has all reports that
 * need not be dropped, after a call of mote_log_ring_move if `dropped` shows that one was being
 * dropped.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different rings, as all functions here.
 */
uint8_t *mote_log_ring_add(struct mote_log_ring *ring, const struct mote_log_entry *entry);

/** Adds the report whose body has been written, up to `end`. */
void mote_log_ring_commit(struct mote_log_ring *ring, const uint8_t *end);

/**
 * Moves what follows the entry that is being dropped, or the rest of it, to the front. Numbers stay
 * as they are. For the ring, and for code that finishes what a fault interrupted.
 */
void mote_log_ring_move(struct mote_log_ring *ring);

/**
 * Finds the report `*seq`, or the oldest after it, and its number. Returns its body, valid until
 * the next one is added, or NULL if there is none.
 */
const uint8_t *mote_log_ring_find(const struct mote_log_ring *ring, uint16_t *seq,
                                  struct mote_log_entry *entry);

#ifdef __cplusplus
}
#endif

#endif
