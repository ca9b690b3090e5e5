#include "cortex_boot.h"

#include "chip.h"

#define MAGIC 0x6d6f7465u
#define SAMPLES 256u

static struct { uint32_t magic, boot, cause, seed; } kept __attribute__((section(".kept")));

static uint32_t draw(uint32_t seed) {
    SYSTICK_RELOAD = 0xffffff;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = SYSTICK_ENABLE | SYSTICK_CORE_CLOCK;
    uint32_t before = SYSTICK_VALUE;
    for (unsigned samples = 0; samples < SAMPLES;) {
        uint32_t value = SYSTICK_VALUE;
        /* The counter stands still at first. How far it went between two looks is what differs. */
        if (value != before) {
            before = value;
            seed = (seed ^ value) * 16777619u; /* spreads it over the word, as FNV-1a does */
            samples++;
        }
    }
    SYSTICK_CONTROL = 0;
    return seed ^ seed >> 15;
}

struct mote_boot boot_begin(void) {
    struct mote_boot boot = {0, 0, RESET_POWER_ON};
    if (kept.magic == MAGIC) {
        kept.boot++;
        boot.reset_cause = (uint8_t)kept.cause;
    } else {
        kept.magic = MAGIC;
        kept.boot = draw(kept.seed ^ 2166136261u);
    }
    kept.cause = RESET_PIN; /* unless boot_again says otherwise */
    boot.number = kept.boot;
    boot.ring_epoch = kept.boot ? kept.boot : 1;
    return boot;
}

void boot_again(enum reset_cause cause) {
    kept.cause = cause;
    SCB_AIRCR = SCB_AIRCR_RESET;
    for (;;) {
    }
}
