#include "mote/frame.h"

#include "mote/crc16.h"
#include "mote/profile.gen.h"

/*
 * Takes a segment apart: the length of its message, 0 where COBS or checksum are wrong. Writes the message over the
 * beginning of the segment if `store` is set; a first pass without keeps a bad segment whole for salvage.
 */
static size_t take_apart(struct mote_frame_decoder *decoder, bool store) {
    size_t at = 0, length = 0;
    uint16_t crc = 0;
    unsigned run = 0, code = 0xff;
    while (at < decoder->length) {
        uint8_t byte = decoder->segment[at++];
        if (run == 0) {
            bool zero = code != 0xff;
            code = byte;
            run = code - 1u;
            if (!zero) {
                continue;
            }
            byte = 0;
        } else {
            run--;
        }
        crc = mote_crc16_update(crc, byte);
        if (store) {
            decoder->segment[length] = byte;
        }
        length++;
    }
    return run == 0 && crc == 0 && length >= 3 && length <= MOTE_MESSAGE_BYTES + 2 ? length - 2 : 0;
}

static bool is_text(uint8_t byte) {
    return (byte >= 0x20 && byte <= 0x7e) || byte == 0x09 || byte == 0x0a || byte == 0x0d || byte == 0x1b;
}

/* Counts a bad frame and finds the text at its end (SPEC §4.3). Empties the segment, but its bytes stay. */
static enum mote_frame_event salvage(struct mote_frame_decoder *decoder, struct mote_span *out) {
    size_t end = decoder->length, from = end;
    decoder->length = 0;
    if (end == 0) {
        return MOTE_FRAME_NOTHING;
    }
    decoder->bad_frames++;
    while (from > 0 && is_text(decoder->segment[from - 1])) {
        from--;
    }
    out->bytes = &decoder->segment[from];
    out->length = end - from;
    return out->length >= MOTE_LIMIT_SALVAGED_TEXT_BYTES ? MOTE_FRAME_TEXT : MOTE_FRAME_NOTHING;
}

enum mote_frame_event mote_frame_push(struct mote_frame_decoder *decoder, uint8_t byte, uint32_t now_ms,
                                      struct mote_span *out) {
    decoder->last_byte_ms = now_ms;
    if (!decoder->inside) {
        decoder->inside = byte == 0;
        decoder->segment[0] = byte;
        out->bytes = decoder->segment;
        out->length = 1;
        return byte == 0 ? MOTE_FRAME_NOTHING : MOTE_FRAME_TEXT;
    }
    if (byte != 0) {
        decoder->segment[decoder->length++] = byte;
        if (decoder->length < MOTE_SEGMENT_BYTES) {
            return MOTE_FRAME_NOTHING;
        }
        decoder->inside = false;
        return salvage(decoder, out);
    }
    size_t length = take_apart(decoder, false);
    if (length == 0) {
        return salvage(decoder, out);
    }
    (void)take_apart(decoder, true);
    decoder->inside = false;
    decoder->length = 0;
    out->bytes = decoder->segment;
    out->length = length;
    return MOTE_FRAME_MESSAGE;
}

enum mote_frame_event mote_frame_expire(struct mote_frame_decoder *decoder, struct mote_clock *clock,
                                        struct mote_span *out) {
    if (!decoder->inside || !mote_clock_due(clock, decoder->last_byte_ms + MOTE_LIMIT_SEGMENT_SILENCE_MS)) {
        return MOTE_FRAME_NOTHING;
    }
    decoder->inside = false;
    return salvage(decoder, out);
}

static uint8_t byte_at(const struct mote_parts *message, size_t at) {
    const struct mote_span *span = message->part;
    while (at >= span->length) {
        at -= span->length;
        span++;
    }
    return span->bytes[at];
}

void mote_frame_encode(struct mote_parts *message, mote_frame_write *write, void *context) {
    size_t end = 0;
    for (unsigned i = 0; i < 3; i++) {
        end += message->part[i].length;
    }
    uint16_t crc = 0;
    size_t at = 0;
    for (; at < end; at++) {
        crc = mote_crc16_update(crc, byte_at(message, at));
    }
    const uint8_t tail[2] = {(uint8_t)(crc >> 8), (uint8_t)crc};
    message->part[3].bytes = tail;
    message->part[3].length = sizeof tail;
    end += sizeof tail;

    write(context, 0, false);
    for (at = 0; at <= end; at++) {
        /* A group: up to 254 bytes, and the zero after them, which the code stands for. */
        size_t next = at;
        while (next < end && next - at < 254 && byte_at(message, next) != 0) {
            next++;
        }
        unsigned code = (unsigned)(next - at) + 1;
        write(context, (uint8_t)code, false);
        while (at < next) {
            write(context, byte_at(message, at++), false);
        }
        /* A full group stands for no zero; where it is the last one, no empty group follows. */
        if (code == 255 && at < end) {
            at--;
        }
    }
    write(context, 0, true);
}
