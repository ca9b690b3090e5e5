/*
 * Boots with kept memory that was corrupted, under sanitizers: none reads or writes out of bounds, and a
 * ring that is taken over can be read to its end and written to. Reads "COUNT SEED" from stdin, and prints how
 * many were.
 *
 * Half of the corruptions get a check that is right again, as one in 65,536 does by chance.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../src/stores/kept_ring.c"

static uint32_t state;

static uint32_t draw(uint32_t below) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % below;
}

static void corrupt(uint8_t *bytes, size_t size) {
    for (uint32_t left = 1 + draw(8); left > 0; left--) {
        uint32_t at = draw(draw(2) ? (uint32_t)size : 16);
        if (draw(8) == 0) {
            while (at < size) {
                bytes[at++] = (uint8_t)draw(256);
            }
        } else {
            bytes[at] = (uint8_t)(draw(2) ? draw(256) : bytes[at] ^ 1u << draw(8));
        }
    }
}

static void fail(const char *what, uint32_t left) {
    fprintf(stderr, "%s, %lu left\n", what, (unsigned long)left);
    exit(1);
}

static const struct mote_session_config config;

/* A ring that is none, whose check is right, and that says it has as many entries as −1 is in 16 bits:
 * that is no count of them. */
static void try_minus_one(struct mote_kept_ring *kept, struct mote_session *session) {
    struct mote_boot boot = {1, 7, 0};
    struct mote_log_ring *ring = &session->reports.ring;
    memset(session, 0, sizeof *session);
    memset(kept, 0, sizeof *kept);
    mote_session_init(session, &config, &boot, 0);
    mote_log(session, MOTE_INFO, "a line");
    (void)mote_kept_ring_seal(kept, session);
    ring->bytes[offsetof(struct mote_log_entry, level)] = MOTE_ERROR + 1;
    kept->next_seq = (uint16_t)(ring->oldest_seq - 1);
    kept->crc = crc_of(kept, ring);
    mote_kept_ring_begin(kept, session, &boot);
    if (ring->used > 0) {
        fail("a ring was taken over that has 65,535 entries", 0);
    }
}

int main(void) {
    unsigned long count, seed;
    if (scanf("%lu %lu", &count, &seed) != 2) {
        return 64;
    }
    struct mote_kept_ring *kept = malloc(sizeof *kept);
    struct mote_session *session = malloc(sizeof *session);
    struct mote_log_ring *ring = &session->reports.ring;
    uint32_t taken = 0, forged = 0;
    try_minus_one(kept, session);
    state = (uint32_t)seed | 1;
    for (uint32_t left = (uint32_t)count; left > 0; left--) {
        struct mote_boot boot = {1, 7, 0};
        memset(session, 0, sizeof *session);
        memset(kept, 0, sizeof *kept);
        mote_session_init(session, &config, &boot, 0);
        for (uint32_t lines = draw(40); lines > 0; lines--) {
            char text[MOTE_MESSAGE_BYTES];
            memset(text, 'a' + (int)draw(26), sizeof text);
            text[draw(sizeof text)] = '\0';
            text[sizeof text - 1] = '\0';
            mote_log(session, (enum mote_level)draw(MOTE_ERROR + 1), text);
        }
        (void)mote_kept_ring_seal(kept, session);
        if (draw(4)) {
            corrupt((uint8_t *)ring, sizeof *ring);
        } else {
            corrupt((uint8_t *)kept, sizeof *kept);
        }
        if (draw(2) && kept->used <= MOTE_LOG_RING_BYTES) {
            kept->magic = MAGIC;
            kept->crc = crc_of(kept, ring);
            forged++;
        }
        /* A fault handler may seal what is corrupted already. */
        if (draw(4) == 0) {
            (void)mote_kept_ring_seal(kept, session);
        }
        boot.ring_epoch = 9;
        mote_kept_ring_begin(kept, session, &boot);
        taken += boot.ring_epoch == kept->epoch && kept->magic == MAGIC && ring->used > 0;
        mote_session_init(session, &config, &boot, 0);
        for (unsigned more = 0; more < 20; more++) {
            struct mote_log_entry entry;
            unsigned used = 0;
            uint16_t seq = ring->oldest_seq;
            for (; seq != ring->next_seq; seq++) {
                uint16_t found = seq;
                const uint8_t *body = mote_log_ring_find(ring, &found, &entry);
                used += (unsigned)sizeof entry + entry.length;
                if (!body || found != seq || used > ring->used || entry.level > MOTE_ERROR ||
                    !mote_cbor_is_utf8(body, entry.length)) {
                    fail("a ring was taken over that is none", left);
                }
            }
            if (used != ring->used || ring->used > MOTE_LOG_RING_BYTES) {
                fail("entries do not fill what is used", left);
            }
            mote_log(session, MOTE_INFO, "a line of this boot");
        }
    }
    printf("%lu %lu\n", (unsigned long)taken, (unsigned long)forged);
    free(kept);
    free(session);
    return 0;
}
