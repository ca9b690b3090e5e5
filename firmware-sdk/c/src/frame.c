#include "mote/frame.h"

#include "mote/crc16.h"
#include "mote/profile.gen.h"

/*
 * Takes a segment apart: the length of its message, 0 where COBS or checksum are wrong. Writes the
 * message over the beginning of the segment if `store` is set; a first pass without keeps a bad
 * segment whole for salvage.
 */
static size_t take_apart(struct mote_frame_decoder *decoder, bool store) {
    const uint8_t *from = decoder->segment, *end = from + decoder->length;
    size_t length = 0;
    uint16_t crc = 0;
    unsigned run = 0, code = 0xff;
    while (from < end) {
        uint8_t byte = *from++;
        if (run-- == 0) {
            unsigned before = code;
            code = byte;
            run = code - 1;
            if (before == 0xff) {
                continue;
            }
            byte = 0;
        }
        crc = mote_crc16_update(crc, byte);
        if (store) {
            decoder->segment[length] = byte;
        }
        length++;
    }
    return run == 0 && crc == 0 && length >= 3 && length <= MOTE_MESSAGE_BYTES + 2 ? length - 2 : 0;
}

/* Text is tab, line feed, carriage return, escape, and what ASCII prints. */
static bool is_text(uint8_t byte) {
    const uint32_t controls = 1u << 0x09 | 1u << 0x0a | 1u << 0x0d | 1u << 0x1b;
    return byte < 0x20 ? controls >> byte & 1 : byte < 0x7f;
}

/* Empties the segment; where it had anything, counts a bad frame and finds the text at its end
 * (SPEC §4.3). */
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

enum mote_frame_event mote_frame_push(struct mote_frame_decoder *decoder, int byte,
                                      struct mote_clock *clock, struct mote_span *out) {
    out->bytes = decoder->segment;
    if (byte == MOTE_FRAME_SILENCE) {
        if (!decoder->inside ||
            !mote_clock_due(clock, decoder->last_byte_ms + MOTE_LIMIT_SEGMENT_SILENCE_MS)) {
            return MOTE_FRAME_NOTHING;
        }
    } else {
        decoder->last_byte_ms = clock->now_ms;
        if (!decoder->inside) {
            decoder->inside = byte == 0;
            decoder->segment[0] = (uint8_t)byte;
            out->length = 1;
            return byte == 0 ? MOTE_FRAME_NOTHING : MOTE_FRAME_TEXT;
        }
        if (byte == 0) {
            out->length = take_apart(decoder, false);
            if (out->length == 0) {
                return salvage(decoder, out);
            }
            (void)take_apart(decoder, true);
            decoder->length = 0;
            decoder->inside = false;
            return MOTE_FRAME_MESSAGE;
        }
        decoder->segment[decoder->length++] = (uint8_t)byte;
        if (decoder->length < MOTE_SEGMENT_BYTES) {
            return MOTE_FRAME_NOTHING;
        }
    }
    decoder->inside = false;
    return salvage(decoder, out);
}

/* The byte at a place in the whole message, −1 after its end. */
static int byte_at(const struct mote_parts *message, size_t at) {
    for (unsigned i = 0; i < MOTE_PARTS; i++) {
        const struct mote_span *part = &message->part[i];
        if (at < part->length) {
            return part->bytes[at];
        }
        at -= part->length;
    }
    return -1;
}

void mote_frame_encode(struct mote_parts *message, mote_frame_write *write, void *context) {
    uint16_t crc = 0;
    size_t at = 0;
    int byte;
    message->part[MOTE_SPARE].length = 0;
    while ((byte = byte_at(message, at)) >= 0) {
        crc = mote_crc16_update(crc, (uint8_t)byte);
        at++;
    }
    const uint8_t tail[2] = {(uint8_t)(crc >> 8), (uint8_t)crc};
    message->part[MOTE_SPARE].bytes = tail;
    message->part[MOTE_SPARE].length = sizeof tail;

    write(context, 0, false);
    at = 0;
    do {
        /* A group: up to 254 bytes, and the zero after them, which the code stands for. */
        size_t next = at;
        while (next - at < 254 && (byte = byte_at(message, next)) > 0) {
            next++;
        }
        write(context, (uint8_t)(next - at + 1), false);
        while (at < next) {
            write(context, (uint8_t)byte_at(message, at++), false);
        }
        if (byte == 0) {
            at++;
        } else {
            /* A full group stands for no zero; where it is the last one, no empty group follows. */
            byte = byte_at(message, at);
        }
    } while (byte >= 0);
    write(context, 0, true);
}
