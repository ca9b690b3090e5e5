#ifndef CORTEX_M_START_H
#define CORTEX_M_START_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Bytes of stack that were ever in use: the stack is painted at the start, and bytes without
 * paint were used.
 */
uint32_t start_stack_used(void);

/** Bytes of stack that were never in use. */
uint32_t start_stack_free(void);

/** Handlers of the port. */
void uart_receive_handler(void);
void uart_send_handler(void);
void second_uart_receive_handler(void);
void second_uart_send_handler(void);
void time_tick_handler(void);

/**
 * Implemented by the port: reports a fault and restarts. `stacked` points to the registers that
 * the core pushed: r0–r3, r12, lr, pc, psr.
 */
void fault_report(const uint32_t *stacked);

#ifdef __cplusplus
}
#endif

#endif
