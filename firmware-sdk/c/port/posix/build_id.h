#ifndef POSIX_BUILD_ID_H
#define POSIX_BUILD_ID_H

#include "mote/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The first 8 bytes of the GNU build id that the linker put into this program; without one, none. */
struct mote_span posix_build_id(void);

#ifdef __cplusplus
}
#endif

#endif
