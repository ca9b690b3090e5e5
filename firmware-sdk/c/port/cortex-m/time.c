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
