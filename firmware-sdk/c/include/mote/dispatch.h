#ifndef MOTE_DISPATCH_H
#define MOTE_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "mote/cbor.h"
#include "mote/status.h"

struct mote_session;

/** The arguments of a request: `left` encoded items, checked by `mote_cbor_check`. */
struct mote_arguments {
    struct mote_cbor_reader reader;
    uint8_t left;
};

/** The results of a request: `items` items, encoded by `writer`, and up to two parts that follow from elsewhere. */
struct mote_result {
    struct mote_cbor_writer *writer;
    struct mote_span body[2];
    uint8_t items;
};

/**
 * Carries out a request. Arguments beyond those it knows are to be ignored. Results count only with MOTE_STATUS_OK; ones
 * that do not fit turn into OUT_OF_RANGE. Called from poll; must not block.
 */
typedef enum mote_status mote_command_run(struct mote_session *session, const void *context,
                                          struct mote_arguments *arguments, struct mote_result *result);

/** A row of the device's command table (SPEC §6). */
struct mote_command {
    mote_command_run *run;
    const void *context;
    uint8_t op;
    bool once; /* has an effect that must not be repeated (SPEC §5.5) */
};

/** The row of an op, or NULL. */
const struct mote_command *mote_dispatch_find(const struct mote_session *session, uint32_t op);

/**
 * Reads an unsigned integer argument. INVALID_ARGUMENT if it is missing or something else, OUT_OF_RANGE above `most`.
 */
MOTE_MUST_USE enum mote_status mote_dispatch_uint(struct mote_arguments *arguments, uint32_t most, uint32_t *value);

#endif
