#ifndef CORTEX_M_BOOT_H
#define CORTEX_M_BOOT_H

#include "mote/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Why a device starts (SPEC §3.3). */
enum reset_cause {
    RESET_POWER_ON = MOTE_RESET_POWER_ON,
    RESET_PIN = MOTE_RESET_PIN,
    RESET_SOFTWARE = MOTE_RESET_SOFTWARE,
    RESET_PANIC = MOTE_RESET_PANIC
};

/**
 * Numbers this boot. The board keeps nothing without power, so:
 *
 * - 16 bytes of RAM at 0x20000000 that no reset clears hold [magic, boot, cause, seed]; a reset
 * raises `boot`.
 * - After a power-on the number is drawn: from the jitter of the core's clock against its counter,
 * and from `seed`. An emulator has jitter from its host; if it has none (`-icount`), the seed
 * must come from outside:
 *   `-device loader,addr=0x2000000c,data=<random>,data-len=4`. A chip with a random generator
 * should use that instead.
 *
 * The ring's epoch is that number too, unless the ring outlives the reset (mote_kept_ring_begin).
 */
struct mote_boot boot_begin(void);

/** Restarts the core. Does not return. */
void boot_again(enum reset_cause cause);

#ifdef __cplusplus
}
#endif

#endif
