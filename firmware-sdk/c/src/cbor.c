#include "mote/cbor.h"

#include <string.h>

#include "mote/profile.gen.h"

enum mote_cbor_error mote_cbor_read_head(struct mote_cbor_reader *reader, struct mote_cbor_head *head) {
    const uint8_t *at = reader->at;
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
        /* Not shortest: the upper half of the argument is empty, or one byte holds what the head could. */
        uint32_t needed = size == 8 ? high : size == 1 ? value / 24 : value >> (size * 4);
        if (needed == 0 && major != MOTE_CBOR_OTHER) {
            return MOTE_CBOR_NOT_SHORTEST;
        }
    }
    reader->at = at;
    head->value = value;
    head->major = (uint8_t)major;
    head->info = (uint8_t)info;
    head->wide = high != 0;
    return MOTE_CBOR_OK;
}

bool mote_cbor_is_utf8(const uint8_t *bytes, size_t length) {
    while (length > 0) {
        uint32_t code = *bytes++;
        length--;
        if (code < 0x80) {
            continue;
        }
        if (code < 0xc2 || code > 0xf4) {
            return false;
        }
        unsigned more = code < 0xe0 ? 1 : code < 0xf0 ? 2 : 3;
        if (length < more) {
            return false;
        }
        length -= more;
        code &= 0x3fu >> more;
        for (unsigned i = more; i > 0; i--) {
            if (*bytes >> 6 != 2) {
                return false;
            }
            code = code << 6 | (*bytes++ & 0x3fu);
        }
        /* Overlong (two bytes were checked by their lead), beyond Unicode, or a surrogate. */
        if (code >> (5 * more + 1) == 0 || code > 0x10ffff || code >> 11 == 0xd800 >> 11) {
            return false;
        }
    }
    return true;
}

enum mote_cbor_error mote_cbor_check(const uint8_t *bytes, size_t length) {
    struct mote_cbor_reader reader = {bytes, bytes + length};
    struct {
        const uint8_t *key; /* the key before, NULL in an array */
        size_t left;        /* items still to come, two for each entry of a map */
    } levels[MOTE_LIMIT_DEPTH];
    unsigned depth = 0;
    /* A key's order is that of its bytes (RFC 8949 §4.2.1); this one comes before all. */
    static const uint8_t before_all[1] = {0};

    do {
        const uint8_t *start = reader.at;
        bool is_key = depth > 0 && levels[depth - 1].key && levels[depth - 1].left % 2 == 0;
        if (is_key && start < reader.end && *start >> 5 != MOTE_CBOR_UINT) {
            return MOTE_CBOR_KEY_TYPE;
        }
        struct mote_cbor_head head;
        enum mote_cbor_error error = mote_cbor_read_head(&reader, &head);
        if (error) {
            return error;
        }
        if (depth > 0) {
            levels[depth - 1].left--;
        }
        if (is_key) {
            const uint8_t **key = &levels[depth - 1].key;
            if (*key != before_all && memcmp(*key, start, (size_t)(reader.at - start)) >= 0) {
                return MOTE_CBOR_KEY_ORDER;
            }
            *key = start;
        } else if (head.major >= MOTE_CBOR_BYTES && head.major <= MOTE_CBOR_MAP) {
            size_t left = (size_t)(reader.end - reader.at);
            bool is_map = head.major == MOTE_CBOR_MAP;
            if (head.wide || head.value > left >> is_map) {
                return MOTE_CBOR_TRUNCATED;
            }
            if (head.major >= MOTE_CBOR_ARRAY) {
                if (depth == MOTE_LIMIT_DEPTH) {
                    return MOTE_CBOR_DEPTH;
                }
                levels[depth].left = (size_t)head.value << is_map;
                levels[depth].key = is_map ? before_all : NULL;
                depth++;
            } else {
                if (head.major == MOTE_CBOR_TEXT && !mote_cbor_is_utf8(reader.at, head.value)) {
                    return MOTE_CBOR_UTF8;
                }
                reader.at += head.value;
            }
        }
        while (depth > 0 && levels[depth - 1].left == 0) {
            depth--;
        }
    } while (depth > 0);
    return reader.at == reader.end ? MOTE_CBOR_OK : MOTE_CBOR_TRAILING;
}

void mote_cbor_skip(struct mote_cbor_reader *reader) {
    uint32_t items = 1;
    struct mote_cbor_head head;
    while (items-- > 0 && mote_cbor_read_head(reader, &head) == MOTE_CBOR_OK) {
        if (head.major == MOTE_CBOR_BYTES || head.major == MOTE_CBOR_TEXT) {
            reader->at += head.value;
        } else if (head.major == MOTE_CBOR_ARRAY || head.major == MOTE_CBOR_MAP) {
            items += head.value << (head.major == MOTE_CBOR_MAP);
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

void mote_cbor_write_head(struct mote_cbor_writer *writer, enum mote_cbor_major major, uint32_t value) {
    unsigned type = (unsigned)major << 5;
    if (value < 24) {
        put(writer, type | value);
        return;
    }
    unsigned width = value <= 0xff ? 0 : value <= 0xffff ? 1 : 2;
    put(writer, type | (24 + width));
    for (int shift = 8 << width; (shift -= 8) >= 0;) {
        put(writer, value >> shift);
    }
}

void mote_cbor_write_uints(struct mote_cbor_writer *writer, const uint32_t *values, size_t count) {
    for (; count > 0; count--) {
        mote_cbor_write_head(writer, MOTE_CBOR_UINT, *values++);
    }
}

void mote_cbor_write_string(struct mote_cbor_writer *writer, enum mote_cbor_major major, const void *bytes,
                            size_t length) {
    mote_cbor_write_head(writer, major, (uint32_t)length);
    mote_cbor_write_raw(writer, bytes, length);
}
