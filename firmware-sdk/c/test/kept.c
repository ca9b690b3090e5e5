/*
 * Boots with kept memory that was corrupted, under sanitizers: none reads or writes out of bounds, and a
 * ring that is taken over can be read to its end and written to. "kept COUNT SEED" prints how many were.
 *
 * Half of the corruptions get a check that is right again, as one in 65,536 does by chance.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../src/stores/kept_ring.c"

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
    fprintf(stderr, "%s, %u left\n", what, (unsigned)left);
    exit(1);
}

int main(int argc, char **argv) {
    static const struct mote_session_config config;
    if (argc != 3) {
        return 64;
    }
    struct mote_kept_ring *kept = malloc(sizeof *kept);
    struct mote_session *session = malloc(sizeof *session);
    struct mote_log_ring *ring = &session->reports.ring;
    uint32_t taken = 0, forged = 0;
    state = (uint32_t)atoi(argv[2]) | 1;
    for (uint32_t left = (uint32_t)atoi(argv[1]); left > 0; left--) {
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
    printf("%u %u\n", (unsigned)taken, (unsigned)forged);
    free(kept);
    free(session);
    return 0;
}
