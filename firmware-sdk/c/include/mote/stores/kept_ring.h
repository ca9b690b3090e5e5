#ifndef MOTE_KEPT_RING_H
#define MOTE_KEPT_RING_H

#include "mote/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Keeps a session's ring of reports over a reset, in memory that no reset clears. So reports of
 * the previous boot that the gateway has not stored are sent by this boot, and its lines stay
 * readable (SPEC §5.6). Must be next to the session, in the same kind of memory.
 */
struct mote_kept_ring {
    uint32_t magic;
    uint32_t epoch;
    uint16_t next_seq;
    uint16_t used;
    uint16_t crc;
};

/**
 * Records what a later boot needs to check the ring. Call it after each poll, and before a reset
 * that the device itself starts. It costs time only if a line was added, and returns true then. A
 * fault handler may call it whatever it has interrupted: lines that mote_log had begun to drop
 * are dropped, a line that was not written completely is left out, and an inconsistent ring is
 * discarded. If a chip stores 16 bits in two steps (AVR), a fault between them may lose lines or
 * the ring too, but the device still boots.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: yes.
 */
bool mote_kept_ring_seal(struct mote_kept_ring *kept, struct mote_session *session);

/**
 * Call it before mote_session_init. Zeroes the session, but keeps the ring as it was when it was
 * sealed, if the whole ring is valid. So the session can begin with any content of the memory. A
 * ring that is kept keeps its epoch, which is written to `boot`.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different sessions.
 */
void mote_kept_ring_begin(struct mote_kept_ring *kept, struct mote_session *session,
                          struct mote_boot *boot);

#ifdef __cplusplus
}
#endif

#endif
