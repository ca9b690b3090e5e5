#ifndef MOTE_PERIPHERALS_H
#define MOTE_PERIPHERALS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A part of the device that accepts commands (SPEC §6.15): `get`, `set on`, `set off`. Called
 * from poll only; no function may block.
 */
struct mote_peripheral {
    const char *name; /* at most 32 bytes */
    const char *kind; /* at most 16 bytes: relay, led, adc … */
    int32_t (*get)(void *context);
    void (*set)(void *context, bool on); /* NULL: it is only read, and its value is a number */
    void *context;
};

#ifdef __cplusplus
}
#endif

#endif
