#ifndef CORTEX_M_SECOND_UART_H
#define CORTEX_M_SECOND_UART_H

#include <stdbool.h>

#include "mote/commands/dial.h"
#include "mote/config.h"

#ifdef __cplusplus
extern "C" {
#endif

/** UART 1 as a service, for one connection at a time; no context. */
extern const struct mote_service_driver second_uart_driver;

/** Whether bytes arrived, or writing is possible again, since the last call. */
bool second_uart_woke(void);

#ifdef __cplusplus
}
#endif

#endif
