#ifndef MOTE_SPAN_H
#define MOTE_SPAN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A range of bytes. The user of the span defines their owner and how long they are valid. */
struct mote_span {
    const uint8_t *bytes;
    size_t length;
};

/**
 * Parts of a message: its head, bytes of some buffer, the bytes after them, and a spare part for
 * additions of the carrier.
 */
enum { MOTE_HEAD, MOTE_BODY, MOTE_TAIL, MOTE_SPARE, MOTE_PARTS };

/** A message in parts that are not copied. Unused parts have length 0. */
struct mote_parts {
    struct mote_span part[MOTE_PARTS];
};

/**
 * For functions that need less code, or less stack in the caller, if they are not inlined: the
 * compiler guesses wrong.
 */
#define MOTE_NOINLINE __attribute__((noinline))

/** For results that the caller must not ignore. */
#define MOTE_MUST_USE __attribute__((warn_unused_result))

#ifdef __cplusplus
}
#endif

#endif
