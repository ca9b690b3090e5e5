#include "start.h"

#include <stddef.h>
#include <string.h>

#define PAINT 0xa5a5a5a5u

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_start[],
    stack_end[];
int main(void);
void start_reset(void);

uint32_t start_stack_free(void) {
    const uint32_t *at = stack_start;
    while (at < stack_end && *at == PAINT) {
        at++;
    }
    return (uint32_t)((const uint8_t *)at - (const uint8_t *)stack_start);
}

uint32_t start_stack_used(void) {
    return (uint32_t)((const uint8_t *)stack_end - (const uint8_t *)stack_start) -
           start_stack_free();
}

static __attribute__((noreturn, used)) void start(void) {
    memcpy(data_start, data_load, (size_t)((uint8_t *)data_end - (uint8_t *)data_start));
    memset(bss_start, 0, (size_t)((uint8_t *)bss_end - (uint8_t *)bss_start));
    (void)main();
    for (;;) {
    }
}

/* Paints the stack before anything is on it. */
__attribute__((naked)) void start_reset(void) {
    __asm volatile("ldr r0, =stack_start\n"
                   "ldr r1, =stack_end\n"
                   "ldr r2, =%c0\n"
                   "1: str r2, [r0]\n"
                   "adds r0, #4\n"
                   "cmp r0, r1\n"
                   "bcc 1b\n"
                   "bl start\n" ::"i"(PAINT));
}

static __attribute__((naked)) void fault_handler(void) {
    __asm volatile("mrs r0, msp\n b fault_report");
}

typedef void handler(void);

/* The table begins with the stack pointer; the fifteen exceptions of ARMv7-M, then IRQ 0 to 3 of
 * the board. */
static const struct {
    uint32_t *stack;
    handler *handlers[19];
} vectors __attribute__((section(".vectors"), used)) = {
    stack_end,
    {start_reset, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, NULL,
     NULL, NULL, NULL, fault_handler, fault_handler, NULL, fault_handler, time_tick_handler,
     uart_receive_handler, uart_send_handler, second_uart_receive_handler,
     second_uart_send_handler},
};
