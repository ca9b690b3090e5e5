#ifndef MOTE_SESSION_H
#define MOTE_SESSION_H

#include "mote/config.h"
#include "mote/dispatch.h"
#include "mote/exchange.h"
#include "mote/platform.h"
#include "mote/reports.h"
#include "mote/session_machine.h"
#include "mote/stream.h"
#include "mote/transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The device's identity in hello (SPEC §3.3). A length of 0 leaves a value out. */
struct mote_identity {
    struct mote_span value[4];
};

/** Indices of mote_identity.value. */
enum {
    MOTE_HARDWARE_ID, /* 1–12 bytes */
    MOTE_BOARD,       /* a text of at most 16 bytes */
    MOTE_FIRMWARE,    /* a text of at most 20 bytes: "name version" */
    MOTE_BUILD_ID     /* 8 bytes */
};

/**
 * The configuration of a session. The caller keeps it as long as the session exists; it may be in
 * flash.
 */
struct mote_session_config {
    const struct mote_transport *transport;
    void *transport_context;
    const struct mote_platform *platform;
    void *platform_context;
    const struct mote_identity *identity;
    const struct mote_command *commands;
    uint8_t command_count;
    uint32_t caps; /* MOTE_CAP_… */

    /**
     * Steps work outside the protocol; called from poll only. True: it made progress and must be
     * called again. NULL: there is no such work.
     */
    bool (*run)(struct mote_session *session, const void *context);
    const void *run_context;
};

/** Values that differ on each boot, from the port (SPEC §3.3). */
struct mote_boot {
    uint32_t number;     /* a durable counter, else 32 bits of entropy */
    uint32_t ring_epoch; /* likewise; 0: the device has no reports */
    uint8_t reset_cause; /* 0 is left out */
};

/**
 * A session with a gateway: all state of the core except the serial line. Its members are private
 * to the core, and ordered so that short instructions reach most of them.
 */
struct mote_session {
    struct mote_session_machine machine;
    struct mote_exchange exchange;
    const struct mote_session_config *config;
    struct mote_clock clock; /* of the last poll */
    uint16_t refused;        /* messages that were malformed */
    uint16_t skipped;        /* messages of unknown kinds or with unknown elements */

    /* The message that is being made: its head and tail are in scratch. */
    struct mote_cbor_writer writer;
    struct mote_parts message;

    /* Uptime, when its last second was full, and how far the device's clock is ahead of it. */
    uint32_t uptime_s;
    uint32_t second_at_ms;
    uint32_t ahead_s;
    uint16_t ahead_ms;
    bool time_set;

    uint32_t reboot_at_ms; /* odd; 0: no reboot is due */

    struct mote_boot boot;
    struct mote_reports reports;
    struct mote_stream streams[MOTE_STREAMS];
    uint8_t scratch[MOTE_SCRATCH_BYTES];
};

/**
 * Prepares a session in zeroed memory, except for a ring that was kept (mote_kept_ring_begin).
 * Nothing is sent before `mote_session_open`. The uptime starts at `now_ms`.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different sessions, as all functions here.
 */
void mote_session_init(struct mote_session *session, const struct mote_session_config *config,
                       const struct mote_boot *boot, uint32_t now_ms);

/** The channel is open: the next poll sends hello. On a serial line, call it once, at the start. */
void mote_session_open(struct mote_session *session);

/** The channel is closed: nothing is sent until it is opened again. The session itself is kept. */
void mote_session_close(struct mote_session *session);

/**
 * Does everything that is due: reads messages, answers, repeats, beats. Call it when bytes have
 * arrived, when the port can write again, after `mote_log` or after using a stream, and when the
 * returned time is over. `now_ms` may wrap; it should not decrease, but a decrease of up to a
 * second does no harm.
 *
 * Blocking: as the transport. ISR-safe: no. Re-entrant: for different sessions.
 * @returns milliseconds until the next call, MOTE_WAIT_FOREVER if only an event can make one
 * necessary
 */
uint32_t mote_session_poll(struct mote_session *session, uint32_t now_ms);

/**
 * Reboots during a poll after `after_ms`; 0: during the running one, after it has sent everything
 * that it can send.
 */
void mote_session_reboot(struct mote_session *session, uint32_t after_ms);

/** Begins a message: an array of `elements`, starting with `values`. For the core. */
struct mote_cbor_writer *mote_session_begin(struct mote_session *session, uint32_t elements,
                                            const uint32_t *values, size_t count);

/**
 * Inserts these bytes, which are not copied; further output follows them. For the core and for
 * commands.
 */
void mote_session_insert(struct mote_session *session, const uint8_t *bytes, size_t length);

/** Sends the message. For the core. */
void mote_session_send(struct mote_session *session);

/** Sends a message of unsigned integers. For the core. */
void mote_session_say(struct mote_session *session, const uint32_t *values, size_t count);

#ifdef __cplusplus
}
#endif

#endif
