#ifndef POSIX_BOOT_H
#define POSIX_BOOT_H

#include "mote/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Why a device starts (SPEC §3.3). */
enum reset_cause {
    RESET_POWER_ON = MOTE_RESET_POWER_ON,
    RESET_SOFTWARE = MOTE_RESET_SOFTWARE,
    RESET_PANIC = MOTE_RESET_PANIC
};

/**
 * Numbers this boot: by the counter in `folder`, which is incremented and saved first, or at
 * random if `folder` is NULL. The ring's epoch has the same number, unless the ring outlives the
 * boot (ring_begin). Exits with a message if the counter cannot be saved.
 */
struct mote_boot boot_begin(const char *folder);

/** Restarts this program, as a reset does; the serial line must be handed over before. Does
 * not return. */
void boot_again(char *const *arguments, enum reset_cause cause);

#ifdef __cplusplus
}
#endif

#endif
