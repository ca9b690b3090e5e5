#include "mote/reports.h"

#include <string.h>

#include "mote/session.h"

/* The longest text whose report, and whose log-read response, fit a message and an empty ring. */
enum {
    IN_MESSAGE = MOTE_MESSAGE_BYTES - 19,
    IN_RING = MOTE_LOG_RING_BYTES - MOTE_LOG_ENTRY_HEAD - 5,
    TEXT_BYTES = IN_MESSAGE < IN_RING ? IN_MESSAGE : IN_RING
};

void mote_log(struct mote_session *session, enum mote_level level, const char *text) {
    struct mote_reports *reports = &session->reports;
    struct mote_span tail = {(const uint8_t *)text, strlen(text)};
    if (tail.length > TEXT_BYTES) {
        tail.length = TEXT_BYTES;
        /* Not in the middle of a character. */
        while (tail.length > 0 && tail.bytes[tail.length] >> 6 == 2) {
            tail.length--;
        }
    }
    uint8_t bytes[5];
    struct mote_cbor_writer writer = {bytes, bytes + sizeof bytes};
    const uint32_t type[] = {MOTE_REPORT_TEXT, level};
    mote_cbor_write_uints(&writer, type, 2);
    mote_cbor_write_head(&writer, MOTE_CBOR_TEXT, (uint32_t)tail.length);
    struct mote_span head = {bytes, (size_t)(writer.at - bytes)};
    mote_log_ring_add(&reports->ring, session->clock.now_ms, 3, &head, &tail,
                      !mote_cbor_is_utf8(tail.bytes, tail.length));

    if ((uint16_t)(reports->ring.next_seq - reports->stored_seq) == 0x8000 && session->boot.ring_epoch) {
        /* Serial arithmetic ends here: the ring begins a new life (SPEC §5.6). */
        session->boot.ring_epoch += 0x01000000;
        reports->stored_seq = (uint16_t)(reports->ring.oldest_seq - 1);
        reports->send_seq = reports->ring.oldest_seq;
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
    mote_retry_stop(&reports->retry);
}

void mote_reports_write_head(struct mote_session *session, const struct mote_log_entry *entry) {
    const uint32_t values[] = {entry->seq, session->clock.now_ms - entry->at_ms};
    mote_cbor_write_uints(&session->writer, values, 2);
}

bool mote_reports_send(struct mote_session *session) {
    struct mote_reports *reports = &session->reports;
    uint16_t first = (uint16_t)(reports->stored_seq + 1);
    struct mote_log_entry entry;
    bool send = true;
    if (!session->boot.ring_epoch || first == reports->ring.next_seq) {
        return false;
    }
    if (mote_retry_due(&reports->retry, &session->clock)) {
        reports->send_seq = first;
    }
    if ((int16_t)(uint16_t)(reports->ring.oldest_seq - reports->send_seq) > 0) {
        /* What comes next is gone, and perhaps what went before it too. */
        static const uint8_t null = MOTE_CBOR_NULL;
        const uint32_t head[] = {MOTE_KIND_REPORT, first};
        const uint32_t gap[] = {MOTE_REPORT_GAP, (uint16_t)(reports->ring.oldest_seq - first)};
        struct mote_cbor_writer *writer = mote_session_begin(session, 5, head, 2);
        mote_cbor_write_raw(writer, &null, 1);
        mote_cbor_write_uints(writer, gap, 2);
        mote_session_send(session, NULL);
        reports->send_seq = reports->ring.oldest_seq;
    } else if ((uint16_t)(reports->send_seq - first) < reports->window &&
               mote_log_ring_find(&reports->ring, reports->send_seq, &entry)) {
        static const uint32_t kind = MOTE_KIND_REPORT;
        (void)mote_session_begin(session, 3u + entry.elements, &kind, 1);
        mote_reports_write_head(session, &entry);
        mote_session_send(session, entry.body);
        reports->send_seq++;
    } else {
        send = false;
    }
    /* Here some are on their way: either one was just sent, or the window or the ring has no more. */
    mote_retry_arm(&reports->retry, &session->clock, session->machine.rto_ms);
    return send;
}
