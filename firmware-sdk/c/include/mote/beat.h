#ifndef MOTE_BEAT_H
#define MOTE_BEAT_H

#include <stdint.h>

#include "mote/cbor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The value of an element that the device does not know. */
#define MOTE_BEAT_UNKNOWN INT32_MIN

/** Positions of a beat after the uptime (SPEC §3.4). */
enum mote_beat_position {
    MOTE_BEAT_HEAP_FREE_64,
    MOTE_BEAT_RSSI_DBM,
    MOTE_BEAT_BATTERY_PERCENT,
    MOTE_BEAT_TEMPERATURE_C,
    MOTE_BEAT_CPU_PERCENT,
    MOTE_BEAT_POSITIONS
};

/**
 * Writes the device's own figures after the uptime: too large values saturate, unknown ones at
 * the end are left out. For a platform's `beat`; linked only if it is called.
 * Blocking: no. ISR-safe: no. Re-entrant: yes.
 * @returns how many elements were written
 */
unsigned mote_beat_write(struct mote_cbor_writer *writer,
                         const int32_t values[MOTE_BEAT_POSITIONS]);

#ifdef __cplusplus
}
#endif

#endif
