#ifndef MOTE_RECONNECT_H
#define MOTE_RECONNECT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * When a carrier that dials (MQTT, TCP) connects again (SPEC 10.1). The wait grows after failed
 * attempts. It also grows after connections that were accepted and then cut, because two devices
 * with one identity cut each other's connections. A zeroed struct is a device that has just
 * booted.
 */
struct mote_reconnect {
    uint32_t opened_at_ms;
    uint8_t attempts; /* waits since a connection was open */
    uint8_t cuts;     /* connections in a row that were cut too soon */
};

/** How a connection, or an attempt at one, ended. */
enum mote_connection_end {
    MOTE_CONNECTION_CUT,     /* it was accepted, and then lost */
    MOTE_CONNECTION_REFUSED, /* it was answered with a refusal, such as a CONNACK that is not 0 */
    MOTE_CONNECTION_FAILED,  /* neither: the gateway was not reached */
};

/**
 * The connection was accepted and can be used: with MQTT, the SUBACK has come.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different devices, as all functions here.
 */
void mote_reconnect_opened(struct mote_reconnect *reconnect, uint32_t now_ms);

/**
 * The connection has ended, or could not be made.
 * @returns milliseconds until the next attempt. Subtract up to three tenths at random, so that
 * the devices of a fleet do not connect at the same time.
 */
uint32_t mote_reconnect_ended(struct mote_reconnect *reconnect, enum mote_connection_end end,
                              uint32_t now_ms);

#ifdef __cplusplus
}
#endif

#endif
