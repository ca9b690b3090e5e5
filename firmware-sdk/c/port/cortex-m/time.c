#include "time.h"

#include "chip.h"
#include "start.h"

#define TICK_MS 10u
#define COUNTS_PER_MS (CORE_CLOCK_HZ / 1000u)
#define RELOAD (TICK_MS * COUNTS_PER_MS - 1u)

static volatile uint32_t ticks_ms;

void time_start(void) {
    SYSTICK_RELOAD = RELOAD;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = SYSTICK_ENABLE | SYSTICK_INTERRUPT | SYSTICK_CORE_CLOCK;
}

void time_tick_handler(void) {
    ticks_ms += TICK_MS;
}

uint32_t time_now_ms(void) {
    uint32_t before, value;
    do {
        before = ticks_ms;
        value = SYSTICK_VALUE;
    } while (before != ticks_ms);
    return before + (RELOAD - value) / COUNTS_PER_MS;
}

/* Counts of the core's clock, modulo 2^32; with interrupts locked out a tick may not be counted yet. */
static uint32_t now_counts(void) {
    uint32_t value = SYSTICK_VALUE, ms = ticks_ms;
    if (SCB_ICSR & SCB_ICSR_TICK_PENDING) {
        value = SYSTICK_VALUE; /* of after the tick */
        ms += TICK_MS;
    }
    return ms * COUNTS_PER_MS + (RELOAD - value);
}

/* Time that was spent in one way. */
struct spent {
    uint32_t s;
    uint32_t counts;
};

static struct spent idle, busy;
static uint32_t counted_at; /* all before is in one of the two */

static void spend(struct spent *spent) {
    uint32_t now = now_counts();
    spent->counts += now - counted_at;
    counted_at = now;
    while (spent->counts >= CORE_CLOCK_HZ) {
        spent->counts -= CORE_CLOCK_HZ;
        spent->s++;
    }
}

void time_wait(void) {
    spend(&busy);
    chip_wait();
    spend(&idle);
}

void time_read_spent(uint32_t busy_time[2], uint32_t idle_time[2]) {
    chip_lock();
    spend(&busy);
    chip_unlock();
    busy_time[0] = busy.s;
    busy_time[1] = busy.counts / COUNTS_PER_MS;
    idle_time[0] = idle.s;
    idle_time[1] = idle.counts / COUNTS_PER_MS;
}
