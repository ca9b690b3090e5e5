#ifndef CORTEX_M_UART_H
#define CORTEX_M_UART_H

#include <stdbool.h>

#include "mote/platform.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes received and not yet read: more than a frame that fills MOTE_RX_WINDOW_BYTES, and what
 * comes with it. */
#define UART_RING_BYTES 512

void uart_start(void);

/** Whether something was received. */
bool uart_has_input(void);

/**
 * Writes a text.
 *
 * Blocking: until the line has taken it, idling. The transmit lock of this port is that only the
 * main loop writes, and that it writes frames and texts in one piece.
 */
void uart_print(const char *text);

/** Like uart_print, but from a fault handler: by polling, and in the middle of whatever was being
 * written. */
void uart_print_panic(const char *text);

/** The frame after this call breaks off with a fault. */
void uart_arm_panic(void);

/** The functions for mote_line; no context. */
extern const struct mote_port uart_port;

#ifdef __cplusplus
}
#endif

#endif
