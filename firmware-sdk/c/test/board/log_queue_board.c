/*
 * The queue of lines on the emulated board: a timer's interrupt logs at any instruction, of the main
 * loop, of another interrupt, and of the queue itself, while the main loop logs and polls. Not in the
 * SDK: for log.test.ts, through semihosting.
 *
 *   qemu-system-arm -M mps2-an385 -icount shift=6 -kernel log-queue-board.elf
 *     -semihosting-config enable=on,target=native,arg=queue,arg=TICKS,arg=SEED
 *
 * Prints how many lines arrived and how many were lost, and how many interrupts of the timer came
 * within mote_log_queue_write of the main loop, of the other interrupt, and of the poll.
 *
 * The clock counts instructions, so that a tick comes at any of them, and a seed repeats a run.
 */
#include <stddef.h>
#include <string.h>

#include "../../port/cortex-m/chip.h"
#include "mote/log/log.h"

enum { WRITE = 4, COMMAND_LINE = 0x15, EXIT = 0x18, EXIT_OK = 0x20026, EXIT_FAILED = 0x20023 };
#define NVIC_PENDING REGISTER(0xe000e200)
#define NVIC_PRIORITY REGISTER(0xe000e400) /* of the first four interrupts, a byte each */

/* The writers, in the order of priority: the timer interrupts the interrupt, and that the loop. */
enum writer { LOOP, INTERRUPT, TIMER, WRITERS };
enum { LENGTHS = 40, LOST = 9 };

struct mote_log_queue mote_log_queue;
struct mote_session device_session; /* in .session, by its name */

static uint32_t random_state;
static volatile uint32_t ticks_left;
static volatile uint32_t written[WRITERS], is_inside[WRITERS], inside[WRITERS];
static volatile bool is_polling;
static volatile uint32_t in_poll;
static uint32_t next_of[WRITERS], arrived, lost;
static uint16_t next_seq;

void time_tick_handler(void);
void uart_receive_handler(void);
void uart_send_handler(void);
void second_uart_receive_handler(void);
void second_uart_send_handler(void);
void fault_report(const uint32_t *stacked);
int main(void);

static uint32_t host(uint32_t what, const void *argument) {
    register uint32_t r0 __asm("r0") = what;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void print(const char *format, ...) {
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    (void)mote_log_format(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)host(WRITE, text);
}

static __attribute__((noreturn)) void end(uint32_t code) {
    for (;;) {
        (void)host(EXIT, (const void *)code);
    }
}

static __attribute__((noreturn)) void fail(const char *what, const char *line) {
    chip_lock();
    print("%s: %s\n", what, line);
    end(EXIT_FAILED);
}

static uint32_t draw(uint32_t below) {
    uint32_t x = random_state; /* xorshift32 */
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    random_state = x;
    return x % below;
}

static uint32_t enter(void *context) {
    (void)context;
    return chip_lock_nested();
}

static void leave(void *context, uint32_t before) {
    (void)context;
    chip_unlock_nested(before);
}

static const struct mote_log_lock lock = {enter, leave, NULL, NULL};

static unsigned length_of(enum writer writer, uint32_t number) {
    return (unsigned)(number * 7u + writer * 13u) % LENGTHS;
}

/* A line tells who wrote it, which one it is, and has a length that follows from the two. */
static void log_line(enum writer writer) {
    static const char dots[] = "........................................";
    uint32_t number = written[writer]++;
    is_inside[writer] = 1;
    MOTE_LOGI("%c%08lx%.*s", 'A' + writer, (unsigned long)number, (int)length_of(writer, number),
              dots);
    is_inside[writer] = 0;
}

/* To any time from a few instructions to those of many lines, so that what it interrupts gets on. */
static void set_timer(void) {
    SYSTICK_RELOAD = 100 + draw(1u << (9 + draw(10)));
    SYSTICK_VALUE = 0;
}

/* Above all others: comes at any instruction that does not lock it out. */
void time_tick_handler(void) {
    if (ticks_left == 0) {
        return; /* it was pending when the timer was stopped */
    }
    /* The innermost that it interrupts. */
    if (is_inside[INTERRUPT]) {
        inside[INTERRUPT]++;
    } else if (is_inside[LOOP]) {
        inside[LOOP]++;
    } else if (is_polling) {
        in_poll++;
    }
    log_line(TIMER);
    if (draw(8) == 0) {
        NVIC_PENDING = 1u << UART_RX_IRQ;
    }
    set_timer();
    if (--ticks_left == 0) {
        SYSTICK_CONTROL = 0;
    }
}

/* Below the timer, above the loop. */
void uart_receive_handler(void) {
    for (uint32_t lines = 1 + draw(2); lines > 0; lines--) {
        log_line(INTERRUPT);
    }
}

void uart_send_handler(void) {
}
void second_uart_receive_handler(void) {
}
void second_uart_send_handler(void) {
}

void fault_report(const uint32_t *stacked) {
    (void)stacked;
    fail("a fault", "");
}

static uint32_t parse(const char **text, unsigned base) {
    uint32_t number = 0;
    for (;; ++*text) {
        char letter = **text;
        unsigned digit = letter >= '0' && letter <= '9'   ? (unsigned)(letter - '0')
                         : letter >= 'a' && letter <= 'f' ? (unsigned)(letter - 'a') + 10u
                                                          : 99u;
        if (digit >= base) {
            return number;
        }
        number = number * base + digit;
    }
}

static void take_line(const char *line) {
    const char *at = line + 1;
    if (line[0] == '[') {
        lost += parse(&at, 10);
        if (strcmp(at, " lines lost]") != 0) {
            fail("not a count", line);
        }
        return;
    }
    unsigned writer = (unsigned)(line[0] - 'A');
    uint32_t number = parse(&at, 16);
    if (writer >= WRITERS || at != line + LOST || number < next_of[writer] ||
        number >= written[writer]) {
        fail("not in order", line);
    }
    unsigned length = length_of((enum writer)writer, number);
    if (strlen(at) != length || strspn(at, ".") != length) {
        fail("not whole", line);
    }
    next_of[writer] = number + 1;
    arrived++;
}

static void poll(void) {
    static uint32_t now_ms;
    is_polling = true;
    (void)mote_session_poll(&device_session, ++now_ms);
    is_polling = false;
    struct mote_log_entry entry;
    uint16_t seq = next_seq;
    const uint8_t *text;
    for (; (text = mote_log_ring_find(&device_session.reports.ring, &seq, &entry)); seq++) {
        char line[MOTE_MESSAGE_BYTES];
        memcpy(line, text, entry.length);
        line[entry.length] = '\0';
        if (seq != next_seq++) {
            fail("the ring has moved on before", line);
        }
        take_line(line);
    }
}

static bool is_ready(void *context) {
    (void)context;
    return true;
}

static void send(void *context, struct mote_parts *message) {
    (void)context, (void)message;
}

static struct mote_span receive(void *context, struct mote_clock *clock) {
    const struct mote_span nothing = {NULL, 0};
    (void)context, (void)clock;
    return nothing;
}

static void read_arguments(void) {
    static char line[80];
    struct {
        char *text;
        uint32_t size;
    } command = {line, sizeof line};
    const char *at = line;
    (void)host(COMMAND_LINE, &command);
    while (*at && *at != ' ') {
        at++;
    }
    at++;
    ticks_left = parse(&at, 10);
    at++;
    random_state = parse(&at, 10) | 1;
}

int main(void) {
    static const struct mote_log_drain drain = {&mote_log_queue, NULL, NULL};
    static const struct mote_identity identity;
    static const struct mote_transport transport = {is_ready, send, receive, 0};
    static const struct mote_session_config config = {.transport = &transport,
                                                      .identity = &identity,
                                                      .run = mote_log_queue_run,
                                                      .run_context = &drain};
    const struct mote_boot boot = {1, 1, 0};
    read_arguments();
    memset(&device_session, 0, sizeof device_session);
    mote_session_init(&device_session, &config, &boot, 0);
    mote_log_queue.lock = &lock;
    NVIC_PRIORITY = 0x80808080u;
    NVIC_ENABLE = 1u << UART_RX_IRQ;
    set_timer();
    SYSTICK_CONTROL = SYSTICK_ENABLE | SYSTICK_INTERRUPT | SYSTICK_CORE_CLOCK;
    while (ticks_left > 0) {
        for (uint32_t lines = (uint32_t)(written[LOOP] % 3); lines > 0; lines--) {
            log_line(LOOP);
        }
        log_line(LOOP);
        poll();
    }
    poll();
    uint32_t all = written[LOOP] + written[INTERRUPT] + written[TIMER];
    if (arrived + lost != all || lost != mote_log_queue.dropped) {
        print("%lu arrived and %lu were lost of %lu\n", (unsigned long)arrived,
              (unsigned long)lost, (unsigned long)all);
        end(EXIT_FAILED);
    }
    print("%lu %lu %lu %lu %lu\n", (unsigned long)arrived, (unsigned long)lost,
          (unsigned long)inside[LOOP], (unsigned long)inside[INTERRUPT], (unsigned long)in_poll);
    end(EXIT_OK);
}
