#ifndef MOTE_REPORTS_H
#define MOTE_REPORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "mote/log_ring.h"
#include "mote/retransmit_timer.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mote_session;

/** Which reports the gateway has stored, and which are in flight (SPEC §5.6). */
struct mote_reports {
    struct mote_retransmit_timer timer;
    uint16_t stored_seq;
    uint16_t send_seq; /* next to send */
    uint8_t window;
    struct mote_log_ring ring;
};

enum mote_level {
    MOTE_DEBUG = MOTE_LEVEL_DEBUG,
    MOTE_INFO = MOTE_LEVEL_INFO,
    MOTE_WARN = MOTE_LEVEL_WARN,
    MOTE_ERROR = MOTE_LEVEL_ERROR
};

/**
 * Records a line of text as a report. It is kept until the gateway has stored it, or newer
 * reports need its space. A text longer than a message is cut; if it is not UTF-8, bytes above 7F
 * become '?'. Its timestamp is that of the last poll. Only for the thread that polls: interrupts
 * and other threads log with MOTE_LOGI (mote/log/log.h).
 *
 * Blocking: no. ISR-safe: no. Re-entrant: for different sessions, as all functions here.
 */
void mote_log(struct mote_session *session, enum mote_level level, const char *text);

/**
 * Sets the last stored report, from an ack or from a welcome (`welcome`; only a welcome may go
 * back). For the session.
 */
void mote_reports_stored(struct mote_reports *reports, uint16_t stored_seq, bool welcome);

/** Sends the next report if one is due now. For the session. */
MOTE_MUST_USE bool mote_reports_send(struct mote_session *session);

/** Elements that `mote_reports_write` writes: seq, age, type, level, text. */
#define MOTE_REPORT_ELEMENTS 5

/** Writes the report `seq`, or the oldest after it. For report messages and log-read alike. False:
 * there is none. */
MOTE_MUST_USE bool mote_reports_write(struct mote_session *session, uint16_t seq);

#ifdef __cplusplus
}
#endif

#endif
