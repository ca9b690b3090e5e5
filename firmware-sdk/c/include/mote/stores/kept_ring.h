#ifndef MOTE_KEPT_RING_H
#define MOTE_KEPT_RING_H

#include "mote/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Keeps a session's ring of reports over a reset, in memory that no reset clears: so what the boot
 * before said, and the gateway has not stored, is sent by this one, and its lines stay readable
 * (SPEC §5.6). Lies next to the session, in such memory, too.
 */
struct mote_kept_ring {
    uint32_t magic;
    uint32_t epoch;
    uint16_t next_seq;
    uint16_t used;
    uint16_t crc;
};

/**
 * Notes what a later boot needs to believe the ring. To be called after each poll, and before a
 * reset that the device itself makes; takes time only where a line was added, and returns true then.
 * A fault handler may call it whatever it has interrupted: what mote_log had begun to drop is dropped,
 * a line that it had not written whole is left out, and a ring that is no ring any more is given up.
 * If a chip stores 16 bits in two steps (AVR), one that comes between them may cost lines or the ring
 * too, but no boot.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: yes.
 */
bool mote_kept_ring_seal(struct mote_kept_ring *kept, struct mote_session *session);

/**
 * To be called before mote_session_init: zeroes the session but for what its ring had when it was
 * sealed, and that too unless all of it checks: whatever is in memory, the session can begin. A ring
 * that is taken over keeps its epoch, which goes into `boot`.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different sessions.
 */
void mote_kept_ring_begin(struct mote_kept_ring *kept, struct mote_session *session,
                          struct mote_boot *boot);

#ifdef __cplusplus
}
#endif

#endif
