#include "mote/log_ring.h"

#include <string.h>

uint8_t *mote_log_ring_add(struct mote_log_ring *ring, const struct mote_log_entry *entry) {
    size_t size = sizeof *entry + entry->length;
    while (ring->used + size > MOTE_LOG_RING_BYTES) {
        struct mote_log_entry oldest;
        memcpy(&oldest, ring->bytes, sizeof oldest);
        size_t dropped = sizeof oldest + oldest.length;
        ring->used = (uint16_t)(ring->used - dropped);
        memmove(ring->bytes, ring->bytes + dropped, ring->used);
        ring->oldest_seq++;
    }
    uint8_t *at = ring->bytes + ring->used;
    memcpy(at, entry, sizeof *entry);
    ring->used = (uint16_t)(ring->used + size);
    ring->next_seq++;
    return at + sizeof *entry;
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
