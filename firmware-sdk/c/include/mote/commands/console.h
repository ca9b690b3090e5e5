#ifndef MOTE_CONSOLE_H
#define MOTE_CONSOLE_H

#include "mote/commands/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Shows a text on all consoles that streams have opened (SPEC §6.5). Each has the room of its
 * stream: what does not fit is left out, and told as "[N bytes lost]" when there is room again. For
 * the port, beside the line's own console.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different devices.
 */
void mote_console_print(const struct mote_device *device, const char *text);

#ifdef __cplusplus
}
#endif

#endif
