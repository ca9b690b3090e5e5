#include "mote/session.h"

#include <string.h>

void mote_session_init(struct mote_session *session, const struct mote_session_config *config,
                       const struct mote_boot *boot, uint32_t now_ms) {
    session->config = config;
    session->boot = *boot;
    session->clock.now_ms = now_ms;
    session->second_at_ms = now_ms;
    session->reports.stored_seq = (uint16_t)(session->reports.ring.oldest_seq - 1);
}

void mote_session_open(struct mote_session *session) {
    session->machine.rto_ms = session->config->transport->rto_ms;
    mote_session_machine_greet(&session->machine, session->clock.now_ms);
}

void mote_session_close(struct mote_session *session) {
    session->machine.phase = MOTE_SESSION_CLOSED;
}

void mote_session_reboot(struct mote_session *session, uint32_t after_ms) {
    /* Odd, so never 0, and not later: a millisecond early if it was even. */
    session->reboot_at_ms = (session->clock.now_ms + after_ms - 1) | 1;
}

struct mote_cbor_writer *mote_session_begin(struct mote_session *session, uint32_t elements,
                                            const uint32_t *values, size_t count) {
    struct mote_cbor_writer *writer = &session->writer;
    memset(&session->message, 0, sizeof session->message);
    session->message.part[MOTE_TAIL].bytes = session->scratch;
    writer->at = session->scratch;
    writer->end = session->scratch + sizeof session->scratch;
    mote_cbor_write_head(writer, MOTE_CBOR_ARRAY, elements);
    mote_cbor_write_uints(writer, values, count);
    return writer;
}

void mote_session_insert(struct mote_session *session, const uint8_t *bytes, size_t length) {
    struct mote_span *part = session->message.part;
    part[MOTE_HEAD].bytes = session->scratch;
    part[MOTE_HEAD].length = (size_t)(session->writer.at - session->scratch);
    part[MOTE_BODY].bytes = bytes;
    part[MOTE_BODY].length = length;
    part[MOTE_TAIL].bytes = session->writer.at;
}

void mote_session_send(struct mote_session *session) {
    struct mote_span *tail = &session->message.part[MOTE_TAIL];
    tail->length = (size_t)(session->writer.at - tail->bytes);
    session->config->transport->send(session->config->transport_context, &session->message);
}

void mote_session_say(struct mote_session *session, const uint32_t *values, size_t count) {
    (void)mote_session_begin(session, (uint32_t)count, values, count);
    mote_session_send(session);
}

static void take_welcome(struct mote_session *session, const struct mote_message *message) {
    struct mote_session_machine *machine = &session->machine;
    uint32_t now_ms = session->clock.now_ms;
    uint32_t sid = machine->sid;
    uint32_t travel_ms = (now_ms - machine->heard_at_ms) / 2;
    if (!mote_session_machine_welcome(machine, message, now_ms)) {
        return;
    }
    bool streams_kept = message->field[MOTE_WELCOME_STREAMS_KEPT] != 0;
    if (machine->sid != sid) {
        session->exchange.valid = false;
        streams_kept = false;
    }
    mote_stream_resume(session, streams_kept);
    session->reports.window = (uint8_t)message->field[MOTE_WELCOME_REPORT_WINDOW];
    mote_reports_stored(&session->reports, (uint16_t)message->field[MOTE_WELCOME_STORED_SEQ], true);

    /* The device's clock is kept as its distance from the uptime, which began a second of its own
     * at second_at_ms. */
    uint32_t ahead_ms =
        1000u + message->field[MOTE_WELCOME_TIME_MS] + travel_ms - (now_ms - session->second_at_ms);
    session->ahead_s =
        message->field[MOTE_WELCOME_TIME_S] - session->uptime_s - 1 + ahead_ms / 1000u;
    session->ahead_ms = (uint16_t)(ahead_ms % 1000u);
    session->time_set = true;
}

static void take_message(struct mote_session *session, struct mote_span bytes) {
    struct mote_message message;
    if (mote_message_decode(bytes.bytes, bytes.length, &message)) {
        session->refused++;
        return;
    }
    struct mote_session_machine *machine = &session->machine;
    if (message.kind == MOTE_KIND_WELCOME) {
        take_welcome(session, &message);
    } else if (message.kind == MOTE_KIND_BYE) {
        if (machine->phase != MOTE_SESSION_CLOSED) {
            mote_session_machine_bye(machine, &message, session->clock.now_ms);
        }
    }
    if (machine->phase != MOTE_SESSION_OPEN) {
        return;
    }
    machine->heard_at_ms = session->clock.now_ms;
    if (message.kind == MOTE_KIND_REQUEST) {
        mote_exchange_request(session, &message);
        return;
    }
    if (message.rest > 0) {
        session->skipped++;
    }
    if (message.kind == MOTE_KIND_ACK) {
        mote_reports_stored(&session->reports, (uint16_t)message.field[MOTE_ACK_STORED_SEQ], false);
    } else if (message.kind == MOTE_KIND_DATA) {
        mote_stream_data(session, &message);
    } else if (message.kind == MOTE_KIND_CREDIT) {
        mote_stream_credit(session, &message);
    }
}

enum { TELLS_STREAMS = MOTE_STREAMS != MOTE_DEFAULT_STREAMS };

static MOTE_NOINLINE void send_hello(struct mote_session *session) {
    const struct mote_session_config *config = session->config;
    const struct mote_boot *boot = &session->boot;
    const struct mote_log_ring *ring = &session->reports.ring;
    const uint32_t head[] = {MOTE_KIND_HELLO, MOTE_PROFILE_VERSION, boot->number,
                             session->machine.attempt, session->machine.sid};
    struct mote_cbor_writer *writer = mote_session_begin(session, 6, head, 5);
    uint8_t *map = writer->at;
    const uint32_t first[] = {MOTE_HELLO_CAPS,
                              config->caps,
                              MOTE_HELLO_MAX_MESSAGE_BYTES,
                              MOTE_MESSAGE_BYTES,
                              MOTE_HELLO_RX_WINDOW_BYTES,
                              MOTE_RX_WINDOW_BYTES};
    mote_cbor_write_head(writer, MOTE_CBOR_MAP, 4 + TELLS_STREAMS); /* and one for each other */
    mote_cbor_write_uints(writer, first, 6);
    const struct mote_span *identity = config->identity->value;
    for (uint32_t key = MOTE_HELLO_HARDWARE_ID; key <= MOTE_HELLO_BUILD_ID; key++, identity++) {
        if (identity->length > 0) {
            bool is_text = key == MOTE_HELLO_BOARD || key == MOTE_HELLO_FIRMWARE;
            mote_cbor_write_head(writer, MOTE_CBOR_UINT, key);
            mote_cbor_write_string(writer, is_text ? MOTE_CBOR_TEXT : MOTE_CBOR_BYTES,
                                   identity->bytes, identity->length);
            ++*map;
        }
    }
    if (boot->ring_epoch) {
        const uint32_t positions[] = {boot->ring_epoch, ring->next_seq, ring->oldest_seq};
        mote_cbor_write_head(writer, MOTE_CBOR_UINT, MOTE_HELLO_RING);
        mote_cbor_write_head(writer, MOTE_CBOR_ARRAY, 3);
        mote_cbor_write_uints(writer, positions, 3);
        ++*map;
    }
    const uint32_t last[] = {MOTE_HELLO_RESET_CAUSE, boot->reset_cause, MOTE_HELLO_UPTIME_S,
                             session->uptime_s,
#if MOTE_STREAMS != MOTE_DEFAULT_STREAMS
                             MOTE_HELLO_STREAMS,
                             MOTE_STREAMS
#endif
    };
    if (boot->reset_cause) {
        mote_cbor_write_uints(writer, last, 2);
        ++*map;
    }
    mote_cbor_write_uints(writer, last + 2, 2 + 2 * TELLS_STREAMS);
    mote_session_send(session);
}

static void send_beat(struct mote_session *session) {
    const struct mote_platform *platform = session->config->platform;
    const uint32_t values[] = {MOTE_KIND_BEAT, session->uptime_s};
    struct mote_cbor_writer *writer = mote_session_begin(session, 2, values, 2);
    if (platform->beat) {
        session->scratch[0] = (uint8_t)(session->scratch[0] +
                                        platform->beat(session->config->platform_context, writer));
    }
    mote_session_send(session);
}

/* Sends the one message that is due first, or lets the application get on. False: there was nothing
 * to do. */
static bool do_next(struct mote_session *session) {
    const struct mote_session_config *config = session->config;
    switch (mote_session_machine_next(&session->machine, &session->clock)) {
    case MOTE_SESSION_HELLO:
        send_hello(session);
        return true;
    case MOTE_SESSION_BEAT:
        send_beat(session);
        return true;
    case MOTE_SESSION_NOTHING:
        break;
    }
    bool open = session->machine.phase == MOTE_SESSION_OPEN;
    if ((open && mote_reports_send(session)) ||
        (config->run && config->run(session, config->run_context)) ||
        (open && mote_stream_send(session))) {
        return true;
    }
    if (session->reboot_at_ms && mote_clock_due(&session->clock, session->reboot_at_ms)) {
        session->reboot_at_ms = 0;
        config->platform->reboot(config->platform_context);
    }
    return false;
}

uint32_t mote_session_poll(struct mote_session *session, uint32_t now_ms) {
    const struct mote_transport *transport = session->config->transport;
    void *context = session->config->transport_context;
    /* Signed: a clock that goes back a little must not count as 49 days. */
    uint32_t seconds = (uint32_t)((int32_t)(now_ms - session->second_at_ms) / 1000);
    session->uptime_s += seconds;
    session->second_at_ms += seconds * 1000u;
    session->clock.now_ms = now_ms;
    for (unsigned left = MOTE_POLL_MESSAGES; left > 0;) {
        session->clock.wait_ms = MOTE_WAIT_FOREVER;
        if (!transport->ready(context)) {
            return session->clock.wait_ms;
        }
        if (!do_next(session)) {
            struct mote_span message = transport->receive(context, &session->clock);
            if (message.length == 0) {
                return session->clock.wait_ms;
            }
            take_message(session, message);
            left--;
        }
    }
    return 0;
}
