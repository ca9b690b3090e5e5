#ifndef POSIX_RING_H
#define POSIX_RING_H

#include "mote/stores/kept_ring.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Zeroes the session, but keeps the ring of reports that the previous boot left in `folder`/ring,
 * if there is one. With `folder` NULL none is kept.
 */
void ring_begin(const char *folder, struct mote_session *session, struct mote_boot *boot);

/** Saves reports that were added since the last call; call it after each poll. */
void ring_save(struct mote_session *session);

#ifdef __cplusplus
}
#endif

#endif
