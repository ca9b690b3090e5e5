#include "mote/stores/kept_ring.h"

#include <string.h>

#include "mote/crc16.h"

#define MAGIC 0x6d747267u /* "mtrg" */

/* The check of what `kept` says is in the ring. */
static uint16_t crc_of(const struct mote_kept_ring *kept, const struct mote_log_ring *ring) {
    const uint32_t numbers[] = {kept->epoch, kept->used, ring->oldest_seq, kept->next_seq};
    const uint8_t *at = (const uint8_t *)numbers;
    uint16_t crc = 0;
    for (size_t left = sizeof numbers; left > 0; left--) {
        crc = mote_crc16_update(crc, *at++);
    }
    for (unsigned i = 0; i < kept->used; i++) {
        crc = mote_crc16_update(crc, ring->bytes[i]);
    }
    return crc;
}

/* Walks from entry to entry, and counts them; −1: they do not fill exactly what is used, or one is
 * no report. Their lines are of an earlier boot from now on, if `is_earlier`. */
static int walk(struct mote_log_ring *ring, bool is_earlier) {
    unsigned at = 0;
    int count = 0;
    for (; at + sizeof(struct mote_log_entry) <= ring->used; count++) {
        struct mote_log_entry entry;
        uint8_t *start = ring->bytes + at;
        memcpy(&entry, start, sizeof entry);
        at += (unsigned)sizeof entry + entry.length;
        if (at > ring->used || entry.length > MOTE_LOG_TEXT_BYTES || entry.level > MOTE_ERROR ||
            !mote_cbor_is_utf8(start + sizeof entry, entry.length)) {
            return -1;
        }
        if (is_earlier) {
            start[offsetof(struct mote_log_entry, is_earlier)] = true;
        }
    }
    return at == ring->used ? count : -1;
}

/* Finishes what a fault has interrupted in mote_log. False: this is no ring. */
static bool settle(struct mote_log_ring *ring) {
    if (ring->used > MOTE_LOG_RING_BYTES) {
        return false;
    }
    if (ring->dropped) {
        if (ring->moved > ring->used || ring->dropped > MOTE_LOG_RING_BYTES) {
            return false;
        }
        mote_log_ring_move(ring);
    }
    int count = walk(ring, false);
    if (ring->dropped) {
        ring->oldest_seq = (uint16_t)(ring->next_seq - (unsigned)count);
        ring->dropped = 0;
    } else {
        ring->next_seq = (uint16_t)(ring->oldest_seq + (unsigned)count);
    }
    return count >= 0;
}

bool mote_kept_ring_seal(struct mote_kept_ring *kept, struct mote_session *session) {
    struct mote_log_ring *ring = &session->reports.ring;
    if (kept->magic == MAGIC && kept->next_seq == ring->next_seq && kept->used == ring->used &&
        kept->epoch == session->boot.ring_epoch && ring->dropped == 0) {
        return false;
    }
    struct mote_kept_ring seal = {0, session->boot.ring_epoch, 0, 0, 0};
    if (settle(ring)) {
        seal.magic = MAGIC;
        seal.next_seq = ring->next_seq;
        seal.used = ring->used;
        seal.crc = crc_of(&seal, ring);
    }
    *kept = seal;
    return true;
}

/* Whether the ring has what was sealed. What was added after that is not taken over. */
static bool take_over(struct mote_kept_ring *kept, struct mote_log_ring *ring) {
    if (kept->magic != MAGIC || kept->epoch == 0 || kept->used > MOTE_LOG_RING_BYTES ||
        kept->crc != crc_of(kept, ring)) {
        return false;
    }
    ring->used = kept->used;
    ring->next_seq = kept->next_seq;
    ring->dropped = 0;
    if (walk(ring, true) != (int32_t)(uint16_t)(ring->next_seq - ring->oldest_seq)) {
        return false;
    }
    kept->crc = crc_of(kept, ring);
    return true;
}

void mote_kept_ring_begin(struct mote_kept_ring *kept, struct mote_session *session,
                          struct mote_boot *boot) {
    struct mote_log_ring *ring = &session->reports.ring;
    if (take_over(kept, ring)) {
        uint8_t *end = (uint8_t *)(ring + 1);
        memset(session, 0, offsetof(struct mote_session, reports.ring));
        memset(end, 0, (size_t)((uint8_t *)(session + 1) - end));
        boot->ring_epoch = kept->epoch;
    } else {
        memset(session, 0, sizeof *session);
    }
}
