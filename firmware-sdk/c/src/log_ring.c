#include "mote/log_ring.h"

#include <string.h>

/* What is before is in memory before what is behind: a fault may come between them. */
#define THEN() __asm__ volatile("" ::: "memory")

void mote_log_ring_move(struct mote_log_ring *ring) {
    uint16_t moved = ring->moved;
    /* Each step may be done again: it reads nothing that it has written. */
    while (moved + ring->dropped < ring->used) {
        ring->bytes[moved] = ring->bytes[moved + ring->dropped];
        THEN();
        ring->moved = ++moved;
    }
    ring->used = moved;
    THEN();
}

uint8_t *mote_log_ring_add(struct mote_log_ring *ring, const struct mote_log_entry *entry) {
    size_t max = MOTE_LOG_RING_BYTES - sizeof *entry - entry->length;
    while (ring->used > max) {
        uint16_t length; /* of the oldest */
        memcpy(&length, ring->bytes + offsetof(struct mote_log_entry, length), sizeof length);
        ring->moved = 0;
        THEN();
        ring->dropped = (uint16_t)(sizeof *entry + length);
        mote_log_ring_move(ring);
        ring->oldest_seq++;
        THEN();
        ring->dropped = 0;
        THEN();
    }
    uint8_t *at = ring->bytes + ring->used;
    memcpy(at, entry, sizeof *entry);
    return at + sizeof *entry;
}

void mote_log_ring_commit(struct mote_log_ring *ring, const uint8_t *end) {
    THEN();
    ring->used = (uint16_t)(end - ring->bytes);
    THEN();
    ring->next_seq++;
}

const uint8_t *mote_log_ring_find(const struct mote_log_ring *ring, uint16_t *seq,
                                  struct mote_log_entry *entry) {
    const uint8_t *at = ring->bytes;
    for (uint16_t i = ring->oldest_seq; i != ring->next_seq; i++) {
        memcpy(entry, at, sizeof *entry);
        at += sizeof *entry;
        if ((int16_t)(uint16_t)(i - *seq) >= 0) {
            *seq = i;
            return at;
        }
        at += entry->length;
    }
    return NULL;
}
