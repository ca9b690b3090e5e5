#ifndef POSIX_RING_H
#define POSIX_RING_H

#include "mote/stores/kept_ring.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Zeroes the session but for the ring of reports that the boot before left in `folder`/ring, if
 * there is one. With `folder` NULL none is kept. */
void ring_begin(const char *folder, struct mote_session *session, struct mote_boot *boot);

/** Keeps what was added since; after each poll. */
void ring_save(struct mote_session *session);

#ifdef __cplusplus
}
#endif

#endif
