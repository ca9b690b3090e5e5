#include "mote/frame.h"

#include "mote/cbor.h"
#include "mote/crc16.h"
#include "mote/profile.gen.h"

/*
 * Takes the segment behind `to` apart: the length of its message, 0 where COBS or checksum are
 * wrong. `step` 1 writes the message over the memory from `to` on. A first pass with 0 writes all
 * of it over the zero before the segment, and keeps a bad one whole for salvage.
 */
static int take_apart(uint8_t *to, const uint8_t *end, unsigned step) {
    const uint8_t *from = to + 1;
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
        *to = byte;
        to += step;
        length++;
    }
    return (run | crc) == 0 && length >= 3 && length <= MOTE_MESSAGE_BYTES + 2 ? (int)length - 2
                                                                               : 0;
}

/* Whether text can begin with the byte: what a terminal takes of ASCII, and what is beyond it. */
static bool begins_text(uint8_t byte) {
    return byte < 0x20 ? byte == 0x1b || (byte >= 0x07 && byte <= 0x0d) : byte != 0x7f;
}

/*
 * Moves the runs of text of the segment behind `text` to its beginning, and returns their length,
 * negative (SPEC §4.3). `min` is how long a run has to be with which the segment ends.
 */
static MOTE_NOINLINE int salvage(uint8_t *text, const uint8_t *end, size_t min) {
    uint8_t *from = text + 1, *to = text, *run = text;
    while (from < end) {
        const uint8_t *next = from;
        if (begins_text(*from)) {
            next = mote_cbor_character(from, end);
        }
        if (next == from) {
            if ((size_t)(to - run) < MOTE_LIMIT_SALVAGED_TEXT_BYTES) {
                to = run;
            }
            run = to;
            next = ++from;
        }
        /* A character that is cut off has no next one. */
        while (from != next && from < end) {
            *to++ = *from++;
        }
    }
    bool is_all = to + 1 == end;
    return (int)(text - (is_all || (size_t)(to - run) >= min ? to : run));
}

int mote_frame_push(struct mote_frame_decoder *decoder, int byte, struct mote_clock *clock) {
    uint8_t *segment = decoder->segment;
    unsigned length = decoder->length, min = MOTE_LIMIT_SALVAGED_TEXT_BYTES;
    if (byte == MOTE_FRAME_SILENCE) {
        if (length == 0 ||
            !mote_clock_due(clock, decoder->last_byte_ms + MOTE_LIMIT_SEGMENT_SILENCE_MS)) {
            return 0;
        }
    } else {
        decoder->last_byte_ms = clock->now_ms;
        if (byte != 0) {
            segment[length] = (uint8_t)byte;
            if (length == 0) {
                return -1;
            }
            length = ++decoder->length;
            /* Behind the code byte of COBS a message begins: with the head of an array. */
            bool is_none = !decoder->heard && length == 3 && byte >> 5 != MOTE_CBOR_ARRAY;
            if (!is_none && length <= MOTE_SEGMENT_BYTES) {
                return 0;
            }
            min = 0;
        } else {
            int message = take_apart(segment, segment + length, 0);
            if (message > 0) {
                (void)take_apart(segment, segment + length, 1);
                decoder->length = 0;
                decoder->heard = true;
                return message;
            }
        }
    }
    decoder->length = byte == 0;
    if (length <= 1) {
        return 0;
    }
    decoder->bad_frames++;
    return salvage(segment, segment + length, min);
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
        for (; at != next; at++) {
            write(context, (uint8_t)byte_at(message, at), false);
        }
        if (byte == 0) {
            at++;
        } else {
            /* A full group stands for no zero; if it is the last one, no empty group follows. */
            byte = byte_at(message, at);
        }
    } while (byte >= 0);
    write(context, 0, true);
}
