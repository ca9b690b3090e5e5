#include "uart.h"

#include <stddef.h>
#include <stdint.h>

#include "chip.h"
#include "cortex_time.h"
#include "start.h"

#define BAUD 115200u
#define LINE_ON (UART_TX | UART_RX | UART_RX_INTERRUPT)

/* Bytes of a frame before an armed panic breaks it off. */
#define PANIC_AFTER_BYTES 5

static uint8_t ring[UART_RING_BYTES];
static volatile uint16_t ring_in, ring_out;
static volatile uint16_t ring_lost;
static uint8_t frame_bytes;
static bool panic_armed;

void uart_start(void) {
    UART_DIVIDER = CORE_CLOCK_HZ / BAUD;
    UART_CONTROL = LINE_ON;
    NVIC_ENABLE = 1u << UART_RX_IRQ | 1u << UART_TX_IRQ | 1u << UART1_RX_IRQ | 1u << UART1_TX_IRQ;
}

void uart_receive_handler(void) {
    UART_INTERRUPT = UART_RX;
    while (UART_STATE & UART_RX_FULL) {
        uint8_t byte = (uint8_t)UART_DATA;
        uint16_t next = (uint16_t)((ring_in + 1) % UART_RING_BYTES);
        if (next == ring_out) {
            ring_lost++; /* the frame around it will not check, and is repeated */
        } else {
            ring[ring_in] = byte;
            ring_in = next;
        }
    }
}

void uart_send_handler(void) {
    UART_INTERRUPT = UART_TX;
}

bool uart_has_input(void) {
    return ring_in != ring_out;
}

static int read_byte(void *context) {
    (void)context;
    if (!uart_has_input()) {
        return -1;
    }
    uint8_t byte = ring[ring_out];
    ring_out = (uint16_t)((ring_out + 1) % UART_RING_BYTES);
    return byte;
}

static void put(uint8_t byte) {
    if (UART_STATE & UART_TX_FULL) {
        UART_CONTROL = LINE_ON | UART_TX_INTERRUPT;
        chip_lock();
        while (UART_STATE & UART_TX_FULL) {
            time_wait();
            chip_unlock(); /* here the handlers run */
            chip_lock();
        }
        chip_unlock();
        UART_CONTROL = LINE_ON;
    }
    UART_DATA = byte;
}

static bool is_ready(void *context) {
    (void)context;
    return true; /* put waits */
}

static void write_byte(void *context, uint8_t byte, bool last) {
    (void)context;
    put(byte);
    frame_bytes = last ? 0 : (uint8_t)(frame_bytes + 1);
    if (panic_armed && frame_bytes == PANIC_AFTER_BYTES) {
        __asm volatile("udf #0");
    }
}

void uart_print(const char *text) {
    while (*text) {
        put((uint8_t)*text++);
    }
}

void uart_print_panic(const char *text) {
    while (*text) {
        while (UART_STATE & UART_TX_FULL) {
        }
        UART_DATA = (uint8_t)*text++;
    }
}

void uart_arm_panic(void) {
    panic_armed = true;
}

const struct mote_port uart_port = {read_byte, is_ready, write_byte, NULL};
