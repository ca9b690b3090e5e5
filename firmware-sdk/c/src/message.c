#include "mote/message.h"

#include <string.h>

#include "message_layout.gen.h"
#include "mote/config.h"

enum mote_message_error mote_message_decode(const uint8_t *bytes, size_t length,
                                            struct mote_message *message) {
    const uint8_t *starts[MOTE_CBOR_ELEMENTS];
    struct mote_cbor_reader reader = {bytes, bytes + length};
    struct mote_cbor_head head;
    memset(message, 0, sizeof *message);
    if (length > MOTE_MESSAGE_BYTES) {
        return MOTE_MESSAGE_TOO_LONG;
    }
    /* The heads below have been checked here: reading them again cannot fail. */
    if (mote_cbor_check(bytes, length, starts)) {
        return MOTE_MESSAGE_CBOR;
    }
    (void)!mote_cbor_read_head(&reader, &head);
    uint32_t count = head.value;
    if (head.major != MOTE_CBOR_ARRAY || count == 0) {
        return MOTE_MESSAGE_ENVELOPE;
    }
    (void)!mote_cbor_read_head(&reader, &head);
    if (head.major != MOTE_CBOR_UINT || head.wide) {
        return MOTE_MESSAGE_ENVELOPE;
    }
    message->kind = head.value;

    /* Of an unknown kind everything is skipped, its number too. */
    unsigned layout = message->kind < sizeof layouts ? layouts[message->kind] : 0;
    uint32_t *field = message->field;
    uint32_t index = layout ? 1 : 0, pair = 0;
    for (const uint8_t *element = elements + layout; *element != DONE; element++) {
        if (*element & SECOND) {
            if (pair == 0) {
                continue;
            }
        } else {
            if (index == count) {
                if (*element & OPTIONAL) {
                    break;
                }
                return MOTE_MESSAGE_MISSING;
            }
            reader.at = starts[index++];
            message->has_last = (*element & OPTIONAL) != 0;
        }
        (void)!mote_cbor_read_head(&reader, &head);
        if (*element & PAIR) {
            if (head.major == MOTE_CBOR_ARRAY) {
                pair = head.value;
                if (pair < 2) {
                    return MOTE_MESSAGE_MISSING;
                }
                message->rest = (uint16_t)(pair - 2);
                (void)!mote_cbor_read_head(&reader, &head);
            } else if (!(*element & OPTIONAL)) {
                return MOTE_MESSAGE_FIELD;
            }
        }
        unsigned code = *element & CODE;
        if (code == BYTES) {
            if (head.major != MOTE_CBOR_BYTES) {
                return MOTE_MESSAGE_FIELD;
            }
            message->body.at = reader.at;
            message->body.end = reader.at + head.value;
        } else {
            if (head.major != MOTE_CBOR_UINT || head.wide ||
                (code != UP_TO_4294967295 && head.value > max_of[code]) ||
                (head.value == 0 && (*element & POSITIVE))) {
                return MOTE_MESSAGE_FIELD;
            }
            *field++ = head.value;
        }
    }
    message->rest = (uint16_t)(message->rest + count - index);
    if (message->kind == MOTE_KIND_REQUEST) {
        message->body = reader;
    }
    return MOTE_MESSAGE_OK;
}
