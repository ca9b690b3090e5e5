#ifndef MOTE_STATUS_H
#define MOTE_STATUS_H

#include "mote/profile.gen.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The canonical status codes (SPEC §7), in responses to requests and at the end of streams. */
enum mote_status {
#define MOTE_STATUS_ENUM(name, code) MOTE_STATUS_##name = code,
    MOTE_STATUS_TABLE(MOTE_STATUS_ENUM)
#undef MOTE_STATUS_ENUM
};

/**
 * The name of a code, e.g. "NOT_FOUND"; "?" for an unknown one. Constant text.
 *
 * Blocking: no. ISR-safe: yes. Re-entrant: yes.
 */
const char *mote_status_name(enum mote_status status);

#ifdef __cplusplus
}
#endif

#endif
