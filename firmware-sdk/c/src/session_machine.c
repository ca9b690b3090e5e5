#include "mote/session_machine.h"

#include "mote/profile.gen.h"

/* Longest pause that a bye can ask for, seconds: 24 days, which the clock can still tell apart. */
#define LONGEST_PAUSE_S 0x200000u

/* Says hello at once, and then again after rto, 2 rto … */
static void hello_now(struct mote_session_machine *machine, uint32_t now_ms) {
    machine->hello.at_ms = now_ms;
    machine->hello.armed = true;
    machine->hello.doublings = -1;
}

void mote_session_machine_greet(struct mote_session_machine *machine, uint32_t now_ms) {
    machine->attempt++;
    machine->phase = MOTE_SESSION_GREETING;
    hello_now(machine, now_ms);
}

enum mote_session_action mote_session_machine_next(struct mote_session_machine *machine,
                                                   struct mote_clock *clock) {
    uint32_t heartbeat_ms = UINT32_C(1000) * machine->heartbeat_s;
    uint32_t now_ms = clock->now_ms;
    if (machine->phase == MOTE_SESSION_OPEN) {
        if (!mote_clock_due(clock, machine->heard_at_ms +
                                       MOTE_DEFAULT_HELLO_AFTER_HEARTBEATS * heartbeat_ms)) {
            if (!mote_clock_due(clock, machine->at_ms)) {
                return MOTE_SESSION_NOTHING;
            }
            machine->at_ms = now_ms + heartbeat_ms;
            return MOTE_SESSION_BEAT;
        }
        mote_session_machine_greet(machine, now_ms);
    } else if (machine->phase == MOTE_SESSION_PAUSED && mote_clock_due(clock, machine->at_ms)) {
        mote_session_machine_greet(machine, now_ms);
    }
    if (machine->phase == MOTE_SESSION_GREETING &&
        mote_retransmit_timer_due(&machine->hello, clock)) {
        mote_retransmit_timer_arm(&machine->hello, clock, machine->rto_ms);
        machine->heard_at_ms = now_ms;
        return MOTE_SESSION_HELLO;
    }
    return MOTE_SESSION_NOTHING;
}

bool mote_session_machine_welcome(struct mote_session_machine *machine,
                                  const struct mote_message *message, uint32_t now_ms) {
    if (machine->phase != MOTE_SESSION_GREETING ||
        message->field[MOTE_WELCOME_ATTEMPT] != machine->attempt) {
        return false;
    }
    machine->phase = MOTE_SESSION_OPEN;
    machine->sid = message->field[MOTE_WELCOME_SID];
    machine->heartbeat_s = (uint16_t)message->field[MOTE_WELCOME_HEARTBEAT_S];
    machine->rto_ms = (uint16_t)message->field[MOTE_WELCOME_RTO_MS];
    machine->at_ms = now_ms;
    machine->heard_at_ms = now_ms;
    return true;
}

void mote_session_machine_bye(struct mote_session_machine *machine,
                              const struct mote_message *message, uint32_t now_ms) {
    /* Seconds of pause for each reason that asks for one (SPEC §5.3). */
    static const uint8_t pauses[] = {
        [MOTE_BYE_CLOSING] = MOTE_DEFAULT_CLOSING_SECONDS,
        [MOTE_BYE_REFUSED] = MOTE_DEFAULT_REFUSED_SECONDS,
        [MOTE_BYE_BUSY] = MOTE_DEFAULT_BUSY_SECONDS,
    };
    uint32_t reason = message->field[MOTE_BYE_REASON];
    if (reason == MOTE_BYE_NO_SESSION) {
        if (machine->phase != MOTE_SESSION_GREETING) {
            mote_session_machine_greet(machine, now_ms);
        } else if (now_ms - machine->heard_at_ms >= machine->rto_ms) {
            hello_now(machine, now_ms);
        }
    } else if (reason == MOTE_BYE_SUPERSEDED) {
        machine->phase = MOTE_SESSION_CLOSED;
    } else if (reason < sizeof pauses && pauses[reason]) {
        uint32_t seconds = message->has_last ? message->field[MOTE_BYE_SECONDS] : pauses[reason];
        machine->phase = MOTE_SESSION_PAUSED;
        machine->at_ms = now_ms + 1000u * (seconds < LONGEST_PAUSE_S ? seconds : LONGEST_PAUSE_S);
    }
}
