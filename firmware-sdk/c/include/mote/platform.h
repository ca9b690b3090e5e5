#ifndef MOTE_PLATFORM_H
#define MOTE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mote/beat.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The functions of a port for its chip. They are called from poll only. */
struct mote_platform {
    /**
     * Restarts the device after all written bytes have been sent. May return; the session then
     * continues until the restart.
     */
    void (*reboot)(void *context);

    /**
     * Writes the device's own figures, after the uptime, into a beat, and returns how many
     * elements it wrote: see `mote_beat_write`. NULL: none.
     */
    unsigned (*beat)(void *context, struct mote_cbor_writer *writer);
};

/** A serial port, for `mote_line`. Its functions are called from poll only. */
struct mote_port {
    /** One received byte, or −1. Never blocks. */
    int (*read)(void *context);

    /** Whether a whole frame can be written without loss. */
    bool (*ready)(void *context);

    /**
     * Writes a byte of a frame. The port holds its transmit lock from the first byte until the one
     * with `last`, so that no console text comes in between (SPEC §4.4); only panic output does.
     */
    void (*write)(void *context, uint8_t byte, bool last);

    /** Accepts console input: bytes outside frames. NULL: they are dropped. */
    void (*console)(void *context, const uint8_t *bytes, size_t length);
};

#ifdef __cplusplus
}
#endif

#endif
