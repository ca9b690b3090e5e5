/*
 * The kept ring on the emulated board: resets at random instructions of mote_log, by a fault handler that
 * seals the ring and by a watchdog that does not, and resets with corrupted memory. Each boot checks
 * what it took over, and then goes on to the next. Not in the SDK: for kept.test.ts, through semihosting.
 *
 *   qemu-system-arm -M mps2-an385 -icount shift=6 -kernel kept.elf
 *     -semihosting-config enable=on,target=native,arg=kept,arg=RESETS,arg=SEED
 *
 * Prints how many resets there were of each kind and how many rings were taken over after them, and how
 * many interrupts came in mote_log, and while it dropped a line.
 *
 * The clock counts instructions, so that a tick comes at any of them, and a seed repeats a run.
 */
#include <stddef.h>
#include <string.h>

#include "../../port/cortex-m/chip.h"
#include "mote/stores/kept_ring.h"

enum { WRITE = 4, COMMAND_LINE = 0x15, EXIT = 0x18, EXIT_OK = 0x20026, EXIT_FAILED = 0x20023 };
enum { CORRUPTIONS = 8 };
#define MAGIC 0x6b657074u

enum how { FAULT, WATCHDOG, CORRUPTED, HOWS };

/* What the ring has to have after the reset. */
static struct {
    uint32_t magic, random, left;
    uint32_t resets[HOWS], taken[HOWS], inside, moving;
    uint32_t how;
    uint16_t done;    /* the next line to be written, those before it are complete */
    uint16_t sealed;  /* what the last seal was to know */
    uint16_t sealed_oldest;
    bool is_logging, has_to_be_kept;
} state __attribute__((section(".kept_ring")));

static struct mote_kept_ring kept __attribute__((section(".kept_ring")));
struct mote_session device_session; /* in .session, by its name */

void start_reset(void);
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

static void print_number(uint32_t number) {
    char text[12], *at = text + sizeof text;
    *--at = '\0';
    do {
        *--at = (char)('0' + number % 10u);
        number /= 10u;
    } while (number > 0);
    *--at = ' ';
    (void)host(WRITE, at);
}

static __attribute__((noreturn)) void end(uint32_t code) {
    (void)host(WRITE, "\n");
    for (;;) {
        (void)host(EXIT, (const void *)code);
    }
}

static __attribute__((noreturn)) void fail(const char *what, uint32_t number) {
    (void)host(WRITE, what);
    print_number(number);
    (void)host(WRITE, ", resets left");
    print_number(state.left);
    end(EXIT_FAILED);
}

static uint32_t draw(uint32_t below) {
    uint32_t x = state.random; /* xorshift32 */
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    state.random = x;
    return x % below;
}

/* The text of a line says which one it is; lines have 0 to 96 bytes. */
static unsigned length_of(uint16_t seq) {
    return (seq * 40503u >> 4) % 97u;
}

static char letter_of(uint16_t seq, unsigned at) {
    return (char)('!' + (seq * 31u + at * 7u) % 90u);
}

static void log_line(void) {
    char text[100];
    unsigned length = length_of(state.done);
    for (unsigned i = 0; i < length; i++) {
        text[i] = letter_of(state.done, i);
    }
    text[length] = '\0';
    state.is_logging = true;
    __asm volatile("" ::: "memory");
    mote_log(&device_session, MOTE_INFO, text);
    __asm volatile("" ::: "memory");
    state.is_logging = false;
    __asm volatile("" ::: "memory");
    state.done++;
}

static void seal(void) {
    (void)mote_kept_ring_seal(&kept, &device_session);
    state.sealed = state.done;
    state.sealed_oldest = device_session.reports.ring.oldest_seq;
}

/* The oldest line that a ring may have to drop for the ones up to `next`. */
static uint16_t oldest_with(uint16_t next) {
    unsigned used = 0;
    uint16_t seq = next;
    while (seq > 0) {
        used += (unsigned)sizeof(struct mote_log_entry) + length_of((uint16_t)(seq - 1));
        if (used > MOTE_LOG_RING_BYTES) {
            break;
        }
        seq--;
    }
    return seq;
}

/* All lines of the ring, which are to be as they were written. */
static void check_lines(void) {
    const struct mote_log_ring *ring = &device_session.reports.ring;
    struct mote_log_entry entry;
    for (uint16_t seq = ring->oldest_seq; seq != ring->next_seq; seq++) {
        uint16_t found = seq;
        const uint8_t *body = mote_log_ring_find(ring, &found, &entry);
        if (!body || found != seq || entry.length != length_of(seq) || !entry.is_earlier) {
            fail("a line is not as it was written:", seq);
        }
        for (unsigned i = 0; i < entry.length; i++) {
            if (body[i] != (uint8_t)letter_of(seq, i)) {
                fail("a text is not as it was written:", seq);
            }
        }
    }
}

static void check(bool taken) {
    const struct mote_log_ring *ring = &device_session.reports.ring;
    state.resets[state.how]++;
    state.taken[state.how] += taken;
    if (state.how == CORRUPTED) {
        return;
    }
    if (!taken) {
        if (state.has_to_be_kept) {
            fail(state.how == FAULT ? "lost after a fault at line" : "lost after a reset at line",
                 state.done);
        }
        return;
    }
    check_lines();
    if (state.how == FAULT && (uint16_t)(ring->next_seq - state.done) > 1) {
        fail("after a fault the next line is", ring->next_seq);
    }
    if (state.has_to_be_kept && (int16_t)(ring->next_seq - state.sealed) < 0) {
        fail("after a reset the next line is", ring->next_seq);
    }
    if (ring->oldest_seq > oldest_with((uint16_t)(state.done + 1))) {
        fail("dropped without need:", ring->oldest_seq);
    }
}

static __attribute__((noreturn)) void reset(void) {
    SCB_AIRCR = SCB_AIRCR_RESET;
    for (;;) {
    }
}

static void corrupt(void) {
    uint8_t *const regions[] = {(uint8_t *)&kept, (uint8_t *)&device_session.reports.ring,
                                (uint8_t *)&device_session};
    static const uint32_t sizes[] = {sizeof kept, sizeof(struct mote_log_ring),
                                     sizeof device_session};
    for (uint32_t left = 1 + draw(CORRUPTIONS); left > 0; left--) {
        uint32_t region = draw(3), size = sizes[region];
        uint32_t at = draw(draw(2) ? size : size < 16 ? size : 16);
        if (draw(4) == 0) {
            for (uint32_t count = draw(size - at); count > 0; count--) {
                regions[region][at++] = (uint8_t)draw(256);
            }
        } else {
            regions[region][at] ^= (uint8_t)(1u << draw(8));
        }
    }
}

/* Comes at any instruction. */
void time_tick_handler(void) {
    const struct mote_log_ring *ring = &device_session.reports.ring;
    state.inside += state.how != CORRUPTED && state.is_logging;
    state.moving += state.how != CORRUPTED && ring->dropped > 0;
    if (state.how == FAULT) {
        (void)mote_kept_ring_seal(&kept, &device_session);
    } else if (state.how == CORRUPTED) {
        corrupt();
    } else {
        /* The lines that were sealed are whole where none of them has been dropped since. */
        state.has_to_be_kept = state.is_logging && ring->dropped == 0 &&
                               ring->oldest_seq == state.sealed_oldest;
    }
    reset();
}

void uart_receive_handler(void) {
}
void uart_send_handler(void) {
}
void second_uart_receive_handler(void) {
}
void second_uart_send_handler(void) {
}

void fault_report(const uint32_t *stacked) {
    fail("a fault at", stacked[6]);
}

static uint32_t parse(const char **text) {
    uint32_t number = 0;
    while (**text && (**text < '0' || **text > '9')) {
        ++*text;
    }
    for (; **text >= '0' && **text <= '9'; ++*text) {
        number = number * 10u + (uint32_t)(**text - '0');
    }
    return number;
}

static void first_boot(void) {
    static char line[80];
    struct {
        char *text;
        uint32_t size;
    } command = {line, sizeof line};
    (void)host(COMMAND_LINE, &command);
    const char *at = line;
    memset(&state, 0, sizeof state);
    state.left = parse(&at);
    state.random = parse(&at) | 1;
    state.magic = MAGIC;
}

int main(void) {
    static const struct mote_session_config config;
    bool is_first = state.magic != MAGIC;
    if (is_first) {
        first_boot();
    }
    struct mote_boot boot = {1, 1 + state.left, 0};
    mote_kept_ring_begin(&kept, &device_session, &boot);
    bool taken = boot.ring_epoch != 1 + state.left;
    if (!is_first) {
        check(taken);
    }
    if (state.left-- == 0) {
        for (unsigned how = 0; how < HOWS; how++) {
            print_number(state.resets[how]);
            print_number(state.taken[how]);
        }
        print_number(state.inside);
        print_number(state.moving);
        end(EXIT_OK);
    }
    mote_session_init(&device_session, &config, &boot, 0);
    if (state.how == CORRUPTED) {
        /* Whatever was taken over holds lines, and gives way to new ones. */
        for (unsigned i = 0; i < 30; i++) {
            log_line();
        }
        kept.magic = 0;
        mote_kept_ring_begin(&kept, &device_session, &boot);
        boot.ring_epoch = 2 + state.left;
        mote_session_init(&device_session, &config, &boot, 0);
        taken = false;
    }
    state.done = device_session.reports.ring.next_seq;
    if (!taken) {
        state.done = 0;
    }
    for (uint32_t lines = draw(30); lines > 0; lines--) {
        log_line();
    }
    seal();
    state.how = draw(12); /* ten corruptions for each fault and each watchdog */
    state.how = state.how < CORRUPTED ? state.how : CORRUPTED;
    state.has_to_be_kept = state.how == FAULT;
    uint32_t max = 1u << (5 + draw(12));
    SYSTICK_RELOAD = 16 + draw(max);
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = SYSTICK_ENABLE | SYSTICK_INTERRUPT | SYSTICK_CORE_CLOCK;
    for (;;) {
        log_line();
        if (state.how != FAULT && draw(2)) {
            seal();
        }
    }
}
