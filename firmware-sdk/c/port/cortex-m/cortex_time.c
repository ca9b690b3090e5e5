#include "cortex_time.h"

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
    while (SYSTICK_VALUE == 0) {
        /* It is loaded with the next count; till then it reads like the end of a tick. */
    }
}

void time_tick_handler(void) {
    ticks_ms += TICK_MS;
}

/* Milliseconds of all ticks so far, and the counter in the one that runs. Between the two the tick
 * may be over, and its handler may not have run yet: shortly, or for as long as interrupts are
 * locked out. */
static uint32_t read_tick(uint32_t *value) {
    uint32_t before, ms;
    do {
        before = ms = ticks_ms;
        *value = SYSTICK_VALUE;
        if (SCB_ICSR & SCB_ICSR_TICK_PENDING) {
            *value = SYSTICK_VALUE; /* of after the tick */
            ms += TICK_MS;
        }
    } while (before != ticks_ms);
    return ms;
}

uint32_t time_now_ms(void) {
    uint32_t value, ms = read_tick(&value);
    return ms + (RELOAD - value) / COUNTS_PER_MS;
}

/* Counts of the core's clock, modulo 2^32. */
static uint32_t now_counts(void) {
    uint32_t value, ms = read_tick(&value);
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
