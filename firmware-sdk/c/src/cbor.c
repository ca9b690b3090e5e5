#include "mote/cbor.h"

#include <string.h>

#include "mote/profile.gen.h"

enum mote_cbor_error mote_cbor_read_head(struct mote_cbor_reader *reader,
                                         struct mote_cbor_head *head) {
    const uint8_t *at = reader->at;
    memset(head, 0, sizeof *head);
    if (at == reader->end) {
        return MOTE_CBOR_TRUNCATED;
    }
    unsigned major = *at >> 5;
    unsigned info = *at++ & 31u;
    if (major == MOTE_CBOR_TAGGED) {
        return MOTE_CBOR_TAG;
    }
    if (info > 27) {
        return info == 31 ? MOTE_CBOR_INDEFINITE : MOTE_CBOR_RESERVED;
    }
    if (major == MOTE_CBOR_OTHER) {
        if (info == 25) {
            return MOTE_CBOR_FLOAT16;
        }
        if (info < 20 || (info > 22 && info < 26)) {
            return MOTE_CBOR_SIMPLE;
        }
    }
    uint32_t value = info;
    uint32_t high = 0;
    if (info >= 24) {
        unsigned size = 1u << (info - 24);
        if ((size_t)(reader->end - at) < size) {
            return MOTE_CBOR_TRUNCATED;
        }
        value = 0;
        for (unsigned i = 0; i < size; i++) {
            high = high << 8 | value >> 24;
            value = value << 8 | *at++;
        }
        /* Not shortest: the upper half of the argument is empty, or one byte holds what the head
         * could. */
        uint32_t needed = size == 8 ? high : size == 1 ? value / 24 : value >> (size * 4);
        if (needed == 0 && major != MOTE_CBOR_OTHER) {
            return MOTE_CBOR_NOT_SHORTEST;
        }
    }
    reader->at = at;
    head->value = value;
    head->major = (uint8_t)major;
    head->wide = high != 0;
    return MOTE_CBOR_OK;
}

const uint8_t *mote_cbor_character(const uint8_t *start, const uint8_t *end) {
    const uint8_t *at = start;
    uint32_t code = *at++;
    if (code >= 0x80) {
        /* The bit of the lead that says whether one more byte follows; it moves up with the lead. */
        uint32_t mark = 0x40, min;
        if (code < 0xc2 || code > 0xf4) {
            return start;
        }
        do {
            if (at == end) {
                return NULL;
            }
            if (*at >> 6 != 2) {
                return start;
            }
            code = code << 6 | (*at++ & 0x3fu);
            min = mark;
            mark <<= 5;
        } while (code & mark);
        code &= mark - 1;
        /* Overlong (two bytes were checked by their lead), beyond Unicode, or a surrogate. */
        if (code < min || code > 0x10ffff || code >> 11 == 0xd800 >> 11) {
            return start;
        }
    }
    return at;
}

bool mote_cbor_is_utf8(const uint8_t *bytes, size_t length) {
    const uint8_t *end = bytes + length;
    while (bytes < end) {
        const uint8_t *next = mote_cbor_character(bytes, end);
        if (!next || next == bytes) {
            return false;
        }
        bytes = next;
    }
    return true;
}

enum mote_cbor_error mote_cbor_check(const uint8_t *bytes, size_t length,
                                     const uint8_t *elements[MOTE_CBOR_ELEMENTS]) {
    struct mote_cbor_reader reader = {bytes, bytes + length};
    struct level {
        const uint8_t
            *key;    /* in a map the key before, or its own head, which is greater than none */
        size_t left; /* items still to come, two for each entry of a map */
    } levels[MOTE_LIMIT_DEPTH + 1];
    struct level *level = levels;
    level->key = NULL;
    level->left = 1;
    size_t noted = 0;

    for (;;) {
        while (level->left == 0) {
            if (level == levels) {
                return reader.at == reader.end ? MOTE_CBOR_OK : MOTE_CBOR_TRAILING;
            }
            level--;
        }
        const uint8_t *start = reader.at;
        bool is_key = level->key && level->left % 2 == 0;
        if (is_key && start < reader.end && *start >> 5 != MOTE_CBOR_UINT) {
            return MOTE_CBOR_KEY_TYPE;
        }
        if (level == levels + 1 && noted < MOTE_CBOR_ELEMENTS) {
            elements[noted++] = start;
        }
        struct mote_cbor_head head;
        enum mote_cbor_error error = mote_cbor_read_head(&reader, &head);
        if (error) {
            return error;
        }
        level->left--;
        if (is_key) {
            /* Keys are in the order of their bytes (RFC 8949 §4.2.1). The head of the map stands
             * for none yet. */
            if (*level->key >> 5 == MOTE_CBOR_UINT &&
                memcmp(level->key, start, (size_t)(reader.at - start)) >= 0) {
                return MOTE_CBOR_KEY_ORDER;
            }
            level->key = start;
        }
        if (head.major < MOTE_CBOR_BYTES || head.major > MOTE_CBOR_MAP) {
            continue;
        }
        size_t left = (size_t)(reader.end - reader.at);
        bool is_map = head.major == MOTE_CBOR_MAP;
        if (head.wide || head.value > left >> is_map) {
            return MOTE_CBOR_TRUNCATED;
        }
        if (head.major >= MOTE_CBOR_ARRAY) {
            if (level == levels + MOTE_LIMIT_DEPTH) {
                return MOTE_CBOR_DEPTH;
            }
            level++;
            level->key = is_map ? start : NULL;
            level->left = (size_t)head.value << is_map;
        } else {
            if (head.major == MOTE_CBOR_TEXT && !mote_cbor_is_utf8(reader.at, (size_t)head.value)) {
                return MOTE_CBOR_UTF8;
            }
            reader.at += head.value;
        }
    }
}

static void put(struct mote_cbor_writer *writer, uint32_t byte) {
    if (writer->at < writer->end) {
        *writer->at++ = (uint8_t)byte;
    }
}

void mote_cbor_write_raw(struct mote_cbor_writer *writer, const void *bytes, size_t length) {
    for (const uint8_t *at = bytes; length > 0; length--) {
        put(writer, *at++);
    }
}

void mote_cbor_write_head(struct mote_cbor_writer *writer, enum mote_cbor_major major,
                          uint32_t value) {
    unsigned type = (unsigned)major << 5;
    if (value < 24) {
        put(writer, type | value);
        return;
    }
    int width = (value > 0xff) + (value > 0xffff);
    put(writer, type | (unsigned)(24 + width));
    for (int shift = 8 << width; (shift -= 8) >= 0;) {
        put(writer, value >> shift);
    }
}

void mote_cbor_write_uints(struct mote_cbor_writer *writer, const uint32_t *values, size_t count) {
    for (; count > 0; count--) {
        mote_cbor_write_head(writer, MOTE_CBOR_UINT, *values++);
    }
}

void mote_cbor_write_string(struct mote_cbor_writer *writer, enum mote_cbor_major major,
                            const void *bytes, size_t length) {
    mote_cbor_write_head(writer, major, (uint32_t)length);
    mote_cbor_write_raw(writer, bytes, length);
}
