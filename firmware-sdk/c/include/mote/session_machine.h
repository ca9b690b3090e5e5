#ifndef MOTE_SESSION_MACHINE_H
#define MOTE_SESSION_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "mote/message.h"
#include "mote/retransmit_timer.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * When a device greets, beats, and falls silent (SPEC §5.1–5.4). Pure: no I/O, time comes in.
 *
 *             open                     welcome n
 *   ┌────────┐ ───▶ ┌──────────┐ ────────────────▶ ┌──────┐ ─┐ beat each
 *   │ closed │      │ greeting │                   │ open │  │ heartbeat
 *   └────────┘      └──────────┘ ◀──────────────── └──────┘ ◀┘
 *        ▲            ▲ seconds    NO_SESSION, or     │
 *        │            │ are over   3 beats of silence │ closing, refused, busy
 *        │          ┌────────┐ ◀──────────────────────┘
 *        └───────── │ paused │        superseded leads to closed from anywhere
 *                   └────────┘
 */
enum mote_session_phase {
    MOTE_SESSION_CLOSED,
    MOTE_SESSION_GREETING,
    MOTE_SESSION_OPEN,
    MOTE_SESSION_PAUSED
};

enum mote_session_action { MOTE_SESSION_NOTHING, MOTE_SESSION_HELLO, MOTE_SESSION_BEAT };

struct mote_session_machine {
    uint8_t phase;
    uint8_t attempt;
    uint16_t heartbeat_s;
    uint16_t rto_ms;
    uint32_t sid;
    uint32_t at_ms;       /* open: next beat. paused: next attempt */
    uint32_t heard_at_ms; /* open: last message. greeting: last hello */
    struct mote_retransmit_timer hello;
};

/**
 * Begins a new attempt: hello is due at once.
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different machines, as all functions here.
 */
void mote_session_machine_greet(struct mote_session_machine *machine, uint32_t now_ms);

/** The message to send now; each action is returned once. */
MOTE_MUST_USE enum mote_session_action
mote_session_machine_next(struct mote_session_machine *machine, struct mote_clock *clock);

/** Processes a welcome. False: it does not answer this attempt, and changes nothing. */
MOTE_MUST_USE bool mote_session_machine_welcome(struct mote_session_machine *machine,
                                                const struct mote_message *message,
                                                uint32_t now_ms);

/** Processes a bye. */
void mote_session_machine_bye(struct mote_session_machine *machine,
                              const struct mote_message *message, uint32_t now_ms);

#ifdef __cplusplus
}
#endif

#endif
