#ifndef MOTE_SPAN_H
#define MOTE_SPAN_H

#include <stddef.h>
#include <stdint.h>

/** Bytes that lie somewhere; who owns them, and how long they hold, the user of the span says. */
struct mote_span {
    const uint8_t *bytes;
    size_t length;
};

/**
 * A message in parts that lie where they are: what was written for it, then up to two pieces of some buffer. The last
 * one is spare, for what the carrier adds. Unused parts have length 0.
 */
struct mote_parts {
    struct mote_span part[4];
};

/** For what the caller must not ignore. */
#define MOTE_MUST_USE __attribute__((warn_unused_result))

#endif
