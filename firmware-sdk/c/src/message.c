#include "mote/message.h"

#include <string.h>

#include "mote/config.h"

/* What an element must be: an integer up to most[code], or what has a case of its own. */
enum {
    FLAG,
    STATUS,
    TO_23, /* a stream, the reason of a bye */
    U8,
    MS,
    WINDOW,
    U16,
    U32,
    BYTES, /* a byte string */
    PAIR,  /* an array, whose elements follow up to CLOSE */
    CLOSE,
    END, /* a status, or the pair of a status and an exit code */
    DONE,
    CODE = 0x0f,
    POSITIVE = 0x10,
    OPTIONAL = 0x20
};

static const uint32_t most[] = {1, 16, 23, 0xff, 999, MOTE_LIMIT_WINDOW_BYTES, 0xffff, 0xffffffff};

/* The elements of the kinds that a gateway sends (SPEC §3.2), and of an end that is a pair. */
static const uint8_t welcome[] = {U8,    U32,            FLAG,           PAIR,          U32, MS,
                                  CLOSE, U16 | POSITIVE, U16 | POSITIVE, U8 | POSITIVE, U16, DONE};
static const uint8_t request[] = {U16, U8, DONE};
static const uint8_t bye[] = {TO_23, U32 | OPTIONAL, DONE};
static const uint8_t ack[] = {U16, DONE};
static const uint8_t data[] = {TO_23 | POSITIVE, U16, BYTES, END | OPTIONAL, DONE};
static const uint8_t credit[] = {TO_23 | POSITIVE, U16, WINDOW, STATUS | OPTIONAL, DONE};
static const uint8_t end_pair[] = {PAIR, STATUS, U8, CLOSE, DONE};
static const uint8_t *const layouts[] = {
    [MOTE_KIND_WELCOME] = welcome, [MOTE_KIND_REQUEST] = request, [MOTE_KIND_BYE] = bye,
    [MOTE_KIND_ACK] = ack,         [MOTE_KIND_DATA] = data,       [MOTE_KIND_CREDIT] = credit,
};

enum mote_message_error mote_message_decode(const uint8_t *bytes, size_t length, struct mote_message *message) {
    if (length > MOTE_MESSAGE_BYTES) {
        return MOTE_MESSAGE_TOO_LONG;
    }
    if (mote_cbor_check(bytes, length)) {
        return MOTE_MESSAGE_CBOR;
    }
    struct mote_cbor_reader reader = {bytes, bytes + length};
    struct mote_cbor_head head;
    (void)!mote_cbor_read_head(&reader, &head);
    uint32_t left = head.value;
    if (head.major != MOTE_CBOR_ARRAY || left-- == 0) {
        return MOTE_MESSAGE_ENVELOPE;
    }
    (void)!mote_cbor_read_head(&reader, &head);
    if (head.major != MOTE_CBOR_UINT) {
        return MOTE_MESSAGE_ENVELOPE;
    }
    memset(message, 0, sizeof *message);
    message->kind = head.value < 0xff ? (uint8_t)head.value : 0xff;
    const uint8_t *layout = NULL;
    if (head.value < sizeof layouts / sizeof layouts[0]) {
        layout = layouts[head.value];
    }

    uint32_t *field = message->field;
    uint32_t outside = 0; /* elements left around a pair */
    for (; layout && *layout != DONE; layout++) {
        unsigned code = *layout & CODE;
        if (code == CLOSE) {
            for (; left > 0; left--) {
                mote_cbor_skip(&reader);
            }
            left = outside;
            continue;
        }
        if (left == 0) {
            if (*layout & OPTIONAL) {
                break;
            }
            return MOTE_MESSAGE_MISSING;
        }
        left--;
        if (*layout & OPTIONAL) {
            message->has_last = true;
        }
        struct mote_cbor_reader start = reader;
        (void)!mote_cbor_read_head(&reader, &head);
        if (code == END) {
            if (head.major == MOTE_CBOR_ARRAY) {
                /* Read it again, as a pair. */
                reader = start;
                left++;
                layout = end_pair - 1;
                continue;
            }
            code = STATUS;
        }
        if (code == PAIR) {
            if (head.major != MOTE_CBOR_ARRAY) {
                return MOTE_MESSAGE_FIELD;
            }
            outside = left;
            left = head.value;
        } else if (code == BYTES) {
            if (head.major != MOTE_CBOR_BYTES) {
                return MOTE_MESSAGE_FIELD;
            }
            message->body.bytes = reader.at;
            message->body.length = head.value;
            reader.at += head.value;
        } else {
            if (head.major != MOTE_CBOR_UINT || head.wide || head.value > most[code] ||
                (head.value == 0 && (*layout & POSITIVE))) {
                return MOTE_MESSAGE_FIELD;
            }
            *field++ = head.value;
        }
    }
    message->rest = (uint8_t)(left < 0xff ? left : 0xff);
    if (message->kind == MOTE_KIND_REQUEST) {
        message->body.bytes = reader.at;
        message->body.length = (size_t)(reader.end - reader.at);
    }
    return MOTE_MESSAGE_OK;
}
