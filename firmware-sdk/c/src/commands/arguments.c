#include "mote/commands/arguments.h"

#include <string.h>

#include "mote/dispatch.h"

static void refuse(struct mote_arguments *arguments, enum mote_status status) {
    if (arguments->status != MOTE_STATUS_INVALID_ARGUMENT) {
        arguments->status = status;
    }
}

uint32_t mote_arguments_uint(struct mote_arguments *arguments, uint32_t max) {
    uint32_t value = 0;
    if (mote_dispatch_uint(arguments->request, max, &value)) {
        refuse(arguments, MOTE_STATUS_INVALID_ARGUMENT);
    }
    return value;
}

uint8_t mote_arguments_stream(struct mote_arguments *arguments) {
    uint32_t id = mote_arguments_uint(arguments, MOTE_LIMIT_STREAM_ID);
    if (id == 0) {
        refuse(arguments, MOTE_STATUS_INVALID_ARGUMENT);
    }
    return (uint8_t)id;
}

bool mote_arguments_null(struct mote_arguments *arguments) {
    struct mote_message *request = arguments->request;
    if (request->rest == 0 || *request->body.at != (MOTE_CBOR_OTHER << 5 | MOTE_CBOR_NULL)) {
        return false;
    }
    request->rest--;
    request->body.at++;
    return true;
}

struct mote_span mote_arguments_text(struct mote_arguments *arguments, size_t max) {
    struct mote_message *request = arguments->request;
    struct mote_cbor_head head;
    struct mote_span text = {NULL, 0};
    if (request->rest == 0 || mote_cbor_read_head(&request->body, &head) ||
        head.major != MOTE_CBOR_TEXT || head.value > max) {
        refuse(arguments, MOTE_STATUS_INVALID_ARGUMENT);
        request->rest = 0; /* what follows cannot be found any more */
    } else {
        text.bytes = request->body.at;
        text.length = (size_t)head.value;
        request->rest--;
        request->body.at += head.value;
    }
    return text;
}

bool mote_is_path(const void *text, size_t length) {
    const uint8_t *at = text, *end, *segment;
    if (length < 2) {
        return length == 1 && *at == '/';
    }
    end = at + length; /* not of a text that is missing: NULL + 0 is no pointer in C */
    while (at < end) {
        if (*at++ != '/') {
            return false;
        }
        for (segment = at; at < end && *at != '/'; at++) {
            if (*at == 0) {
                return false;
            }
        }
        size_t dots = (size_t)(at - segment);
        if (dots <= 2 && memcmp(segment, "..", dots) == 0) {
            return false;
        }
    }
    return true;
}

void mote_arguments_path(struct mote_arguments *arguments, char path[MOTE_FILE_NAME_BYTES + 1]) {
    struct mote_span text = mote_arguments_text(arguments, MOTE_LIMIT_PATH_BYTES);
    path[0] = '\0';
    if (!mote_is_path(text.bytes, text.length)) {
        refuse(arguments, MOTE_STATUS_INVALID_ARGUMENT);
    } else if (text.length > MOTE_FILE_NAME_BYTES) {
        refuse(arguments, MOTE_STATUS_OUT_OF_RANGE);
    } else {
        memcpy(path, text.bytes, text.length);
        path[text.length] = '\0';
    }
}
