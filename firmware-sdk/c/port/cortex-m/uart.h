#ifndef CORTEX_M_UART_H
#define CORTEX_M_UART_H

#include <stdbool.h>

#include "mote/platform.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Size of the buffer for received, unread bytes: larger than a frame that fills
 * MOTE_RX_WINDOW_BYTES, and the bytes that arrive with it.
 */
#define UART_RING_BYTES 512

void uart_start(void);

/** Whether something was received. */
bool uart_has_input(void);

/**
 * Writes a text. Blocks, and sleeps, until the line has accepted it. This port needs no transmit
 * lock, because only the main loop writes, and it writes each frame and text in one piece.
 */
void uart_print(const char *text);

/** Like uart_print, but for a fault handler: by polling, and in the middle of any output. */
void uart_print_panic(const char *text);

/** The next frame breaks off with a fault. */
void uart_arm_panic(void);

/** The functions for mote_line; no context. */
extern const struct mote_port uart_port;

#ifdef __cplusplus
}
#endif

#endif
