#include "mote/stream.h"

#include <string.h>

#include "mote/session.h"

enum {
    MAX_EXIT_CODE = 255,
    HALF = MOTE_STREAM_BUFFER_BYTES / 2,
    /* The bytes of a message for head, kind, stream, offset, length and end (SPEC §3.2). */
    MESSAGE_BYTES = MOTE_MESSAGE_BYTES - (1 + 1 + 1 + 3 + 3 + 4)
};

struct mote_stream *mote_stream_find(struct mote_session *session, uint32_t id) {
    struct mote_stream *stream = session->streams;
    for (unsigned left = MOTE_STREAMS; left > 0; left--, stream++) {
        if (stream->id == id) {
            return stream;
        }
    }
    return NULL;
}

struct mote_stream *mote_stream_open(struct mote_session *session, uint8_t id,
                                     mote_stream_take *take, void *owner) {
    if (mote_stream_find(session, id)) {
        return NULL;
    }
    struct mote_stream *stream = mote_stream_find(session, 0);
    if (stream) {
        memset(stream, 0, sizeof *stream);
        stream->take = take;
        stream->owner = owner;
        stream->id = id;
        stream->limit = MOTE_LIMIT_INITIAL_WINDOW_BYTES;
        stream->window = MOTE_RX_WINDOW_BYTES;
    }
    return stream;
}

size_t mote_stream_room(const struct mote_stream *stream) {
    return MOTE_STREAM_BUFFER_BYTES - (size_t)stream->length;
}

size_t mote_stream_write(struct mote_stream *stream, const void *bytes, size_t length) {
    size_t room = mote_stream_room(stream);
    if (length > room) {
        length = room;
    }
    memcpy(stream->buffer + stream->length, bytes, length);
    stream->length = (uint16_t)(stream->length + length);
    return length;
}

void mote_stream_end(struct mote_stream *stream, enum mote_status status, int32_t exit_code) {
    stream->ended = true;
    stream->end_status = (uint8_t)status;
    /* Cut to what the end has room for, 65536 would be a success; below 0, any number says none. */
    int32_t min = exit_code < MAX_EXIT_CODE ? exit_code : MAX_EXIT_CODE;
    stream->end_exit = (int16_t)(min > -MAX_EXIT_CODE - 1 ? min : -MAX_EXIT_CODE - 1);
}

static MOTE_NOINLINE void resume(struct mote_stream *stream, bool kept) {
    stream->sent = stream->base;
    stream->repeats = 0;
    if (!kept) {
        stream->id = 0;
    }
    mote_retransmit_timer_stop(&stream->timer);
}

void mote_stream_resume(struct mote_session *session, bool kept) {
    for (unsigned i = 0; i < MOTE_STREAMS; i++) {
        resume(&session->streams[i], kept);
    }
}

static uint16_t window_of(struct mote_stream *stream) {
    return (uint16_t)stream->take(stream, NULL, 0);
}

static void send_credit(struct mote_session *session, struct mote_stream *stream) {
    stream->window = window_of(stream);
    const uint32_t values[] = {MOTE_KIND_CREDIT, stream->id, stream->next, stream->window};
    mote_session_say(session, values, 4);
}

void mote_stream_data(struct mote_session *session, const struct mote_message *message) {
    struct mote_stream *stream = mote_stream_find(session, message->field[MOTE_DATA_STREAM]);
    if (!stream) {
        const uint32_t values[] = {MOTE_KIND_CREDIT, message->field[MOTE_DATA_STREAM],
                                   message->field[MOTE_DATA_OFFSET], 0, MOTE_STATUS_NOT_FOUND};
        mote_session_say(session, values, 5);
        return;
    }
    uint16_t known = (uint16_t)(stream->next - message->field[MOTE_DATA_OFFSET]);
    size_t length = (size_t)(message->body.end - message->body.at);
    if (known <= length && !stream->finished) {
        size_t fresh = length - known;
        size_t taken = stream->take(stream, message->body.at + known, fresh);
        if (taken == fresh && message->has_last) {
            stream->finished = (uint8_t)(1 + message->field[MOTE_DATA_END]);
            taken++;
        }
        stream->next = (uint16_t)(stream->next + taken);
    }
    send_credit(session, stream);
}

void mote_stream_credit(struct mote_session *session, const struct mote_message *message) {
    struct mote_stream *stream = mote_stream_find(session, message->field[MOTE_CREDIT_STREAM]);
    if (!stream) {
        return;
    }
    uint32_t next = message->field[MOTE_CREDIT_NEXT];
    uint16_t limit = (uint16_t)(next + message->field[MOTE_CREDIT_WINDOW]);
    uint16_t taken = (uint16_t)(next - stream->base);
    if (message->has_last || (stream->ended && taken == stream->length + 1)) {
        stream->id = 0; /* cancelled, or its end has arrived */
        return;
    }
    if (taken > stream->length) {
        return; /* late: what it speaks of is gone */
    }
    if (taken > 0) {
        stream->length = (uint16_t)(stream->length - taken);
        memmove(stream->buffer, stream->buffer + taken, stream->length);
        stream->base = (uint16_t)next;
        if ((int16_t)(uint16_t)(stream->sent - next) < 0) {
            stream->sent = (uint16_t)next;
        }
        stream->repeats = 0;
        mote_retransmit_timer_stop(&stream->timer);
    } else if ((int16_t)(uint16_t)(limit - stream->limit) > 0) {
        /* A window update: says nothing of what was lost. */
        mote_retransmit_timer_stop(&stream->timer);
    } else if (stream->sent != next && stream->repeats < 2 && ++stream->repeats == 2) {
        stream->sent = (uint16_t)next;
        stream->timer.armed = false;
    }
    stream->limit = limit;
}

/* Sends `count` bytes from `sent` on, and the end if it follows them. */
static void send_data(struct mote_session *session, struct mote_stream *stream, unsigned count,
                      bool end) {
    const uint32_t head[] = {MOTE_KIND_DATA, stream->id, stream->sent};
    struct mote_cbor_writer *writer = mote_session_begin(session, 4u + end, head, 3);
    mote_cbor_write_head(writer, MOTE_CBOR_BYTES, count);
    mote_session_insert(session, stream->buffer + (uint16_t)(stream->sent - stream->base), count);
    if (end) {
        const uint32_t codes[] = {stream->end_status, (uint32_t)stream->end_exit};
        bool has_exit = stream->end_exit >= 0;
        if (has_exit) {
            mote_cbor_write_head(writer, MOTE_CBOR_ARRAY, 2);
        }
        mote_cbor_write_uints(writer, codes, 1u + has_exit);
    }
    mote_session_send(session);
    stream->sent = (uint16_t)(stream->sent + count + end);
}

static MOTE_NOINLINE bool send_one(struct mote_session *session, struct mote_stream *stream) {
    if (!stream->finished && stream->window < HALF && window_of(stream) >= HALF) {
        send_credit(session, stream);
        return true;
    }
    bool due = mote_retransmit_timer_due(&stream->timer, &session->clock);
    if (due) {
        stream->sent = stream->base;
    }
    /* −1 where the end was sent; negative where the window shrank. */
    int left = (int)(stream->length - (uint16_t)(stream->sent - stream->base));
    int count = (int16_t)(uint16_t)(stream->limit - stream->sent);
    if (count > left) {
        count = left;
    }
    if (MOTE_STREAM_BUFFER_BYTES > MESSAGE_BYTES && count > MESSAGE_BYTES) {
        count = MESSAGE_BYTES;
    }
    if (count < 0) {
        count = 0;
    }
    bool end = stream->ended && count == left;
    bool send = count > 0 || end || (due && left > 0);
    if (send) {
        send_data(session, stream, (unsigned)count, end);
    }
    if (stream->length > 0 || stream->sent != stream->base) {
        mote_retransmit_timer_arm(&stream->timer, &session->clock, session->machine.rto_ms);
    }
    return send;
}

bool mote_stream_send(struct mote_session *session) {
    for (unsigned i = 0; i < MOTE_STREAMS; i++) {
        if (session->streams[i].id && send_one(session, &session->streams[i])) {
            return true;
        }
    }
    return false;
}
