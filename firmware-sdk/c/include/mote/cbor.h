#ifndef MOTE_CBOR_H
#define MOTE_CBOR_H

#include <stdbool.h>
#include <stdint.h>

#include "mote/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The first fault of malformed bytes, in reading order (SPEC §2.3). */
#define MOTE_CBOR_ERROR_TABLE(X)                                                                   \
    X(OK)                                                                                          \
    X(TRUNCATED)                                                                                   \
    X(TRAILING)                                                                                    \
    X(NOT_SHORTEST)                                                                                \
    X(INDEFINITE)                                                                                  \
    X(RESERVED)                                                                                    \
    X(TAG)                                                                                         \
    X(FLOAT16)                                                                                     \
    X(SIMPLE)                                                                                      \
    X(KEY_TYPE)                                                                                    \
    X(KEY_ORDER)                                                                                   \
    X(UTF8)                                                                                        \
    X(DEPTH)

enum mote_cbor_error {
#define MOTE_CBOR_ENUM(name) MOTE_CBOR_##name,
    MOTE_CBOR_ERROR_TABLE(MOTE_CBOR_ENUM)
#undef MOTE_CBOR_ENUM
};

enum mote_cbor_major {
    MOTE_CBOR_UINT,
    MOTE_CBOR_NEGATIVE,
    MOTE_CBOR_BYTES,
    MOTE_CBOR_TEXT,
    MOTE_CBOR_ARRAY,
    MOTE_CBOR_MAP,
    MOTE_CBOR_TAGGED,
    MOTE_CBOR_OTHER
};

/** The argument of `null` in a head of MOTE_CBOR_OTHER. */
#define MOTE_CBOR_NULL 22

/** The position of reading: at < end while something is left. */
struct mote_cbor_reader {
    const uint8_t *at;
    const uint8_t *end;
};

/** The head of an item: major type and argument. */
struct mote_cbor_head {
    uint32_t value;
    uint8_t major;
    bool wide; /* the argument needs more than 32 bits; `value` has the lower ones */
};

/**
 * Reads one head and steps over it; on a fault the reader stays, and the head is all zeros.
 * Checks everything that SPEC §2.3 asks of a head alone: type, then length, then shortest form.
 *
 * Blocking: no. ISR-safe: yes. Re-entrant: yes, as all functions here.
 */
MOTE_MUST_USE enum mote_cbor_error mote_cbor_read_head(struct mote_cbor_reader *reader,
                                                       struct mote_cbor_head *head);

/** How many elements of a message `mote_cbor_check` notes: the most that any kind has, and its
 * kind. */
#define MOTE_CBOR_ELEMENTS 9

/**
 * Whether the bytes are exactly one item of the profile's subset (SPEC §2). Strict and bounded: no
 * recursion, no memory but about 100 bytes of stack. All other reading relies on it. Of an array, notes
 * where its first elements begin.
 *
 * Blocking: no. ISR-safe: yes. Re-entrant: yes.
 */
MOTE_MUST_USE enum mote_cbor_error mote_cbor_check(const uint8_t *bytes, size_t length,
                                                   const uint8_t *elements[MOTE_CBOR_ELEMENTS]);

/**
 * The end of the character in UTF-8 that begins at `start`; `start` itself if none does, NULL if
 * it is cut off by `end`, which is behind `start`.
 *
 * Blocking: no. ISR-safe: yes. Re-entrant: yes.
 */
const uint8_t *mote_cbor_character(const uint8_t *start, const uint8_t *end);

/** Whether the bytes are UTF-8 (RFC 3629: no surrogates, nothing overlong, at most U+10FFFF). */
bool mote_cbor_is_utf8(const uint8_t *bytes, size_t length);

/** The position of writing. Bytes that do not fit are left out; then at == end. */
struct mote_cbor_writer {
    uint8_t *at;
    const uint8_t *end;
};

/** Writes a head in its shortest form. */
void mote_cbor_write_head(struct mote_cbor_writer *writer, enum mote_cbor_major major,
                          uint32_t value);

/** Writes unsigned integers. */
void mote_cbor_write_uints(struct mote_cbor_writer *writer, const uint32_t *values, size_t count);

/** Writes bytes as they are. */
void mote_cbor_write_raw(struct mote_cbor_writer *writer, const void *bytes, size_t length);

/** Writes a byte string or a text with its head. */
void mote_cbor_write_string(struct mote_cbor_writer *writer, enum mote_cbor_major major,
                            const void *bytes, size_t length);

#ifdef __cplusplus
}
#endif

#endif
