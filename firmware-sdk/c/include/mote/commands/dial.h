#ifndef MOTE_DIAL_H
#define MOTE_DIAL_H

#include <stddef.h>
#include <stdint.h>

#include "mote/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Return values of `read` and `write` instead of a count. */
enum { MOTE_SERVICE_ENDED = -1, MOTE_SERVICE_BROKEN = -2 };

/**
 * The driver of a service's connections: a UART, TCP. Called from poll only; no function may
 * block.
 */
struct mote_service_driver {
    /** Connects: OK and a number for the connection, or UNAVAILABLE. */
    enum mote_status (*open)(void *context, uint32_t *handle);

    /** Up to `length` bytes from the service; 0: none now. */
    int (*read)(void *context, uint32_t handle, uint8_t *bytes, size_t length);

    /**
     * Writes to the service, and returns how many bytes it accepted; with NULL, how many it would
     * accept.
     */
    int (*write)(void *context, uint32_t handle, const uint8_t *bytes, size_t length);

    /** Nothing more will be written. */
    void (*end)(void *context, uint32_t handle);

    /** The connection has ended. */
    void (*close)(void *context, uint32_t handle);

    /** Silence that ends a connection whose input has ended; 0: only the service ends it. */
    uint16_t linger_ms;
};

/** A row of the device's table of services (SPEC §6.10). */
struct mote_service {
    uint16_t port; /* 0 ends the table */
    const struct mote_service_driver *driver; /* NULL: the device echoes (RFC 862) */
    void *context;
};

/** The port of the echo service. */
#define MOTE_ECHO_PORT 7

#ifdef __cplusplus
}
#endif

#endif
