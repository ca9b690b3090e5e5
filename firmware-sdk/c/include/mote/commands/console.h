#ifndef MOTE_CONSOLE_H
#define MOTE_CONSOLE_H

#include "mote/commands/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Prints a text on all consoles that streams have opened (SPEC §6.5). Bytes that do not fit into
 * the buffer of a stream are dropped, and reported as "[N bytes lost]" as soon as that fits. For
 * the port, in addition to the line's own console.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different devices.
 */
void mote_console_print(const struct mote_device *device, const char *text);

#ifdef __cplusplus
}
#endif

#endif
