#include "second_uart.h"

#include "chip.h"
#include "mote/log/log.h"
#include "start.h"

#define BAUD 115200u
#define LINE_ON (UART_TX | UART_RX | UART_RX_INTERRUPT | UART_TX_INTERRUPT)

enum { RING_BYTES = 128, LINGER_MS = 1000 };

static uint8_t ring[RING_BYTES];
static volatile uint16_t ring_in, ring_out;
static volatile bool woke;
static volatile bool has_told_loss; /* since a connection was opened, or its input read */
static bool is_open;

void second_uart_receive_handler(void) {
    UART1_INTERRUPT = UART_RX;
    while (UART1_STATE & UART_RX_FULL) {
        uint8_t byte = (uint8_t)UART1_DATA;
        uint16_t next = (uint16_t)((ring_in + 1) % RING_BYTES);
        if (next != ring_out && is_open) {
            ring[ring_in] = byte;
            ring_in = next;
        } else if (!has_told_loss) {
            /* As on any UART. */
            has_told_loss = true;
            MOTE_LOGW("UART 1: input that nobody reads is lost, from byte 0x%02x on", byte);
        }
    }
    woke = true;
}

void second_uart_send_handler(void) {
    UART1_INTERRUPT = UART_TX;
    woke = true;
}

bool second_uart_woke(void) {
    bool was = woke;
    woke = false;
    return was;
}

static enum mote_status open(void *context, uint32_t *handle) {
    (void)context, (void)handle;
    if (is_open) {
        return MOTE_STATUS_UNAVAILABLE;
    }
    UART1_DIVIDER = CORE_CLOCK_HZ / BAUD;
    UART1_CONTROL = LINE_ON;
    ring_out = ring_in;
    is_open = true;
    has_told_loss = false;
    return MOTE_STATUS_OK;
}

static int read(void *context, uint32_t handle, uint8_t *bytes, size_t length) {
    int count = 0;
    (void)context, (void)handle;
    for (; length > 0 && ring_in != ring_out; length--, count++) {
        has_told_loss = false;
        *bytes++ = ring[ring_out];
        ring_out = (uint16_t)((ring_out + 1) % RING_BYTES);
    }
    return count;
}

static int write(void *context, uint32_t handle, const uint8_t *bytes, size_t length) {
    int count = 0;
    (void)context, (void)handle;
    if (!bytes) {
        return MOTE_RX_WINDOW_BYTES;
    }
    for (; length > 0 && !(UART1_STATE & UART_TX_FULL); length--, count++) {
        UART1_DATA = *bytes++;
    }
    return count;
}

static void end(void *context, uint32_t handle) {
    (void)context, (void)handle;
}

static void close(void *context, uint32_t handle) {
    (void)context, (void)handle;
    is_open = false;
}

const struct mote_service_driver second_uart_driver = {open, read, write, end, close, LINGER_MS};
