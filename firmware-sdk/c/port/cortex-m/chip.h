#ifndef CORTEX_M_CHIP_H
#define CORTEX_M_CHIP_H

#include <stdint.h>

/* Registers of an ARMv7-M core (DDI 0403E) and of mps2-an385 (Arm application note AN385, DDI 0479
 * for the UART). */
#define REGISTER(address) (*(volatile uint32_t *)(address))

#define CORE_CLOCK_HZ 25000000u

#define SYSTICK_CONTROL REGISTER(0xe000e010)
#define SYSTICK_RELOAD REGISTER(0xe000e014)
#define SYSTICK_VALUE REGISTER(0xe000e018)
#define SYSTICK_ENABLE 1u
#define SYSTICK_INTERRUPT 2u
#define SYSTICK_CORE_CLOCK 4u

#define NVIC_ENABLE REGISTER(0xe000e100)
#define SCB_ICSR REGISTER(0xe000ed04)
#define SCB_ICSR_TICK_PENDING (1u << 26)
#define SCB_AIRCR REGISTER(0xe000ed0c)
#define SCB_AIRCR_RESET 0x05fa0004u

#define UART_DATA REGISTER(0x40004000)
#define UART_STATE REGISTER(0x40004004)
#define UART_CONTROL REGISTER(0x40004008)
#define UART_INTERRUPT REGISTER(0x4000400c)
#define UART_DIVIDER REGISTER(0x40004010)
#define UART1_DATA REGISTER(0x40005000)
#define UART1_STATE REGISTER(0x40005004)
#define UART1_CONTROL REGISTER(0x40005008)
#define UART1_INTERRUPT REGISTER(0x4000500c)
#define UART1_DIVIDER REGISTER(0x40005010)
#define UART_TX_FULL 1u
#define UART_RX_FULL 2u
#define UART_TX 1u
#define UART_RX 2u
#define UART_TX_INTERRUPT 4u
#define UART_RX_INTERRUPT 8u
#define UART_RX_IRQ 0u
#define UART_TX_IRQ 1u
#define UART1_RX_IRQ 2u
#define UART1_TX_IRQ 3u

/* The user LEDs, a bit each (AN385, "FPGA system control and I/O"). */
#define LEDS REGISTER(0x40028000)

static inline void chip_lock(void) {
    __asm volatile("cpsid i" ::: "memory");
}

static inline void chip_unlock(void) {
    __asm volatile("cpsie i" ::: "memory");
}

/* The same inside of other locks, and of handlers: returns what was, for chip_unlock_nested. */
static inline uint32_t chip_lock_nested(void) {
    uint32_t before;
    __asm volatile("mrs %0, primask\n cpsid i" : "=r"(before)::"memory");
    return before;
}

static inline void chip_unlock_nested(uint32_t before) {
    __asm volatile("msr primask, %0" ::"r"(before) : "memory");
}

/* Ends with any interrupt that is pending, though it be locked out: so nothing is missed between a
 * look and the wait. */
static inline void chip_wait(void) {
    __asm volatile("dsb\n wfi" ::: "memory");
}

#endif
