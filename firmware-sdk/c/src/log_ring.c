#include "mote/log_ring.h"

#include <string.h>

static uint16_t wrap(unsigned at) {
    return (uint16_t)(at % MOTE_LOG_RING_BYTES);
}

static void append(struct mote_log_ring *ring, const void *bytes, size_t length, bool ascii) {
    const uint8_t *from = bytes;
    for (; length > 0; length--) {
        uint8_t byte = *from++;
        ring->bytes[wrap(ring->tail + (unsigned)ring->used++)] = ascii && byte > 0x7f ? '?' : byte;
    }
}

/* The entry at `at`, which its head describes. Returns where the next one begins. */
static uint16_t read_entry(const struct mote_log_ring *ring, uint16_t at, struct mote_log_entry *entry) {
    uint8_t head[MOTE_LOG_ENTRY_HEAD];
    for (unsigned i = 0; i < sizeof head; i++) {
        head[i] = ring->bytes[wrap(at + i)];
    }
    uint16_t length;
    memcpy(&length, head, sizeof length);
    memcpy(&entry->at_ms, head + 2, sizeof entry->at_ms);
    entry->elements = head[6];
    at = wrap(at + sizeof head);
    size_t first = MOTE_LOG_RING_BYTES - (size_t)at;
    if (first > length) {
        first = length;
    }
    entry->body[0].bytes = ring->bytes + at;
    entry->body[0].length = first;
    entry->body[1].bytes = ring->bytes;
    entry->body[1].length = length - first;
    return wrap(at + (unsigned)length);
}

void mote_log_ring_add(struct mote_log_ring *ring, uint32_t at_ms, uint8_t elements, const struct mote_span *head,
                       const struct mote_span *tail, bool ascii) {
    uint16_t length = (uint16_t)(head->length + tail->length);
    while (MOTE_LOG_RING_BYTES - (size_t)ring->used < MOTE_LOG_ENTRY_HEAD + (size_t)length) {
        struct mote_log_entry oldest;
        uint16_t next = read_entry(ring, ring->tail, &oldest);
        ring->used = (uint16_t)(ring->used - MOTE_LOG_ENTRY_HEAD - oldest.body[0].length - oldest.body[1].length);
        ring->tail = next;
        ring->oldest_seq++;
    }
    append(ring, &length, sizeof length, false);
    append(ring, &at_ms, sizeof at_ms, false);
    append(ring, &elements, sizeof elements, false);
    append(ring, head->bytes, head->length, false);
    append(ring, tail->bytes, tail->length, ascii);
    ring->next_seq++;
}

bool mote_log_ring_find(const struct mote_log_ring *ring, uint16_t seq, struct mote_log_entry *entry) {
    uint16_t at = ring->tail;
    for (uint16_t i = ring->oldest_seq; i != ring->next_seq; i++) {
        at = read_entry(ring, at, entry);
        if ((int16_t)(uint16_t)(i - seq) >= 0) {
            entry->seq = i;
            return true;
        }
    }
    return false;
}
