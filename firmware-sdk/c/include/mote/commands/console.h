#ifndef MOTE_CONSOLE_H
#define MOTE_CONSOLE_H

#include "mote/commands/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Shows a text on all consoles that streams have opened (SPEC §6.5). Each has the room of its
 * stream: what does not fit is left out, and reported as "[N bytes lost]" as soon as it fits. For
 * the port, in addition to the line's own console.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different devices.
 */
void mote_console_print(const struct mote_device *device, const char *text);

#ifdef __cplusplus
}
#endif

#endif
