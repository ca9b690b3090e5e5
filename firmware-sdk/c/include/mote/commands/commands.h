#ifndef MOTE_COMMANDS_H
#define MOTE_COMMANDS_H

#include "mote/commands/command_rows.gen.h"
#include "mote/commands/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The values that `info` returns (SPEC §6.2); `context` of mote_command_info. NULL or 0 leaves a
 * value out.
 */
struct mote_info {
    const char *arch;
    const char *os;
    uint32_t ram_kib;
    uint32_t flash_kib;
    uint8_t slots;          /* of firmware; 0: slot and state are left out */
    uint8_t firmware_slot;  /* the one that runs */
    uint8_t firmware_state; /* MOTE_FIRMWARE_… */
};

/**
 * The device's clock as [s, ms]; false: it was never set. For commands.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different sessions.
 */
MOTE_MUST_USE bool mote_time_read(const struct mote_session *session, uint32_t now[2]);

#ifdef __cplusplus
}
#endif

#endif
