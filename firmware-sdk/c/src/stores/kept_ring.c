#include "mote/kept_ring.h"

#include <string.h>

#include "mote/crc16.h"

#define MAGIC 0x6d747267u /* "mtrg" */

static uint16_t crc_of(const struct mote_kept_ring *kept, const struct mote_log_ring *ring) {
    const uint32_t numbers[] = {kept->epoch, ring->used, ring->oldest_seq, ring->next_seq};
    const uint8_t *at = (const uint8_t *)numbers;
    uint16_t crc = 0;
    for (size_t left = sizeof numbers; left > 0; left--) {
        crc = mote_crc16_update(crc, *at++);
    }
    for (unsigned i = 0; i < ring->used; i++) {
        crc = mote_crc16_update(crc, ring->bytes[i]);
    }
    return crc;
}

bool mote_kept_ring_seal(struct mote_kept_ring *kept, const struct mote_session *session) {
    const struct mote_log_ring *ring = &session->reports.ring;
    if (kept->magic == MAGIC && kept->next_seq == ring->next_seq && kept->used == ring->used &&
        kept->epoch == session->boot.ring_epoch) {
        return false;
    }
    kept->magic = MAGIC;
    kept->epoch = session->boot.ring_epoch;
    kept->next_seq = ring->next_seq;
    kept->used = ring->used;
    kept->crc = crc_of(kept, ring);
    return true;
}

/* Whether the ring is as it was sealed; then its lines are of an earlier boot from now on. */
static bool take_over(struct mote_kept_ring *kept, struct mote_log_ring *ring) {
    if (kept->magic != MAGIC || kept->used != ring->used || kept->next_seq != ring->next_seq ||
        ring->used > MOTE_LOG_RING_BYTES || kept->crc != crc_of(kept, ring)) {
        return false;
    }
    for (uint8_t *at = ring->bytes, *end = at + ring->used; at < end;) {
        struct mote_log_entry entry;
        memcpy(&entry, at, sizeof entry);
        entry.is_earlier = true;
        memcpy(at, &entry, sizeof entry);
        at += sizeof entry + entry.length;
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
