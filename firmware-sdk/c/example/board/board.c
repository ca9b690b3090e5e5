/*
 * A port to one more board in one file: the LM3S6965 evaluation board, a Cortex-M3 with 64 KiB of RAM
 * (Stellaris LM3S6965 data sheet). docs/guides/port-a-board.md explains it. In an emulator:
 *
 *   qemu-system-arm -M lm3s6965evb -display none -monitor none -kernel build/c/board.elf
 *     -chardev socket,id=u0,path=LINE,server=on,wait=off -serial chardev:u0
 */
#include <stddef.h>
#include <string.h>

#include "mote/commands/commands.h"
#include "mote/line.h"
#include "mote/log/log.h"
#include "mote/session.h"
#include "mote/shell/shell.h"
#include "mote/stores/kept_ring.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

/* Registers of the core (DDI 0403E). */
#define SYSTICK_CONTROL REGISTER(0xe000e010)
#define SYSTICK_RELOAD REGISTER(0xe000e014)
#define SYSTICK_VALUE REGISTER(0xe000e018)
#define NVIC_ENABLE REGISTER(0xe000e100)
#define SCB_AIRCR REGISTER(0xe000ed0c)

/* Registers of the chip. After a reset it runs at 12.5 MHz. */
#define CLOCK_HZ 12500000u
#define WATCHDOG_LOAD REGISTER(0x40000000)
#define WATCHDOG_CONTROL REGISTER(0x40000008)
#define UART_DATA REGISTER(0x4000c000)
#define UART_FLAGS REGISTER(0x4000c018)
#define UART_MASK REGISTER(0x4000c038)
#define UART_CLEAR REGISTER(0x4000c044)
#define UART_RX_EMPTY (1u << 4)
#define UART_TX_FULL (1u << 5)
#define UART_RX_INTERRUPTS (1u << 4 | 1u << 6) /* a byte; a pause behind it */
#define UART_IRQ 5
#define CLOCK_GATES_0 REGISTER(0x400fe100)
#define CLOCK_GATES_1 REGISTER(0x400fe104)
#define CLOCK_GATES_2 REGISTER(0x400fe108)
#define PORT_A_FUNCTION REGISTER(0x40004420)
#define PORT_A_DIGITAL REGISTER(0x4000451c)

/* Memory that survives a reset: the session with its log ring, and the number of the boot. */

#define KEPT __attribute__((section(".kept")))

static struct mote_kept_ring kept_ring KEPT;
static struct mote_session session KEPT;
static struct { uint32_t magic, number, cause; } kept KEPT;

static uint32_t draw_boot_number(void);

static struct mote_boot begin_boot(void) {
    struct mote_boot boot = {0, 0, MOTE_RESET_POWER_ON};
    if (kept.magic == 0x626f6f74u) {
        kept.number++;
        boot.reset_cause = (uint8_t)kept.cause;
    } else {
        kept.magic = 0x626f6f74u;
        kept.number = draw_boot_number();
    }
    /* If the software does not announce the next reset, it is the watchdog's. */
    kept.cause = MOTE_RESET_WATCHDOG;
    boot.number = kept.number;
    boot.ring_epoch = kept.number ? kept.number : 1;
    return boot;
}

static void reset(uint32_t cause) {
    (void)mote_kept_ring_seal(&kept_ring, &session);
    kept.cause = cause;
    SCB_AIRCR = 0x05fa0004u;
    for (;;) {
    }
}

/* Time: SysTick, an interrupt every 10 ms. */

enum { TICK_MS = 10 };

static volatile uint32_t ticks_ms;

static void start_time(void) {
    SYSTICK_RELOAD = TICK_MS * (CLOCK_HZ / 1000u) - 1u;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = 7; /* enabled, with interrupt, from the core's clock */
}

static void tick_handler(void) {
    ticks_ms += TICK_MS;
}

/* No random generator on this chip: the jitter of the clock, one bit a look. */
static uint32_t draw_boot_number(void) {
    uint32_t seed = 2166136261u;
    SYSTICK_RELOAD = 0xffffff;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = 5;
    for (unsigned looks = 0; looks < 1024; looks++) {
        seed = (seed ^ SYSTICK_VALUE) * 16777619u;
    }
    SYSTICK_CONTROL = 0;
    return seed;
}

/* The line: UART 0. Received bytes wait in a ring for the next poll. */

enum { RING_BYTES = 512 };

static uint8_t ring[RING_BYTES];
static volatile uint16_t ring_in, ring_out;

static void start_uart(void) {
    CLOCK_GATES_1 |= 1u; /* UART 0 */
    CLOCK_GATES_2 |= 1u; /* port A, whose pins 0 and 1 it uses */
    PORT_A_FUNCTION |= 3u;
    PORT_A_DIGITAL |= 3u;
    REGISTER(0x4000c024) = 6;  /* 12.5 MHz / (16 × 115,200) = 6 + 50/64 */
    REGISTER(0x4000c028) = 50; /* the 64ths */
    REGISTER(0x4000c02c) = 3u << 5; /* 8 bits, no parity, 1 stop bit */
    REGISTER(0x4000c030) = 1u << 0 | 1u << 8 | 1u << 9; /* UART, transmitter, receiver */
    UART_MASK = UART_RX_INTERRUPTS;
    NVIC_ENABLE = 1u << UART_IRQ;
}

static void uart_handler(void) {
    UART_CLEAR = UART_RX_INTERRUPTS;
    while (!(UART_FLAGS & UART_RX_EMPTY)) {
        uint8_t byte = (uint8_t)UART_DATA;
        uint16_t next = (uint16_t)((ring_in + 1) % RING_BYTES);
        if (next != ring_out) { /* otherwise the byte is lost, and its frame is retransmitted */
            ring[ring_in] = byte;
            ring_in = next;
        }
    }
}

static int read_byte(void *context) {
    (void)context;
    if (ring_in == ring_out) {
        return -1;
    }
    uint8_t byte = ring[ring_out];
    ring_out = (uint16_t)((ring_out + 1) % RING_BYTES);
    return byte;
}

static bool is_ready(void *context) {
    (void)context;
    return true; /* put waits */
}

static void put(uint8_t byte) {
    while (UART_FLAGS & UART_TX_FULL) {
    }
    UART_DATA = byte;
}

static void write_byte(void *context, uint8_t byte, bool last) {
    (void)context, (void)last; /* only the main loop writes, so it needs no lock */
    put(byte);
}

static const struct mote_port port = {read_byte, is_ready, write_byte, NULL};

static void print(const char *text) {
    while (*text) {
        put((uint8_t)*text++);
    }
}

/* The watchdog: 4 s, fed by the main loop only. */

static void start_watchdog(void) {
    CLOCK_GATES_0 |= 1u << 3;
    WATCHDOG_LOAD = 2u * CLOCK_HZ; /* the second time-out resets */
    WATCHDOG_CONTROL = 3;          /* counts, and resets */
}

static void feed_watchdog(void) {
    WATCHDOG_LOAD = 2u * CLOCK_HZ;
}

/* The device. */

static void reboot(void *context) {
    (void)context;
    reset(MOTE_RESET_SOFTWARE);
}

/* `hang` shows the watchdog at work. */
static enum mote_step step_hang(struct mote_session *of, struct mote_job *job) {
    (void)of;
    while (job) {
    }
    return MOTE_STEP_DONE;
}

static const struct mote_program programs[] = {
    MOTE_SHELL_PROGRAMS,
    MOTE_SHELL_LOG_PROGRAMS,
    MOTE_SHELL_LAST_PROGRAMS,
    {"hang", "", "never returns", step_hang, NULL, NULL},
    MOTE_SHELL_END,
};
static struct mote_job jobs[MOTE_JOBS];
static const struct mote_device device = {.jobs = jobs, .programs = programs};
static const struct mote_info info = {"armv7-m", "none", 64, 256, 0, 0, 0};
static const struct mote_command commands[] = {MOTE_COMMANDS(&device, &info)};

static const struct mote_platform platform = {reboot, NULL};
static const char board[] = "lm3s6965evb";
static const struct mote_identity identity = {
    .value = {[MOTE_BOARD] = {(const uint8_t *)board, sizeof board - 1}},
};
static struct mote_line line;
static const struct mote_session_config config = {
    .transport = &mote_line_transport,
    .transport_context = &line,
    .platform = &platform,
    .identity = &identity,
    .commands = commands,
    .command_count = sizeof commands / sizeof *commands,
    .caps = MOTE_CAP_EXEC | MOTE_CAP_TTY | MOTE_CAP_STDERR | MOTE_CAP_LOG_READ | MOTE_CAP_REBOOT |
            MOTE_CAP_TIME,
    .run = mote_jobs_run,
    .run_context = &device,
};

int main(void) {
    struct mote_boot boot = begin_boot();
    mote_kept_ring_begin(&kept_ring, &session, &boot);
    start_time();
    start_uart();
    start_watchdog();
    print("lm3s6965evb: hello\n"); /* outside frames: a line of the log */
    line.port = &port;
    mote_session_init(&session, &config, &boot, ticks_ms);
    mote_log_boot(&session);
    mote_session_open(&session);
    for (;;) {
        uint32_t began_ms = ticks_ms;
        uint32_t wait_ms = mote_session_poll(&session, began_ms);
        (void)mote_kept_ring_seal(&kept_ring, &session);
        feed_watchdog();
        while (ring_in == ring_out && ticks_ms - began_ms < wait_ms) {
            __asm volatile("wfi"); /* until a byte or the next tick, at most 10 ms */
            feed_watchdog();
        }
    }
}

/* The start of the program, and what ends it. */

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_end[];
void reset_handler(void);

void reset_handler(void) {
    memcpy(data_start, data_load, (size_t)((uint8_t *)data_end - (uint8_t *)data_start));
    memset(bss_start, 0, (size_t)((uint8_t *)bss_end - (uint8_t *)bss_start));
    (void)main();
    for (;;) {
    }
}

static void fault_handler(void) {
    print("\npanic: fault\n");
    reset(MOTE_RESET_PANIC);
}

/* The stack, the fifteen exceptions of the core, and the interrupts of the chip up to the UART's. */
static const struct {
    uint32_t *stack;
    void (*handlers[16 + UART_IRQ])(void);
} vectors __attribute__((section(".vectors"), used)) = {
    stack_end,
    {[0] = reset_handler,
     [1] = fault_handler,
     [2] = fault_handler,
     [3] = fault_handler,
     [4] = fault_handler,
     [5] = fault_handler,
     [14] = tick_handler,
     [15 + UART_IRQ] = uart_handler},
};
