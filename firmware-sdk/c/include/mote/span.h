#ifndef MOTE_SPAN_H
#define MOTE_SPAN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes that lie somewhere; who owns them, and how long they hold, the user of the span says. */
struct mote_span {
    const uint8_t *bytes;
    size_t length;
};

/** Parts of a message: its head, bytes of some buffer, what follows them, and a spare one for what
 * the carrier adds. */
enum { MOTE_HEAD, MOTE_BODY, MOTE_TAIL, MOTE_SPARE, MOTE_PARTS };

/** A message in parts that lie where they are. Unused ones have length 0. */
struct mote_parts {
    struct mote_span part[MOTE_PARTS];
};

/** For what takes less code, or less stack of its caller, if it is not inlined: the compiler
 * guesses wrong. */
#define MOTE_NOINLINE __attribute__((noinline))

/** For what the caller must not ignore. */
#define MOTE_MUST_USE __attribute__((warn_unused_result))

#ifdef __cplusplus
}
#endif

#endif
