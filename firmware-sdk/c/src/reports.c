#include "mote/reports.h"

#include <string.h>

#include "mote/session.h"

void mote_log(struct mote_session *session, enum mote_level level, const char *text) {
    struct mote_reports *reports = &session->reports;
    const uint8_t *bytes = (const uint8_t *)text;
    size_t length = strlen(text);
    if (length > MOTE_LOG_TEXT_BYTES) {
        length = MOTE_LOG_TEXT_BYTES;
        /* Not in the middle of a character. */
        while (length > 0 && bytes[length] >> 6 == 2) {
            length--;
        }
    }
    bool is_utf8 = mote_cbor_is_utf8(bytes, length);
    const struct mote_log_entry entry = {session->clock.now_ms, (uint16_t)length, (uint8_t)level, false};
    uint8_t *at = mote_log_ring_add(&reports->ring, &entry);
    for (; length > 0; length--, bytes++) {
        *at++ = is_utf8 || *bytes < 0x80 ? *bytes : '?';
    }
    mote_log_ring_commit(&reports->ring, at);

    if ((uint16_t)(reports->ring.next_seq - reports->stored_seq) == 0x8000 &&
        session->boot.ring_epoch) {
        /* Serial arithmetic ends here: the ring begins a new life (SPEC §5.6). */
        session->boot.ring_epoch += 0x01000000;
        reports->stored_seq = (uint16_t)(reports->ring.oldest_seq - 1);
        if (session->machine.phase == MOTE_SESSION_OPEN) {
            mote_session_machine_greet(&session->machine, session->clock.now_ms);
        }
    }
}

void mote_reports_stored(struct mote_reports *reports, uint16_t stored_seq, bool welcome) {
    uint16_t newest = (uint16_t)(reports->ring.next_seq - 1);
    if (welcome) {
        /* The gateway may have lost some, but cannot have more than there are. */
        if ((int16_t)(uint16_t)(newest - stored_seq) < 0) {
            stored_seq = newest;
        }
        reports->send_seq = (uint16_t)(stored_seq + 1);
    } else {
        uint16_t progress = (uint16_t)(stored_seq - reports->stored_seq);
        if (progress == 0 || progress > (uint16_t)(newest - reports->stored_seq)) {
            return;
        }
        if ((int16_t)(uint16_t)(reports->send_seq - stored_seq) <= 0) {
            reports->send_seq = (uint16_t)(stored_seq + 1);
        }
    }
    reports->stored_seq = stored_seq;
    mote_retransmit_timer_stop(&reports->timer);
}

/* Writes the number of a report and its age, which may be null. */
static MOTE_NOINLINE void write_head(struct mote_session *session, uint32_t seq,
                                     enum mote_cbor_major major, uint32_t age_ms) {
    mote_cbor_write_head(&session->writer, MOTE_CBOR_UINT, seq);
    mote_cbor_write_head(&session->writer, major, age_ms);
}

bool mote_reports_write(struct mote_session *session, uint16_t seq) {
    struct mote_log_entry entry;
    const uint8_t *body = mote_log_ring_find(&session->reports.ring, &seq, &entry);
    if (!body) {
        return false;
    }
    uint32_t age_ms = session->clock.now_ms - entry.at_ms;
    write_head(session, seq, entry.is_earlier ? MOTE_CBOR_OTHER : MOTE_CBOR_UINT,
               entry.is_earlier ? MOTE_CBOR_NULL : age_ms);
    const uint32_t body_head[] = {MOTE_REPORT_TEXT, entry.level};
    mote_cbor_write_uints(&session->writer, body_head, 2);
    mote_cbor_write_head(&session->writer, MOTE_CBOR_TEXT, entry.length);
    mote_session_insert(session, body, entry.length);
    return true;
}

/* Says that the reports from `first` up to the oldest one are lost. */
static void write_gap(struct mote_session *session, uint32_t first) {
    const uint32_t gap[] = {MOTE_REPORT_GAP,
                            (uint16_t)(session->reports.ring.oldest_seq - first)};
    write_head(session, first, MOTE_CBOR_OTHER, MOTE_CBOR_NULL);
    mote_cbor_write_uints(&session->writer, gap, 2);
}

bool mote_reports_send(struct mote_session *session) {
    const uint32_t kind = MOTE_KIND_REPORT;
    struct mote_reports *reports = &session->reports;
    uint16_t first = (uint16_t)(reports->stored_seq + 1);
    if (!session->boot.ring_epoch || first == reports->ring.next_seq) {
        return false;
    }
    if (mote_retransmit_timer_due(&reports->timer, &session->clock)) {
        reports->send_seq = first;
    }
    bool send = (int16_t)(uint16_t)(reports->ring.oldest_seq - reports->send_seq) > 0;
    (void)mote_session_begin(session, send ? 5 : 1 + MOTE_REPORT_ELEMENTS, &kind, 1);
    if (send) {
        /* What comes next is gone, and perhaps what went before it too. */
        write_gap(session, first);
        reports->send_seq = reports->ring.oldest_seq;
    } else {
        send = (uint16_t)(reports->send_seq - first) < reports->window &&
               mote_reports_write(session, reports->send_seq);
        reports->send_seq = (uint16_t)(reports->send_seq + send);
    }
    /* Here some are on their way: either one is just sent, or the window or the ring has no more.
     */
    mote_retransmit_timer_arm(&reports->timer, &session->clock, session->machine.rto_ms);
    if (send) {
        mote_session_send(session);
    }
    return send;
}
